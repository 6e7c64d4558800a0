"""`libra-edge export`: a model directory becomes a bundle that an arm can be driven with."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from libra_edge.bundle import REPORT, StageEntry
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.errors import CheckFailed, MissingDependencyError
from libra_edge.locate import BUNDLES, model_directory_path
from libra_edge.model_directory import ModelDirectory, open_model_directory

if TYPE_CHECKING:
    from libra_edge.export.exporter import ExportResult
    from libra_edge.export.latency import Latency

FILE = click.Path(path_type=Path)


@click.command("export")
@click.argument("model", metavar="MODEL")
@click.option("--out", type=FILE, help="Folder of the bundle; bundles/NAME by default.")
@click.option("--target", type=click.Choice(["cpu"]), default="cpu", show_default=True, help="What shall run it.")
@click.option("--planner", type=click.Choice(["int8", "fp32"]), default="int8", show_default=True)
@click.option("--refiner", type=click.Choice(["fp16", "fp32"]), default="fp16", show_default=True)
@click.option("--calibration", type=FILE, help="Samples to use in place of the model's own calibration.npz.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws samples if there are many."
)
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
    """  # noqa: D301 - click reads the \b
    begin = time.monotonic()
    _require_onnx()
    directory = open_model_directory(model_directory_path(model))
    if only_check:
        _check(directory, choices["calibration"], as_json=as_json)
        return
    destination = out or BUNDLES / directory.spec.name
    result = _export(directory, destination, choices)
    if as_json:
        print_json(_as_json(result, destination, time.monotonic() - begin))
    if result.failed:
        failures = ", ".join(f"{gate.name} ({gate.value:.4g} against {gate.threshold:g})" for gate in result.failed)
        advice = " ".join(f"--accept {gate.name}" for gate in result.failed)
        raise CheckFailed(f"nothing was written, for these gates failed: {failures}; to export all the same: {advice}")


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401, PLC0415 - an extra that this verb alone needs
    except ImportError as error:
        raise MissingDependencyError("onnx", "install it with: pip install 'libra-edge[export]'") from error


def _check(directory: ModelDirectory, calibration: Path | None, *, as_json: bool) -> None:
    from libra_edge.export.checked_model import check_model  # noqa: PLC0415 - `--help` does without it

    model = check_model(directory, calibration)
    samples = {"calibration": int((~model.samples.holdout).sum()), "held_out": int(model.samples.holdout.sum())}
    parameters = dict(model.graphs.parameters)
    counts = ", ".join(f"{name} {count:,}" for name, count in parameters.items())
    stderr_console().print(f"{directory.path} is a model directory; weights: {counts}; samples: {samples}")
    if as_json:
        print_json({"model_directory": str(directory.path), "parameters": parameters, "samples": samples})


def _export(directory: ModelDirectory, out: Path, choices: dict[str, Any]) -> ExportResult:
    from libra_edge.cli.export_progress import ProgressBars  # noqa: PLC0415 - `--help` does without it
    from libra_edge.export.exporter import ExportOptions, export_model  # noqa: PLC0415

    names = ("planner", "refiner", "calibration", "seed", "accepted")
    options = ExportOptions(out, **{name: choices[name] for name in names})
    with ProgressBars() as bars:
        result = export_model(directory, options, bars)
    stderr_console().print(_table(result))
    if result.sha256:
        stderr_console().print(f"Bundle [b]{out}[/b] ({result.sha256[:12]}), report: {out / REPORT}")
    return result


def _table(result: ExportResult) -> Table:
    table = Table("gate", "figure", "threshold", "verdict")
    for gate in result.manifest.gates:
        value = "" if gate.value is None else f"{gate.value:.4f}"
        bound = f"{'>=' if gate.better == 'higher' else '<='} {gate.threshold:g}"
        table.add_row(gate.name, value, bound, gate.verdict + ", accepted" * gate.accepted)
    return table


def _as_json(result: ExportResult, out: Path, seconds: float) -> dict[str, object]:
    manifest = result.manifest
    return {
        "bundle": str(out) if result.sha256 else None,
        "bundle_sha256": result.sha256,
        "targets": {
            target: {
                "planner": _stage(entry.planner, result.latency["planner"]),
                "refiner": _stage(entry.refiner, result.latency["refiner"]),
            }
            for target, entry in manifest.targets.items()
        },
        "gates": [gate.model_dump(mode="json") for gate in manifest.gates],
        "seconds": round(seconds, 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _stage(entry: StageEntry, latency: Latency) -> dict[str, object]:
    """`int8_mac_share` is null: it is not measured yet."""
    return {
        "precision": entry.precision,
        "bytes": entry.bytes,
        "bytes_fp32": entry.bytes_fp32,
        "ms": round(latency.ms, 4),
        "ms_fp32": round(latency.ms_fp32, 4),
        "int8_mac_share": None,
    }
