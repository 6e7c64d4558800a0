"""Writes a small LeRobotDataset v3.0 the way LeRobot lays it out: two episodes a file, video or embedded pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.messages import Float64, UInt8
from libra_edge.model_spec import ModelSpec
from tests.calibration.scenes import scenes

Read = Callable[..., CalibrationSamples]
"""Reads a dataset's folder; `tests/calibration/conftest.py` has it."""

TASKS = ("touch the red cube", "pick up the blue cube")
FPS = 30
EPISODES_A_FILE = 2
ROW_GROUP = 25
TEMPLATES = {
    "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
    "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
}


@dataclass(frozen=True, slots=True, eq=False)
class WrittenEpisode:
    """One episode: states and actions float64 [L, D] rad, pictures uint8 [L, H, W, 3] by camera."""

    task: str
    states: Float64
    actions: Float64
    pictures: Mapping[str, UInt8]


def an_episode(spec: ModelSpec, seed: int, *, task: str, length: int = 40, make: Any = scenes) -> WrittenEpisode:
    """Joints that wander through the model's range, and other pictures in every frame."""
    rng = np.random.default_rng(seed)
    low, high = np.array(spec.action.low), np.array(spec.action.high)
    states, actions = (rng.uniform(low, high, (length, len(low))) for _ in range(2))
    pictures = {
        camera.name: make(100 * seed + at, length, camera.height, camera.width) for at, camera in enumerate(spec.camera)
    }
    return WrittenEpisode(task, states, actions, pictures)


def write_dataset(
    folder: Path,
    episodes: Sequence[WrittenEpisode],
    joints: Sequence[str],
    *,
    unit: str = "deg",
    names: Any = None,
    video: bool = True,
    codec: str = "libx264",
    info: Mapping[str, Any] | None = None,
) -> Path:
    """Write everything; `joints` is the order of the columns, `names` what they are called if not `<joint>.pos`."""
    cameras = list(episodes[0].pictures)
    kind = "video" if video else "image"
    feature = {"dtype": "float32", "shape": [len(joints)], "names": names or [f"{joint}.pos" for joint in joints]}
    features: dict[str, Any] = {"observation.state": feature, "action": feature}
    features |= {f"observation.images.{camera}": {"dtype": kind, "names": ["height"]} for camera in cameras}
    text = {"codebase_version": "v3.0", "fps": FPS, "features": features, **TEMPLATES, **(info or {})}
    (folder / "meta").mkdir(parents=True)
    (folder / "meta/info.json").write_text(json.dumps(text))
    tasks = sorted({episode.task for episode in episodes})
    write_table(folder / "meta/tasks.parquet", {"task_index": list(range(len(tasks))), "task": tasks})
    listed = []
    for first in range(0, len(episodes), EPISODES_A_FILE):
        group = dict(enumerate(episodes[first : first + EPISODES_A_FILE], first))
        listed += _write_group(
            folder, first // EPISODES_A_FILE, group, tasks, unit=unit, codec=codec if video else None
        )
    columns = {name: [row[name] for row in listed] for name in listed[0]}
    write_table(folder / "meta/episodes/chunk-000/file-000.parquet", columns)
    return folder


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path, row_group_size=ROW_GROUP)


def _write_group(
    folder: Path, file: int, group: Mapping[int, WrittenEpisode], tasks: list[str], *, unit: str, codec: str | None
) -> list[dict[str, Any]]:
    """One data file and one video a camera, with their episodes' rows for meta/episodes."""
    factor = np.degrees(1.0) if unit == "deg" else 1.0
    columns: dict[str, Any] = {
        "observation.state": _lists(np.concatenate([one.states * factor for one in group.values()])),
        "action": _lists(np.concatenate([one.actions * factor for one in group.values()])),
        "timestamp": np.concatenate([np.arange(len(one.states), dtype=np.float32) / FPS for one in group.values()]),
        "episode_index": np.repeat(list(group), [len(one.states) for one in group.values()]),
        "task_index": np.repeat(
            [tasks.index(one.task) for one in group.values()], [len(one.states) for one in group.values()]
        ),
    }
    rows: list[dict[str, Any]] = [{"episode_index": index, "length": len(one.states)} for index, one in group.items()]
    for row in rows:
        row |= {"data/chunk_index": 0, "data/file_index": file}
    for camera in next(iter(group.values())).pictures:
        key, pictures = f"observation.images.{camera}", np.concatenate([one.pictures[camera] for one in group.values()])
        if codec is None:
            columns[key] = [{"bytes": encoded(picture), "path": None} for picture in pictures]
            continue
        write_video(folder / f"videos/{key}/chunk-000/file-{file:03d}.mp4", pictures, codec)
        begin = 0
        for row, one in zip(rows, group.values(), strict=True):
            place = {"chunk_index": 0, "file_index": file, "from_timestamp": begin / FPS}
            row |= {f"videos/{key}/{name}": value for name, value in place.items()}
            begin += len(one.states)
    write_table(folder / f"data/chunk-000/file-{file:03d}.parquet", columns)
    return rows


def _lists(values: Float64) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), values.shape[1])


def encoded(picture: UInt8) -> bytes:
    """PNG."""
    codec = av.CodecContext.create("png", "w")
    codec.height, codec.width = picture.shape[:2]
    codec.pix_fmt = "rgb24"
    codec.time_base = Fraction(1, FPS)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])


def write_video(path: Path, pictures: UInt8, codec: str, numbers: Sequence[int] | None = None) -> None:
    """Picture i is shown at `numbers[i]` / FPS, at i / FPS by default.

    In a thread of its own: SVT-AV1, where it may, gives the thread that calls it SCHED_FIFO 99, and it stays so; every
    process that a later test starts would inherit it and keep the machine from all others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as encoder:
        encoder.submit(_encode, path, pictures, codec, numbers or range(len(pictures))).result()


def _encode(path: Path, pictures: UInt8, codec: str, numbers: Sequence[int]) -> None:
    options = {"crf": "30", "g": "2", "preset": "12"} if codec == "libsvtav1" else {"crf": "23", "g": "12"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for number, picture in zip(numbers, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
