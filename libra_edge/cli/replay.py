"""`libra-edge replay`: does a bundle still decide what was decided when the recording was made?"""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.markup import escape
from rich.table import Table

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.cli.export_progress import ProgressBars
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.cli.run_backend import Backend, load_on
from libra_edge.cuda_device import first_cuda_device
from libra_edge.errors import CheckFailed, ConfigError, EngineError, MissingHardwareError, RecordingError
from libra_edge.locate import bundle_path
from libra_edge.runtime.load_systems import Systems
from libra_edge.runtime.recorded_decisions import RecordedDecisions
from libra_edge.runtime.replay import ReplayResult, replay

logger = logging.getLogger(__name__)

RECORDED = "recorded"
LOSSLESS = "lossless"
INCOMPLETE_SHOWN = 3


@click.command("replay")
@click.argument("recording", metavar="REC", type=click.Path(path_type=Path))
@click.option("--bundle", "other", help="Compare with this bundle [default: the one that the recording was made with].")
@click.option(
    "--backend",
    "asked",
    type=click.Choice((RECORDED, "onnxruntime", "tensorrt")),
    default=RECORDED,
    show_default=True,
    help="What computes it.",
)
@click.option(
    "--max-difference-deg", type=click.FloatRange(0.0), help="Exit with 1 if a goal position differs by more than this."
)
@json_option
def command(*, recording: Path, other: str | None, asked: str, max_difference_deg: float | None, as_json: bool) -> None:
    """Feed a recording's pictures and joints through a bundle again and compare plans and chunks.

    With the bundle it was made with, on the same kind of machine and backend, everything must come out the same to the
    last bit (exit code 1 if not). With another one, or from JPEG pictures, the largest difference is told.

    \b
    Example:
      libra-edge replay recordings/run.mcap
      libra-edge replay recordings/run.mcap --bundle bundles/new --max-difference-deg 0.5
    """  # noqa: D301 - click reads the \b
    recorded = RecordedDecisions(recording)
    bundle = _bundle(recorded, other)
    run = recorded.run
    backend = _backend(run.backend if asked == RECORDED else asked, forced=asked != RECORDED)
    same = (bundle.sha256, backend, LOSSLESS) == (run.bundle_sha256, run.backend, run.pictures)
    result = _replayed(recorded, bundle, backend)
    _tell(recorded, result, bundle)
    if as_json:
        print_json({**_figures(recorded, result, bundle), "backend": backend})
    _check(result, same=same, allowed_deg=max_difference_deg)


def _bundle(recorded: RecordedDecisions, other: str | None) -> Bundle:
    """The bundle to compare with. Raises BundleError; ConfigError if the one at hand is not the recording's."""
    if other is not None:
        return open_bundle(bundle_path(other))
    wanted, bundle = recorded.run.bundle_sha256, open_bundle(bundle_path(recorded.run.model))
    if bundle.sha256 != wanted:
        raise ConfigError(
            f"{recorded.path} was made with bundle {wanted[:8]} of {recorded.run.model!r}, {bundle.path} is "
            f"{bundle.sha256[:8]}: find the old one, or give --bundle {bundle.path} to compare with this one"
        )
    return bundle


def _backend(wanted: str, *, forced: bool) -> Backend:
    """The recording's own, or ONNX Runtime where that cannot be had and nobody insists. Raises MissingHardwareError."""
    if wanted != "tensorrt":
        return "onnxruntime"
    try:
        first_cuda_device()
    except MissingHardwareError as error:
        if forced:
            raise
        logger.warning("TensorRT cannot be had here (%s)", error)
        return "onnxruntime"
    return "tensorrt"


def _replayed(recorded: RecordedDecisions, bundle: Bundle, backend: Backend) -> ReplayResult:
    with closing(load_on(backend, bundle)) as systems:
        return _compared(recorded, bundle, backend, systems)


def _compared(recorded: RecordedDecisions, bundle: Bundle, backend: Backend, systems: Systems) -> ReplayResult:
    if not recorded.whole:
        logger.warning("%s was cut off: it is replayed as far as it goes", recorded.path)
    if recorded.run.backend != backend:
        logger.warning("it was made on %s and is replayed on %s: expect differences", recorded.run.backend, backend)
    if recorded.run.pictures != LOSSLESS:
        logger.warning("its pictures were recorded as %s: expect differences", recorded.run.pictures.upper())
    with ProgressBars() as bars:
        bars.begin(f"Replaying {recorded.path.name}", recorded.count)
        try:
            return replay(recorded, systems, bars.advance)
        except EngineError as error:
            raise RecordingError(recorded.path, f"does not fit bundle {bundle.path}: {error}") from error


def _tell(recorded: RecordedDecisions, result: ReplayResult, bundle: Bundle) -> None:
    table = Table("", "compared", "identical", title=escape(f"{recorded.path.name} against {bundle.path}"))
    table.add_row("plans", str(result.plans), str(result.plans_identical))
    table.add_row("chunks", str(result.chunks), str(result.chunks_identical))
    stderr_console().print(table)
    if result.largest is not None and not result.identical:
        names = zip(bundle.spec.action.joints, np.degrees(result.largest), strict=True)
        joints = ", ".join(f"{name} {difference:.4f}" for name, difference in names)
        stderr_console().print(f"Largest difference, degrees: {joints}; most in chunk {result.worst_chunk}")
    for lack in result.incomplete[:INCOMPLETE_SHOWN]:
        logger.warning("%s is not compared: %s", lack.what, lack.problem)
    if len(result.incomplete) > INCOMPLETE_SHOWN:
        logger.warning("%d more are not compared", len(result.incomplete) - INCOMPLETE_SHOWN)


def _figures(recorded: RecordedDecisions, result: ReplayResult, bundle: Bundle) -> dict[str, Any]:
    return {
        "chunks": result.chunks,
        "identical": result.identical,
        "max_difference_deg": result.max_difference_deg,
        "plans": result.plans,
        "tokens_identical": result.plans_identical == result.plans,
        "worst_chunk": result.worst_chunk,
        "incomplete": [f"{lack.what}: {lack.problem}" for lack in result.incomplete],
        "whole": recorded.whole,
        "bundle_sha256": bundle.sha256,
        "recorded_bundle_sha256": recorded.run.bundle_sha256,
    }


def _check(result: ReplayResult, *, same: bool, allowed_deg: float | None) -> None:
    """Raises CheckFailed."""
    largest = result.max_difference_deg
    if largest is None:
        raise CheckFailed("no chunk could be compared")
    if same and not result.identical:
        differ = result.plans - result.plans_identical, result.chunks - result.chunks_identical
        raise CheckFailed(
            f"the same bundle decides otherwise: {differ[0]} of {result.plans} plans and {differ[1]} of "
            f"{result.chunks} chunks differ, by up to {largest:.4f} degrees"
        )
    if allowed_deg is not None and largest > allowed_deg:
        raise CheckFailed(f"a goal position differs by {largest:.4f} degrees, allowed are {allowed_deg:g}")
