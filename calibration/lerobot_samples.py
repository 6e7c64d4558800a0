"""Calibration samples from a LeRobotDataset v3.0: pictures and states as recorded, tokens from the actions that follow.

What a dataset does not hold is drawn: the noise, and the plan's age if the refiner takes it. Tokens are those of a
planner that is always right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from libra_edge.calibration.joint_unit import Unit, check_positions
from libra_edge.calibration.lerobot_dataset import ACTION, PICTURES, STATE, LeRobotDataset, open_dataset
from libra_edge.calibration.lerobot_rows import Moment, moments_of, read_moments
from libra_edge.calibration.parquet_file import read_pictures, short_name
from libra_edge.calibration.sample_choice import Choice, choose
from libra_edge.calibration.sample_forms import HOLDOUT, IMAGE, Array, cameras_of, empty_arrays
from libra_edge.calibration.samples import DOCUMENT, CalibrationSamples, checked_samples
from libra_edge.calibration.video_file import decode_picture, pictures_at
from libra_edge.errors import CalibrationError, InstructionError
from libra_edge.instruction import InstructionEncoder
from libra_edge.messages import UInt8
from libra_edge.model_spec import CameraSection, ModelSpec


def lerobot_samples(
    folder: Path, spec: ModelSpec, encoder: InstructionEncoder, *, seed: int, limit: int, unit: Unit
) -> CalibrationSamples:
    """At most `limit` samples of each kind from the dataset in `folder`, whose joints are in `unit`.

    Raises CalibrationError, MissingDependencyError. No more pictures are held than the samples' own.
    """
    try:
        dataset = open_dataset(folder, cameras_of(spec))
        lengths = [moments_of(episode, spec, dataset.info.fps) for episode in dataset.episodes]
        chosen = choose(lengths, limit=limit, seed=seed)
        moments = read_moments(dataset, chosen, spec, unit)
        arrays = _numbers(moments, chosen, spec, encoder, seed=seed, unit=unit)
        for camera in spec.camera:
            if camera.used_by:
                for row, picture in _pictures(dataset, moments, camera):
                    arrays[IMAGE + camera.name][row] = picture
    except (ValueError, InstructionError, OSError) as error:
        raise CalibrationError(folder, f"{error}; see {DOCUMENT}") from error
    return checked_samples(folder, arrays, spec)


def _numbers(
    moments: Sequence[Moment],
    chosen: Sequence[Choice],
    spec: ModelSpec,
    encoder: InstructionEncoder,
    *,
    seed: int,
    unit: Unit,
) -> dict[str, Array]:
    """Every array; pictures are still black. Raises ValueError, InstructionError."""
    arrays, rng, space = empty_arrays(spec, len(moments)), np.random.default_rng(seed), spec.action_space
    for row, (moment, choice) in enumerate(zip(moments, chosen, strict=True)):
        arrays[HOLDOUT][row] = choice.held_out
        arrays["instruction"][row] = encoder.encode(moment.task)[0]
        arrays["state"][row] = moment.state
    if moments:
        actions = np.array([moment.actions for moment in moments])
        check_positions(np.array([moment.state for moment in moments]), spec, unit, STATE)
        check_positions(actions.reshape(-1, space.dimensions), spec, unit, ACTION)
        arrays["tokens"][:] = space.tokens(space.normalise(actions))
    arrays["sample"][:] = rng.standard_normal(arrays["sample"].shape, np.float32)
    if "plan_age" in arrays:
        policy = spec.policy
        oldest = min(policy.max_plan_delay_steps, policy.plan_steps - policy.chunk_steps)  # older ones are never used
        arrays["plan_age"][:] = rng.integers(0, oldest + 1, len(moments))
    return arrays


def _pictures(dataset: LeRobotDataset, moments: Sequence[Moment], camera: CameraSection) -> Iterator[tuple[int, UInt8]]:
    """(sample row, uint8 [H, W, 3] RGB) of one camera for every moment, a file at a time."""
    key = PICTURES + camera.name
    rows_in: dict[Path, list[int]] = defaultdict(list)
    if dataset.info.features[key].dtype == "video":
        times = {row: one.episode.videos[key].from_timestamp + one.time_s for row, one in enumerate(moments)}
        for row in sorted(times, key=times.__getitem__):
            rows_in[dataset.video_file(moments[row].episode, key)].append(row)
        for file, rows in rows_in.items():
            at = [times[row] for row in rows]
            yield from zip(rows, pictures_at(file, at, camera, tolerance_s=0.5 / dataset.info.fps), strict=True)
        return
    for row, moment in enumerate(moments):
        rows_in[dataset.data_file(moment.episode)].append(row)
    for file, rows in rows_in.items():
        row_of = {moments[row].file_row: row for row in rows}
        for file_row, data in read_pictures(file, key, row_of):
            yield row_of[file_row], decode_picture(data, camera, f"{short_name(file)} row {file_row}")
