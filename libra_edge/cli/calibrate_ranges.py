"""`libra-edge calibrate ranges`: the observations that INT8 ranges are set from, and what they cover."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.errors import ConfigError, ModelDirectoryError
from libra_edge.locate import CALIBRATIONS, RECORDINGS, model_directory_path
from libra_edge.model_directory import ModelDirectory, open_model_directory

if TYPE_CHECKING:
    from libra_edge.instruction import InstructionEncoder

logger = logging.getLogger(__name__)

FILE = click.Path(path_type=Path)


@click.command("ranges")
@click.option("--model", default="libra_base", show_default=True, help="Name or folder of a model directory.")
@click.option(
    "--from", "sources", type=FILE, multiple=True, help="Recording, folder, dataset or .npz; may be repeated."
)
@click.option("--robot", "robot_name", help="Record runs with this robot first, and take the samples from them, too.")
@click.option("--task", "tasks", multiple=True, help="What it shall do; may be repeated, the runs take turns.")
@click.option("--runs", type=click.IntRange(1, 1000), default=8, show_default=True, help="How many to record.")
@click.option("--duration", type=click.FloatRange(1, 3600), default=30.0, show_default=True, help="Seconds a run.")
@click.option("--bundle", help="What drives those runs; the bundle named like the model by default.")
@click.option("--limit", type=click.IntRange(16, 100_000), default=256, show_default=True, help="Samples of each kind.")
@click.option("--joint-unit", type=click.Choice(["deg", "rad"]), default="deg", show_default=True, help="Of a dataset.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws the samples.")
@click.option("--out", type=FILE, help="The .npz file; calibrations/MODEL.npz by default.")
@json_option
def command(*, out: Path | None, as_json: bool, **options: Any) -> None:
    """Collect the observations that INT8 ranges are set from, and say what they cover.

    \b
    Example:
      libra-edge calibrate ranges --from recordings/ --from my_dataset/ --out ranges.npz
      libra-edge calibrate ranges --robot koch-sim --task "pick up the red cube" --runs 6
      libra-edge export libra_base --calibration ranges.npz
    """  # noqa: D301 - click reads the \b
    directory = open_model_directory(model_directory_path(options["model"]))
    path = out or CALIBRATIONS / f"{directory.spec.name}.npz"
    if path.suffix != ".npz":
        raise ConfigError(f"--out {path}: samples are kept as .npz; give a name that ends so")
    sources = [*options["sources"], *_recorded(options)]
    if not sources:
        raise ConfigError(
            "nothing to take samples from: give --from with recordings, a dataset or a .npz file, or --robot and "
            "--task to record runs now"
        )
    result = _collect(directory, sources, path, options)
    if as_json:
        print_json(result)


def _collect(directory: ModelDirectory, sources: list[Path], path: Path, options: dict[str, Any]) -> dict[str, Any]:
    from libra_edge.calibration import sample_set  # noqa: PLC0415 - `--help` does without it
    from libra_edge.calibration.coverage import as_json, coverage_of  # noqa: PLC0415
    from libra_edge.calibration.sources import open_all  # noqa: PLC0415
    from libra_edge.cli.coverage_view import show_coverage  # noqa: PLC0415

    encoder = _encoder(directory)
    with stderr_console().status(f"Reading {', '.join(str(source) for source in sources)}") as status:
        limit, unit = sample_set.SPARE * options["limit"], options["joint_unit"]
        parts = open_all(sources, directory.spec, encoder, seed=options["seed"], limit=limit, unit=unit)
        status.update("Looking for near-duplicates")
        distinct, removed = sample_set.without_duplicates(sources[0], sample_set.joined([*parts.values()]))
        samples = sample_set.thinned(distinct, limit=options["limit"], seed=options["seed"])
        status.update(f"Writing {path}")
        sample_set.write_samples(samples, path)
        coverage = coverage_of(samples, directory.spec, encoder)
    gone = {"calibration": removed.calibration, "held_out": removed.held_out}
    show_coverage(coverage, gone, stderr_console())
    stderr_console().print(f"{path}: libra-edge export {options['model']} --calibration {path}")
    read = {name: len(part.holdout) for name, part in parts.items()}
    return {"file": str(path), "coverage": {**as_json(coverage), "duplicates_removed": gone, "sources": read}}


def _encoder(directory: ModelDirectory) -> InstructionEncoder:
    from libra_edge.instruction import InstructionEncoder  # noqa: PLC0415 - `--help` does without it

    try:
        return InstructionEncoder(directory.tokenizer, directory.spec.instruction.max_tokens)
    except (ValueError, OSError) as error:
        raise ModelDirectoryError(directory.path, str(error)) from error


def _recorded(options: dict[str, Any]) -> list[Path]:
    """Record runs, if that is asked for; the folder of the recordings."""
    robot, tasks = options["robot_name"], options["tasks"]
    if robot is None:
        if tasks:
            raise ConfigError("--task needs --robot: which robot shall do it?")
        return []
    if not tasks:
        raise ConfigError('--robot needs --task: what shall it do meanwhile, such as --task "pick up the red cube"')
    from libra_edge.cli.run import command as run  # noqa: PLC0415 - brings inference and cameras

    folder = RECORDINGS / f"ranges-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    for number in range(options["runs"]):
        task = tasks[number % len(tasks)]
        logger.info("run %d of %d: %s", number + 1, options["runs"], task)
        words = {"--robot": robot, "--model": options["bundle"] or options["model"], "--task": task}
        words |= {"--duration": str(options["duration"]), "--seed": str(options["seed"] + number)}
        words |= {"--record": str(folder / f"{number:03d}.mcap")}
        run.main([part for pair in words.items() for part in pair], prog_name="libra-edge run", standalone_mode=False)
    logger.info("the recordings stay in %s", folder)
    return [folder]
