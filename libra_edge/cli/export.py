"""`libra-edge export`: a model directory becomes a bundle that an arm can be driven with."""

from __future__ import annotations

import logging
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Column, Table

from libra_edge.bundle import Target
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.errors import CheckFailed, ConfigError, MissingDependencyError
from libra_edge.locate import BUNDLES, model_directory_path
from libra_edge.model_directory import ModelDirectory, open_model_directory

if TYPE_CHECKING:
    from libra_edge.closed_loop_outcome import ClosedLoopOutcome
    from libra_edge.export.exporter import ClosedLoop, ExportResult
    from libra_edge.export.progress import Progress
    from libra_edge.export.target_export import TargetExport
    from libra_edge.policy_files import PolicyFiles

logger = logging.getLogger(__name__)
FILE = click.Path(path_type=Path)
TARGETS: tuple[Target, ...] = ("cpu", "tensorrt")
PASSED_ON = ("planner", "refiner", "calibration", "joint_unit", "seed", "accepted", "tune")


def _targets(_context: click.Context, _option: click.Parameter, text: str) -> tuple[Target, ...]:
    """Targets separated by commas, in the order of TARGETS, each once."""
    words = {word.strip() for word in text.split(",")}
    unknown = sorted(words - set(TARGETS))
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is no target; there are {', '.join(TARGETS)}")
    return tuple(target for target in TARGETS if target in words)


@click.command("export")
@click.argument("model", metavar="MODEL")
@click.option("--out", type=FILE, help="Folder of the bundle; bundles/NAME by default.")
@click.option("--target", "targets", callback=_targets, default=",".join(TARGETS), show_default=True, help="For what.")
@click.option("--engines", is_flag=True, help="Build TensorRT engines for the device at hand, too.")
@click.option(
    "--workspace",
    "workspace_mb",
    type=click.IntRange(1, 1 << 20),
    default=1024,
    show_default=True,
    help="GPU memory for an engine's scratch, MB.",
)
@click.option("--planner", type=click.Choice(["int8", "fp16", "fp32"]), default="int8", show_default=True)
@click.option("--refiner", type=click.Choice(["fp16", "bf16", "fp32"]), default="fp16", show_default=True)
@click.option("--tune", is_flag=True, help="Measure which layer bears which precision, and keep that with the model.")
@click.option("--calibration", type=FILE, help="Samples in place of the model's own: .npz, recordings, dataset.")
@click.option("--joint-unit", type=click.Choice(["deg", "rad"]), default="deg", show_default=True, help="Of a dataset.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws samples if there are many."
)
@click.option("--closed-loop", "episodes", type=click.IntRange(min=1), help="Play so many episodes against FP32.")
@click.option("--accept", "accepted", metavar="GATE", multiple=True, help="Write the bundle though this gate fails.")
@click.option("--check", "only_check", is_flag=True, help="Check the model directory, write nothing.")
@json_option
def command(model: str, out: Path | None, *, only_check: bool, as_json: bool, **choices: Any) -> None:
    """Quantise a model, compare it with what it was, and write it as a bundle.

    MODEL is the name of a shipped model or the path of a model directory. If a gate fails, nothing is written.

    \b
    Example:
      libra-edge export libra_base
      libra-edge export my_model --check
      libra-edge export my_model --tune --closed-loop 900
    """  # noqa: D301 - click reads the \b
    begin = time.monotonic()
    _require_onnx()
    _check_engines(choices)
    directory = open_model_directory(model_directory_path(model))
    if only_check:
        _check(directory, choices, as_json=as_json)
        return
    destination = out or BUNDLES / directory.spec.name
    result = _export(directory, destination, choices)
    engines = _engines(destination, choices) if result.sha256 else []
    if as_json:
        print_json({**_as_json(result, destination, time.monotonic() - begin), "engines": engines})
    if result.failed:
        failures = ", ".join(
            f"{gate.name} on {gate.target} ({gate.value:.4g} against {gate.threshold:g})" for gate in result.failed
        )
        advice = " ".join(dict.fromkeys(f"--accept {gate.name}" for gate in result.failed))
        raise CheckFailed(
            f"no bundle was written, for these gates failed: {failures}; see {result.report}; "
            f"to export all the same: {advice}"
        )


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401, PLC0415 - an extra that this verb alone needs
        import tomli_w  # noqa: F401, PLC0415
    except ImportError as error:
        raise MissingDependencyError(
            error.name or "onnx", "install it with: pip install 'libra-edge[export]'"
        ) from error


