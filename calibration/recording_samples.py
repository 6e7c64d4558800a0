"""Calibration samples from recordings of runs: what the refiner was given, chunk by chunk, bit for bit."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from libra_edge.calibration.recorded_run import RecordedRun, read_pictures, read_run
from libra_edge.calibration.sample_choice import Choice, choose
from libra_edge.calibration.sample_forms import HOLDOUT, IMAGE, Array, empty_arrays
from libra_edge.calibration.samples import DOCUMENT, CalibrationSamples, checked_samples
from libra_edge.errors import CalibrationError, InstructionError, RecordingError
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec

logger = logging.getLogger(__name__)


def recording_samples(
    path: Path, spec: ModelSpec, encoder: InstructionEncoder, *, seed: int, limit: int
) -> CalibrationSamples:
    """At most `limit` samples of each kind from an `.mcap` file or a folder of them. Raises CalibrationError.

    Each recording counts as an episode; no more is held in memory than the samples themselves.
    """
    return samples_of_files(path, recordings_at(path), spec, encoder, seed=seed, limit=limit)


def recordings_at(path: Path) -> list[Path]:
    """The `.mcap` files in a folder, in order, or the path itself."""
    return sorted(path.glob("*.mcap")) if path.is_dir() else [path]


def samples_of_files(
    path: Path, files: Sequence[Path], spec: ModelSpec, encoder: InstructionEncoder, *, seed: int, limit: int
) -> CalibrationSamples:
    """The same from these files, wherever they lie; errors speak of `path`. Raises CalibrationError."""
    try:
        arrays = _arrays(files, spec, encoder, seed=seed, limit=limit)
    except RecordingError as error:
        raise CalibrationError(path, f"{error.path.name} {error.problem}") from error
    except (ValueError, InstructionError) as error:
        raise CalibrationError(path, f"{error}; see {DOCUMENT}") from error
    return checked_samples(path, arrays, spec)


def _arrays(
    files: Sequence[Path], spec: ModelSpec, encoder: InstructionEncoder, *, seed: int, limit: int
) -> dict[str, Array]:
    runs = [read_run(file, spec) for file in files]
    _announce(runs, spec)
    chosen = choose([len(run.chunks) for run in runs], limit=limit, seed=seed)
    arrays = empty_arrays(spec, len(chosen))
    for row, choice in enumerate(chosen):
        _fill(arrays, row, choice, runs[choice.episode], encoder)
    for episode, run in enumerate(runs):
        _fill_pictures(arrays, {row: one for row, one in enumerate(chosen) if one.episode == episode}, run, spec)
    return arrays


def _announce(runs: Sequence[RecordedRun], spec: ModelSpec) -> None:
    """Say what is left out or strange. Raises ValueError if nothing is left."""
    complete, incomplete = sum(len(run.chunks) for run in runs), sum(run.incomplete for run in runs)
    if not complete:
        raise ValueError(
            f"{len(runs)} recordings with {incomplete} chunks, none of them with its plan and its frames in the file; "
            "record again"
        )
    if incomplete:
        logger.warning("%d of %d chunks are left out: a frame or plan is missing", incomplete, complete + incomplete)
    strangers = sorted({run.model for run in runs} - {spec.name})
    if strangers:
        logger.warning("recordings of model %s calibrate model %s", ", ".join(strangers), spec.name)


def _fill(arrays: dict[str, Array], row: int, choice: Choice, run: RecordedRun, encoder: InstructionEncoder) -> None:
    chunk = run.chunks[choice.moment]
    arrays[HOLDOUT][row] = choice.held_out
    arrays["instruction"][row] = encoder.encode(run.task)[0]
    arrays["state"][row] = chunk.state
    arrays["tokens"][row] = chunk.tokens
    arrays["sample"][row] = chunk.sample
    if "plan_age" in arrays:
        arrays["plan_age"][row] = chunk.plan_age


def _fill_pictures(arrays: dict[str, Array], chosen: dict[int, Choice], run: RecordedRun, spec: ModelSpec) -> None:
    rows: dict[int, list[int]] = defaultdict(list)
    cameras: dict[int, str] = {}
    for row, choice in chosen.items():
        for camera, place in run.chunks[choice.moment].pictures.items():
            rows[place].append(row)
            cameras[place] = camera
    for place, picture in read_pictures(run.path, cameras, spec):
        arrays[IMAGE + cameras[place]][rows[place]] = picture
