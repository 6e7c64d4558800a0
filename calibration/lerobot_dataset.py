"""The folder of a LeRobotDataset v3.0: what lies where. Every refusal is a ValueError of one clause.

    meta/info.json                              rate, features, templates of the paths below
    meta/tasks.parquet                          task_index -> words
    meta/episodes/chunk-000/file-000.parquet    a row an episode: where its rows and its stretch of video lie
    data/chunk-000/file-000.parquet             a row a frame, several episodes in a file
    videos/KEY/chunk-000/file-000.mp4           the pictures of several episodes, one after the other

Source: src/lerobot/datasets (dataset_metadata.py, utils.py) in huggingface/lerobot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from libra_edge.calibration.parquet_file import column_names, read_table
from libra_edge.toml_file import first_fault

INFO, TASKS, EPISODES = "meta/info.json", "meta/tasks.parquet", "meta/episodes"
STATE, ACTION, PICTURES = "observation.state", "action", "observation.images."
MAX_INFO_BYTES = 10_000_000
VERSION = "v3."
TASK_COLUMNS = ("task", "__index_level_0__")
"""Where pandas puts an index that has a name, and one that has none."""
PLACEHOLDER = re.compile(r"\{(video_key|chunk_index|file_index)(?::0?(\d)d)?\}")

Index = Annotated[int, Field(ge=0, lt=1 << 31)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Feature(BaseModel):
    """A column of the dataset; `dtype` is `video` or `image` for pictures."""

    dtype: str
    names: Any = None


class Info(BaseModel):
    """meta/info.json, as far as it matters here."""

    codebase_version: str
    fps: Annotated[float, Field(gt=0, le=1000)]
    features: dict[str, Feature]
    data_path: str
    video_path: str | None = None


class Place(BaseModel):
    """A file's numbers; of a video, also when the episode begins in it."""

    chunk_index: Index
    file_index: Index
    from_timestamp: Seconds = 0.0


class Episode(BaseModel):
    """One episode: rows in the data file, and where its pictures are, by video key."""

    episode_index: Index
    length: Index
    data: Place
    videos: dict[str, Place]


@dataclass(frozen=True, slots=True, eq=False)
class LeRobotDataset:
    """A dataset whose tables of contents were read. `episodes` are in ascending order; `tasks` by task_index."""

    folder: Path
    info: Info
    tasks: Mapping[int, str]
    episodes: tuple[Episode, ...]

    def data_file(self, episode: Episode) -> Path:
        """Where an episode's rows lie. Raises ValueError if that is outside the folder."""
        return self._path(self.info.data_path, "data_path", episode.data, "")

    def video_file(self, episode: Episode, key: str) -> Path:
        """Where an episode's pictures of one camera lie. Raises ValueError if that is outside the folder."""
        return self._path(self.info.video_path or "", "video_path", episode.videos[key], key)

    def _path(self, template: str, name: str, place: Place, key: str) -> Path:
        values = {"video_key": key, "chunk_index": place.chunk_index, "file_index": place.file_index}
        text = PLACEHOLDER.sub(lambda match: str(values[match[1]]).zfill(int(match[2] or 0)), template)
        path = PurePosixPath(text)
        if not text or path.is_absolute() or ".." in path.parts or re.search(r"[{}\\\0:]", text):
            raise ValueError(f"{name} {template!r} of {INFO} does not lead to a file in the folder")
        return self.folder / path


def open_dataset(folder: Path, cameras: Iterable[str]) -> LeRobotDataset:
    """Read the tables of contents of a dataset with `cameras`. Raises ValueError, MissingDependencyError."""
    info = _read_info(folder / INFO)
    keys = [PICTURES + camera for camera in cameras]
    wanted = {STATE: "float", ACTION: "float", **dict.fromkeys(keys, "video|image")}
    for key, kinds in wanted.items():
        if key not in info.features:
            raise ValueError(f"the dataset has no {key}, only {', '.join(sorted(info.features))}")
        if not re.match(kinds, info.features[key].dtype):
            raise ValueError(f"{key} is of dtype {info.features[key].dtype!r}, not {' or '.join(kinds.split('|'))}")
    videos = [key for key in keys if info.features[key].dtype == "video"]
    return LeRobotDataset(folder, info, _read_tasks(folder / TASKS), _read_episodes(folder / EPISODES, videos))


def _read_info(path: Path) -> Info:
    if path.stat().st_size > MAX_INFO_BYTES:
        raise ValueError(f"{INFO} is larger than {MAX_INFO_BYTES} bytes")
    try:
        info = Info.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{INFO} is not one that LeRobot writes: {first_fault(error)}") from error
    if not info.codebase_version.startswith(VERSION):
        raise ValueError(f"the dataset is of version {info.codebase_version}; convert it to v3.0 with LeRobot's script")
    return info


def _read_tasks(path: Path) -> dict[int, str]:
    column = next((name for name in TASK_COLUMNS if name in column_names(path)), TASK_COLUMNS[0])
    table = read_table(path, [column, "task_index"])
    tasks = dict(zip(table["task_index"], table[column], strict=True))
    if not all(isinstance(index, int) and isinstance(text, str) for index, text in tasks.items()):
        raise ValueError(f"{TASKS} does not map whole numbers to words")
    return tasks


def _read_episodes(folder: Path, videos: list[str]) -> tuple[Episode, ...]:
    files = sorted(folder.glob("*/*.parquet"))
    episodes = [episode for file in files for episode in _episodes_of(file, videos)]
    if not episodes:
        raise ValueError(f"{EPISODES} lists no episodes")
    if len({episode.episode_index for episode in episodes}) < len(episodes):
        raise ValueError(f"{EPISODES} lists an episode twice")
    return tuple(sorted(episodes, key=lambda episode: episode.episode_index))


def _episodes_of(file: Path, videos: list[str]) -> list[Episode]:
    """The episodes that one file lists; its columns are named `data/chunk_index`, `videos/KEY/from_timestamp`, ..."""
    places = {"data": ("chunk_index", "file_index"), **dict.fromkeys((f"videos/{key}" for key in videos), PLACE_FIELDS)}
    columns = [f"{place}/{field}" for place, fields in places.items() for field in fields]
    table = read_table(file, ["episode_index", "length", *columns])
    try:
        return [_episode({name: values[row] for name, values in table.items()}, videos) for row in range(_rows(table))]
    except ValidationError as error:
        raise ValueError(f"{EPISODES}/{file.parent.name}/{file.name} is damaged: {first_fault(error)}") from error


PLACE_FIELDS = tuple(Place.model_fields)


def _rows(table: Mapping[str, list[Any]]) -> int:
    return len(table["episode_index"])


def _episode(row: Mapping[str, Any], videos: list[str]) -> Episode:
    def place(prefix: str) -> dict[str, Any]:
        return {field: row[f"{prefix}/{field}"] for field in PLACE_FIELDS if f"{prefix}/{field}" in row}

    return Episode.model_validate(
        {**row, "data": place("data"), "videos": {key: place(f"videos/{key}") for key in videos}}
    )