def _check_engines(choices: dict[str, Any]) -> None:
    """Fail before the work, not after it. Raises ConfigError, MissingDependencyError, MissingHardwareError."""
    if choices["engines"]:
        from libra_edge.export.engine_cache import this_site  # noqa: PLC0415 - for a Jetson alone

        if "tensorrt" not in choices["targets"]:
            raise ConfigError("--engines needs --target tensorrt: engines are built from its graphs")
        this_site()


def _engines(bundle: Path, choices: dict[str, Any]) -> list[dict[str, object]]:
    if not choices["engines"]:
        return []
    from libra_edge.cli.device_engines import build_engines  # noqa: PLC0415 - for a Jetson alone

    return build_engines(bundle, choices["workspace_mb"])


def _check(directory: ModelDirectory, choices: dict[str, Any], *, as_json: bool) -> None:
    from libra_edge.cli.export_progress import ProgressBars  # noqa: PLC0415 - `--help` does without it
    from libra_edge.export.checked_model import SampleChoice, check_model  # noqa: PLC0415

    with ProgressBars() as bars:
        choice = SampleChoice(choices["calibration"], choices["joint_unit"], choices["seed"])
        model = check_model(directory, choice, bars)
    samples = {"calibration": int((~model.samples.holdout).sum()), "held_out": int(model.samples.holdout.sum())}
    parameters = dict(model.graphs.parameters)
    counts = ", ".join(f"{name} {count:,}" for name, count in parameters.items())
    stderr_console().print(f"{directory.path} is a model directory; weights: {counts}; samples: {samples}")
    if as_json:
        print_json({"model_directory": str(directory.path), "parameters": parameters, "samples": samples})


def _export(directory: ModelDirectory, out: Path, choices: dict[str, Any]) -> ExportResult:
    from libra_edge.cli.export_progress import ProgressBars  # noqa: PLC0415 - `--help` does without it
    from libra_edge.export.exporter import ExportOptions, export_model  # noqa: PLC0415

    with ProgressBars() as bars:
        options = ExportOptions(
            out,
            choices["targets"],
            **{name: choices[name] for name in PASSED_ON},
            closed_loop=_closed_loop(directory.policy_files(), choices["episodes"], bars),
        )
        result = export_model(directory, options, bars)
    stderr_console().print(_table(result))
    if result.sha256:
        stderr_console().print(f"Bundle [b]{out}[/b] ({result.sha256[:12]}), report: {result.report}")
    return result


def _closed_loop(fp32: PolicyFiles, episodes: int | None, progress: Progress) -> ClosedLoop | None:
    """What plays the episodes; None, announced, if the simulation cannot play this model."""
    if episodes is None:
        return None
    from libra_edge.cli.closed_loop import check_can_be_played, measure_drop  # noqa: PLC0415 - MuJoCo is an extra

    try:
        check_can_be_played(fp32)
    except (ConfigError, MissingDependencyError) as error:
        logger.warning("the closed loop is not run: %s", error)
        return None

    def play(fp32: PolicyFiles, exported: PolicyFiles, target: Target) -> ClosedLoopOutcome:
        stage = f"Playing with FP32 and as exported, {target}"
        return measure_drop(fp32, exported, progress, episodes=episodes, stage=stage)

    return play


def _table(result: ExportResult) -> Table:
    targets = list(result.targets)
    table = Table(Column("gate", no_wrap=True), Column("passes", no_wrap=True), *targets)
    rows: dict[str, list[str]] = {}
    for gate in result.manifest.gates:
        bound = f"{'>=' if gate.better == 'higher' else '<='} {gate.threshold:g}"
        value = "" if gate.value is None else f"{gate.value:.4g} "
        rows.setdefault(gate.name, [bound]).append(value + gate.verdict + ", accepted" * gate.accepted)
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def _as_json(result: ExportResult, out: Path, seconds: float) -> dict[str, object]:
    manifest = result.manifest
    return {
        "bundle": str(out) if result.sha256 else None,
        "bundle_sha256": result.sha256,
        "targets": {
            target: {name: _stage(result, export, name) for name in ("planner", "refiner")}
            for target, export in result.targets.items()
        },
        "gates": [gate.model_dump(mode="json") for gate in manifest.gates],
        "seconds": round(seconds, 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _stage(result: ExportResult, export: TargetExport, name: str) -> dict[str, object]:
    """`ms` is null where the target does not run on this machine."""
    entry = getattr(result.manifest.targets[export.target], name)
    latency = export.latency[name] if export.latency is not None else None
    return {
        "precision": entry.precision,
        "bytes": entry.bytes,
        "bytes_fp32": entry.bytes_fp32,
        "ms": None if latency is None else round(latency.ms, 4),
        "ms_fp32": None if latency is None else round(latency.ms_fp32, 4),
        "int8_mac_share": entry.int8_mac_share,
    }
