"""Samples from a LeRobot dataset: the right picture, pose and tokens of each moment, or why not."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from libra_edge.calibration import lerobot_dataset, parquet_file, video_file
from libra_edge.calibration.joint_unit import Unit
from libra_edge.calibration.lerobot_samples import lerobot_samples
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.errors import CalibrationError, MissingDependencyError
from libra_edge.instruction import InstructionEncoder
from libra_edge.messages import Float64, UInt8
from libra_edge.model_spec import ModelSpec
from tests.calibration.lerobot_writer import (
    WrittenEpisode,
    an_episode,
    encoded,
    write_dataset,
    write_table,
    write_video,
)
from tests.calibration.scenes import noise, scenes

TASKS = ("touch the red cube", "pick up the blue cube")
STEP = 3
"""Frames a control step: 30 a second, at 10 Hz."""

Read = Callable[..., CalibrationSamples]


@pytest.fixture
def read(spec: ModelSpec, encoder: InstructionEncoder) -> Read:
    def read_it(folder: Path, *, unit: Unit = "deg", limit: int = 20, seed: int = 0, to: Any = None) -> Any:
        return lerobot_samples(folder, to or spec, encoder, seed=seed, limit=limit, unit=unit)

    return read_it


@pytest.fixture(scope="module")
def episodes(spec: ModelSpec) -> list[WrittenEpisode]:
    return [an_episode(spec, number, task=TASKS[number % 2], length=36 + number) for number in range(4)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, spec: ModelSpec, episodes: list[WrittenEpisode]) -> Path:
    return write_dataset(tmp_path_factory.mktemp("datasets") / "h264", episodes, spec.action.joints)


@pytest.fixture
def copied(dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(dataset, tmp_path / "dataset"))


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


def change_info(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        info = json.loads((folder / "meta/info.json").read_text())
        (folder / "meta/info.json").write_text(json.dumps({**info, **values}))

    return change


def change_table(name: str, **values: Any) -> Callable[[Path], None]:
    """Replace columns; None drops one."""

    def change(folder: Path) -> None:
        table = pq.read_table(folder / name)
        columns = {column: table.column(column) for column in table.column_names} | values
        write_table(folder / name, {column: kept for column, kept in columns.items() if kept is not None})

    return change


def cut(name: str, share: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


DATA, VIDEO = "data/chunk-000/file-000.parquet", "videos/observation.images.wrist/chunk-000/file-001.mp4"
LISTED, WORDS = "meta/episodes/chunk-000/file-000.parquet", "meta/tasks.parquet"
FROM = "videos/observation.images.front/from_timestamp"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_info(codebase_version="v2.1"), "is of version v2.1; convert it to v3.0"),
        (change_info(fps=0), "fps: Input should be greater than 0"),
        (change_info(features={}), "the dataset has no observation.state, only"),
        (
            change_info(data_path="../{chunk_index}/{file_index}"),
            "data_path '../{chunk_index}/{file_index}' of meta/info",
        ),
        (change_info(data_path="/etc/passwd"), "data_path '/etc/passwd' of meta/info.json does not lead to a file"),
        (change_info(video_path="{video_key.__class__}"), "video_path '{video_key.__class__}' of meta/info.json"),
        (change_info(video_path="{file_index:0999999999d}"), "video_path .* does not lead to a file in the folder"),
        (change_info(video_path=None), "video_path '' of meta/info.json does not lead to a file"),
        (lambda folder: (folder / "meta/info.json").write_text("{"), "info.json is not one that LeRobot writes"),
        (remove(WORDS), "meta/tasks.parquet is missing"),
        (change_table(WORDS, task=None), "tasks.parquet has no column 'task'"),
        (change_table(WORDS, task_index=[7, 8]), "names task 1, which meta/tasks.parquet lacks"),
        (change_table(WORDS, task=["fold the laundry", "sing"]), "has words the model does not know"),
        (change_table(WORDS, task=[1, 2]), "does not map whole numbers to words"),
        (remove(LISTED), "meta/episodes lists no episodes"),
        (change_table(LISTED, length=[36, 37, 38, -1]), "length: Input should be greater than or equal to 0"),
        (change_table(LISTED, length=[30, 37, 38, 39]), "episode 0 has 36 rows in .*, but a length of 30"),
        (change_table(LISTED, episode_index=[0, 1, 2, 2]), "lists an episode twice"),
        (change_table(LISTED, episode_index=[0, 1, 2, 9]), "episode 9 is not in data/chunk-000/file-001.parquet"),
        (change_table(LISTED, **{FROM: None}), "has no column 'videos/observation.images.front/from_timestamp'"),
        (change_table(LISTED, **{FROM: [0.0, 99.0, 0.0, 99.0]}), r"has no frame at 99\.\d+ s"),
        (change_table(DATA, timestamp=np.arange(73) / 7), "does not keep 30 frames a second"),
        (change_table(DATA, timestamp=["now"] * 73), "timestamp in .* does not hold numbers"),
        (change_table(DATA, action=[[1.0]] * 72 + [[1.0, 2.0]]), "action in .* has rows of unequal length"),
        (change_table(DATA, action=[[1.0, 2.0]] * 73), "action has rows of .* numbers, fewer than it has names"),
        (
            change_table(DATA, episode_index=[0, 1] * 36 + [0]),
            "episode 0 has 1 rows in data/chunk-000/file-000.parquet",
        ),
        (cut(DATA, 0.5), "data/chunk-000/file-000.parquet is damaged or no Parquet file"),
        (cut(LISTED, 0.9), "chunk-000/file-000.parquet is damaged or no Parquet file"),
        (remove(DATA), "data/chunk-000/file-000.parquet is missing"),
        (cut(VIDEO, 0.5), "observation.images.wrist/chunk-000/file-001.mp4 is damaged or holds no pictures"),
        (cut(VIDEO, 0.0), "file-001.mp4 is damaged or holds no pictures"),
        (remove(VIDEO), "observation.images.wrist/chunk-000/file-001.mp4 is missing"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    copied: Path, read: Read, change: Callable[[Path], object], words: str
) -> None:
    change(copied)
    with pytest.raises(CalibrationError, match=words) as caught:
        read(copied)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_does_not_fit_in_columns_is_refused(tmp_path: Path, read: Read, spec: ModelSpec) -> None:
    one = an_episode(spec, 1, task=TASKS[0], length=60)
    for number, (names, words) in enumerate(
        [
            (["a", "b", "c", "d", "e", "f"], "observation.state has no joint 'shoulder_pan', only a, b"),
            ({}, "has no names"),
        ]
    ):
        folder = write_dataset(tmp_path / str(number), [one], spec.action.joints)
        info = json.loads((folder / "meta/info.json").read_text())
        info["features"]["observation.state"]["names"] = names
        (folder / "meta/info.json").write_text(json.dumps(info))
        with pytest.raises(CalibrationError, match=words):
            read(folder)


def test_a_picture_that_lies_beside_the_table_or_is_damaged_is_refused(
    tmp_path: Path, read: Read, spec: ModelSpec
) -> None:
    one = an_episode(spec, 1, task=TASKS[0], length=60)
    folder = write_dataset(tmp_path / "dataset", [one], spec.action.joints, video=False)
    key = "observation.images.front"
    change_table(DATA, **{key: [{"bytes": None, "path": "a.png"}] * 60})(folder)
    with pytest.raises(CalibrationError, match="front in row 0 is not a picture inside the Parquet file"):
        read(folder, limit=500)
    damaged = encoded(one.pictures["front"][0])[:60]
    change_table(DATA, **{key: [{"bytes": damaged, "path": None}] * 60})(folder)
    with pytest.raises(CalibrationError, match=r"file-000\.parquet row 0 is damaged or holds no pictures"):
        read(folder, limit=500)


def test_rows_that_are_scattered_are_refused(copied: Path, read: Read) -> None:
    change_table(LISTED, length=[36, 36, 38, 39])(copied)
    index = [0] * 36 + [1] * 36 + [0]
    change_table(DATA, episode_index=index, timestamp=(np.arange(73) % 36) / 30)(copied)
    with pytest.raises(
        CalibrationError, match=r"the rows of episode 0 are scattered in data/chunk-000/file-000\.parquet"
    ):
        read(copied)


def test_a_description_that_is_too_long_is_not_read(copied: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lerobot_dataset, "MAX_INFO_BYTES", 10)
    with pytest.raises(CalibrationError, match=r"meta/info\.json is larger than 10 bytes"):
        read(copied)


def test_a_video_that_ends_too_soon_is_refused(copied: Path, read: Read, episodes: list[WrittenEpisode]) -> None:
    write_video(copied / VIDEO, episodes[2].pictures["wrist"][:10], "libx264")
    with pytest.raises(CalibrationError, match=r"file-001\.mp4 has no frame at"):
        read(copied)


@pytest.mark.parametrize(
    ("module", "load"), [("pyarrow.parquet", parquet_file.load_pyarrow), ("av", video_file.load_av)]
)
def test_a_missing_package_is_named_with_what_to_install(
    dataset: Path, read: Read, monkeypatch: pytest.MonkeyPatch, module: str, load: Any
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    load.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"pip install 'libra-edge\[lerobot\]'"):
        read(dataset)
    load.cache_clear()


def test_no_table_of_contents_is_read_that_unpacks_to_too_much(
    copied: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_file, "MAX_TABLE_BYTES", 10)
    with pytest.raises(CalibrationError, match=r"meta/tasks\.parquet unpacks to 0 MiB, more than 0"):
        read(copied)
