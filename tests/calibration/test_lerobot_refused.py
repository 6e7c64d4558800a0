"""A LeRobot dataset that is damaged, foreign or does not fit the model: each is refused in one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from libra_edge.calibration import lerobot_dataset, parquet_file, video_file
from libra_edge.errors import CalibrationError, MissingDependencyError
from libra_edge.model_spec import ModelSpec
from tests.calibration.lerobot_writer import (
    TASKS,
    Read,
    WrittenEpisode,
    an_episode,
    encoded,
    write_dataset,
    write_table,
    write_video,
)


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
