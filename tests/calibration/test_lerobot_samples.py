"""Samples from a LeRobot dataset: the right picture, pose and tokens of each moment, or why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.errors import CalibrationError
from libra_edge.instruction import InstructionEncoder
from libra_edge.messages import Float64, UInt8
from libra_edge.model_spec import ModelSpec
from tests.calibration.lerobot_writer import (
    TASKS,
    Read,
    WrittenEpisode,
    an_episode,
    write_dataset,
)
from tests.calibration.scenes import noise, scenes

STEP = 3
"""Frames a control step: 30 a second, at 10 Hz."""


def found_in(states: Float64, episodes: list[WrittenEpisode]) -> list[tuple[int, int]]:
    """(episode, frame) of each sampled state; states are all different."""
    places = [(number, frame) for number, one in enumerate(episodes) for frame in range(len(one.states))]
    everything = np.concatenate([one.states for one in episodes])
    return [places[int(np.argmin(np.abs(everything - state).sum(axis=1)))] for state in states]


def check_moments(samples: CalibrationSamples, episodes: list[WrittenEpisode], spec: ModelSpec, *, loss: float) -> None:
    """Every sample is one moment of one episode: pose, pictures (within `loss` grey levels), actions after it."""
    places, space = found_in(samples.arrays["state"].astype(np.float64), episodes), spec.action_space
    assert len(set(places)) == len(places)
    for row, (number, frame) in enumerate(places):
        one = episodes[number]
        np.testing.assert_allclose(samples.arrays["state"][row], one.states[frame], atol=1e-5)
        following = one.actions[frame : frame + 5 * STEP : STEP]
        np.testing.assert_array_equal(samples.arrays["tokens"][row], space.tokens(space.normalise(following)))
        for camera, pictures in one.pictures.items():
            picture = samples.arrays[f"image_{camera}"][row].astype(np.int16)
            assert np.abs(picture - pictures[frame]).mean() <= loss
            others = np.abs(picture - np.delete(pictures, frame, axis=0)).mean(axis=(1, 2, 3))
            assert others.min() > 30


@pytest.mark.parametrize(
    "options", [{"codec": "libsvtav1"}, {"codec": "libx264"}, {"video": False}], ids=["av1", "h264", "embedded"]
)
def test_every_sample_is_a_moment_of_the_dataset(
    tmp_path: Path, read: Read, spec: ModelSpec, episodes: list[WrittenEpisode], options: dict[str, Any]
) -> None:
    folder = write_dataset(tmp_path / "dataset", episodes, spec.action.joints, **options)
    check_moments(read(folder), episodes, spec, loss=12.0 if options.get("codec") else 0.0)


def test_the_words_are_those_of_the_episode_and_whole_episodes_are_held_out(
    dataset: Path, read: Read, spec: ModelSpec, encoder: InstructionEncoder, episodes: list[WrittenEpisode]
) -> None:
    samples = read(dataset, limit=500)
    places = found_in(samples.arrays["state"].astype(np.float64), episodes)
    assert len(places) == sum(len(one.states) - 4 * STEP for one in episodes)
    for row, (number, _) in enumerate(places):
        np.testing.assert_array_equal(samples.arrays["instruction"][row], encoder.encode(TASKS[number % 2])[0])
    kinds = {
        number: {bool(samples.holdout[row]) for row, place in enumerate(places) if place[0] == number}
        for number in range(4)
    }
    assert sorted(map(len, kinds.values())) == [1, 1, 1, 1]
    assert sum(kind == {True} for kind in kinds.values()) == 2


def test_a_single_episode_is_halved_in_time(tmp_path: Path, read: Read, spec: ModelSpec) -> None:
    one = an_episode(spec, 1, task=TASKS[0], length=60)
    samples = read(write_dataset(tmp_path / "dataset", [one], spec.action.joints))
    frames = [frame for _, frame in found_in(samples.arrays["state"].astype(np.float64), [one])]
    assert max(frames[:20]) < 24 <= min(frames[20:])
    assert samples.holdout.tolist() == [False] * 20 + [True] * 20


def test_the_seed_draws_moments_noise_and_plan_ages(dataset: Path, read: Read, spec: ModelSpec) -> None:
    aged = spec.model_copy(update={"inputs": spec.inputs.model_copy(update={"refiner": ("plan_age",)})})
    one, again, other = (read(dataset, seed=seed, to=aged).arrays for seed in (1, 1, 2))
    for name, values in one.items():
        np.testing.assert_array_equal(values, again[name])
        assert not np.array_equal(values, other[name])
    assert set(one["plan_age"]) == set(range(6))
    assert abs(one["sample"].std() - 1) < 0.1


def test_a_policy_that_is_not_a_divisor_of_the_frame_rate_takes_what_holds_then(
    dataset: Path, read: Read, spec: ModelSpec, episodes: list[WrittenEpisode]
) -> None:
    odd = spec.model_copy(update={"policy": spec.policy.model_copy(update={"rate_hz": 8.0})})
    samples, space = read(dataset, to=odd), spec.action_space
    for row, (number, frame) in enumerate(found_in(samples.arrays["state"].astype(np.float64), episodes)):
        following = episodes[number].actions[frame + np.array([0, 3, 7, 11, 15])]
        np.testing.assert_array_equal(samples.arrays["tokens"][row], space.tokens(space.normalise(following)))


@pytest.mark.parametrize(
    "names",
    [
        lambda joints: {"motors": list(joints)},
        lambda joints: [f"main_{joint}" for joint in joints],
    ],
)
def test_columns_go_by_name_in_whatever_order_and_unit(
    tmp_path: Path, read: Read, spec: ModelSpec, episodes: list[WrittenEpisode], names: Callable[[Any], Any]
) -> None:
    turned = [WrittenEpisode(one.task, one.states[:, ::-1], one.actions[:, ::-1], one.pictures) for one in episodes[:2]]
    joints = spec.action.joints[::-1]
    folder = write_dataset(tmp_path / "dataset", turned, joints, unit="rad", names=names(joints))
    check_moments(read(folder, unit="rad"), episodes, spec, loss=12.0)


def test_the_wrong_unit_is_refused(tmp_path: Path, dataset: Path, read: Read, spec: ModelSpec) -> None:
    with pytest.raises(
        CalibrationError, match=r"observation.state of joint '\w+' goes from .* rad, the model's range is"
    ):
        read(dataset, unit="rad")
    one = an_episode(spec, 1, task=TASKS[0], length=60)
    folder = write_dataset(tmp_path / "rad", [one], spec.action.joints, unit="rad")
    with pytest.raises(CalibrationError, match=r"never leaves -6\.28\.\.6\.28, which looks like radians"):
        read(folder, unit="deg")


@pytest.mark.parametrize("joint", [0, 5])
def test_normalised_values_and_another_zero_are_refused(
    tmp_path: Path, read: Read, spec: ModelSpec, joint: int
) -> None:
    one = an_episode(spec, 1, task=TASKS[0], length=60)
    states = one.states.copy()
    states[:, joint] = np.radians(np.linspace(0, 100, 60)) + np.pi
    episode = WrittenEpisode(one.task, states, one.actions, one.pictures)
    folder = write_dataset(tmp_path / "dataset", [episode], spec.action.joints)
    with pytest.raises(CalibrationError, match=f"joint '{spec.action.joints[joint]}' goes from .* deg.*convert values"):
        read(folder)


def write_one(folder: Path, spec: ModelSpec, **options: Any) -> Path:
    episode = an_episode(spec, 1, task=TASKS[0], length=60, **options)
    return write_dataset(folder, [episode], spec.action.joints, codec="libsvtav1")


def test_random_pictures_are_refused_even_after_a_video_encoder(tmp_path: Path, read: Read, spec: ModelSpec) -> None:
    with pytest.raises(CalibrationError, match="image_front is random noise; record real frames"):
        read(write_one(tmp_path / "dataset", spec, make=noise))


def half_size(seed: int, count: int, height: int, width: int) -> UInt8:
    return scenes(seed, count, height // 2, width // 2)


@pytest.mark.parametrize("video", [True, False])
def test_pictures_of_another_size_are_refused(tmp_path: Path, read: Read, spec: ModelSpec, *, video: bool) -> None:
    one = an_episode(spec, 1, task=TASKS[0], length=60, make=half_size)
    folder = write_dataset(tmp_path / "dataset", [one], spec.action.joints, video=video)
    with pytest.raises(CalibrationError, match=r"camera 'front' is 160x90 in \S+file-000.*, the model takes 320x180"):
        read(folder)


def test_too_few_moments_are_refused(tmp_path: Path, read: Read, spec: ModelSpec) -> None:
    one = an_episode(spec, 1, task=TASKS[0], length=12 + 30)
    with pytest.raises(CalibrationError, match="15 samples for calibration, at least 16 are needed"):
        read(write_dataset(tmp_path / "a", [one], spec.action.joints))
    short = [an_episode(spec, number, task=TASKS[0], length=12) for number in range(2)]
    with pytest.raises(CalibrationError, match="0 samples for calibration"):
        read(write_dataset(tmp_path / "b", short, spec.action.joints))


def test_a_state_that_is_not_a_number_is_refused(tmp_path: Path, read: Read, spec: ModelSpec) -> None:
    one = an_episode(spec, 1, task=TASKS[0], length=60)
    states = one.states.copy()
    states[:, 2] = np.nan
    episode = WrittenEpisode(one.task, states, one.actions, one.pictures)
    folder = write_dataset(tmp_path / "dataset", [episode], spec.action.joints)
    with pytest.raises(CalibrationError, match="state has a value that is not finite in sample 0"):
        read(folder)
