"""The numbers of a LeRobot dataset at chosen moments: states, the actions that follow, tasks. Nothing else is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.joint_unit import Unit, joint_columns, radians
from libra_edge.calibration.lerobot_dataset import ACTION, STATE, Episode, LeRobotDataset
from libra_edge.calibration.parquet_file import read_numbers, short_name
from libra_edge.calibration.sample_choice import Choice
from libra_edge.messages import Float64, Int64
from libra_edge.model_spec import ModelSpec

COLUMNS = ("episode_index", "timestamp", "task_index", STATE, ACTION)
Rows = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The rows of one episode, and which row of the file is the first of them."""

    episode_index: int
    first_row: int
    rows: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a dataset says of one chosen moment.

    Attributes:
        state: float64 [D] rad.
        actions: float64 [H_chunk, D] rad; row i is the action at the beginning of control step i from here.
        time_s: since the episode began.
        file_row: row in the episode's data file.
    """

    episode: Episode
    state: Float64
    actions: Float64
    task: str
    time_s: float
    file_row: int


def action_offsets(spec: ModelSpec, fps: float) -> Int64:
    """Frames from a moment to the action that holds in each control step after it: int64 [H_chunk].

    Control step i begins i / rate later; what was commanded at the last frame until then holds.
    """
    steps = np.arange(spec.policy.chunk_steps)
    offsets: Int64 = np.floor(steps * fps / spec.policy.rate_hz + 1e-6).astype(np.int64)
    return offsets


def moments_of(episode: Episode, spec: ModelSpec, fps: float) -> int:
    """Frames of an episode after which a whole chunk of actions follows."""
    return max(0, episode.length - int(action_offsets(spec, fps)[-1]))


def read_moments(dataset: LeRobotDataset, chosen: Sequence[Choice], spec: ModelSpec, unit: Unit) -> list[Moment]:
    """The chosen moments, in their order. Raises ValueError, of one clause; MissingDependencyError."""
    by_file: dict[Path, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, choice in enumerate(chosen):
        by_file[dataset.data_file(dataset.episodes[choice.episode])][choice.episode].append(place)
    moments: dict[int, Moment] = {}
    for file, wanted in by_file.items():
        episodes = {dataset.episodes[number].episode_index: number for number in wanted}
        for stretch in _stretches(file, set(episodes)):
            number = episodes.pop(stretch.episode_index, None)
            if number is None:
                raise ValueError(f"the rows of episode {stretch.episode_index} are scattered in {short_name(file)}")
            _check_rows(stretch, dataset.episodes[number], dataset.info.fps, file)
            reader = _MomentReader(dataset, dataset.episodes[number], stretch, spec, unit)
            moments.update({place: reader.moment(chosen[place].moment) for place in wanted[number]})
        if episodes:
            raise ValueError(f"episode {min(episodes)} is not in {short_name(file)}")
    return [moments[place] for place in range(len(chosen))]


def _stretches(file: Path, wanted: set[int]) -> Iterator[Stretch]:
    """The rows of each wanted episode; one episode at a time is held."""
    row, begin, index = 0, 0, -1
    held: list[Rows] = []
    for batch in read_numbers(file, COLUMNS):
        for part in _parts(batch):
            if part["episode_index"][0] != index:
                if held:
                    yield Stretch(index, begin, _joined(held))
                held, begin, index = [], row, int(part["episode_index"][0])
            if index in wanted:
                held.append(part)
            row += len(part["episode_index"])
    if held:
        yield Stretch(index, begin, _joined(held))


def _parts(batch: Rows) -> Iterator[Rows]:
    """The batch cut where another episode begins."""
    cuts = np.flatnonzero(np.diff(batch["episode_index"])) + 1
    for begin, end in pairwise([0, *cuts.tolist(), len(batch["episode_index"])]):
        if end > begin:
            yield {name: values[begin:end] for name, values in batch.items()}


def _joined(parts: Sequence[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _check_rows(stretch: Stretch, episode: Episode, fps: float, file: Path) -> None:
    times, name = stretch.rows["timestamp"].astype(np.float64), f"episode {stretch.episode_index}"
    if len(times) != episode.length:
        raise ValueError(f"{name} has {len(times)} rows in {short_name(file)}, but a length of {episode.length}")
    if not np.all(np.abs(times - np.arange(len(times)) / fps) < 0.5 / fps):
        raise ValueError(f"{name} in {short_name(file)} does not keep {fps:g} frames a second")


class _MomentReader:
    """Reads moments out of the rows of one episode."""

    def __init__(
        self, dataset: LeRobotDataset, episode: Episode, stretch: Stretch, spec: ModelSpec, unit: Unit
    ) -> None:
        self._tasks = dataset.tasks
        self._episode = episode
        self._stretch = stretch
        self._offsets = action_offsets(spec, dataset.info.fps)
        self._positions = {
            feature: radians(_columns(stretch.rows[feature], dataset, feature, spec), unit)
            for feature in (STATE, ACTION)
        }

    def moment(self, frame: int) -> Moment:
        """The moment of frame number `frame`. Raises ValueError if its task has no words."""
        task = int(self._stretch.rows["task_index"][frame])
        if task not in self._tasks:
            raise ValueError(f"episode {self._episode.episode_index} names task {task}, which meta/tasks.parquet lacks")
        return Moment(
            episode=self._episode,
            state=self._positions[STATE][frame],
            actions=self._positions[ACTION][frame + self._offsets],
            task=self._tasks[task],
            time_s=float(self._stretch.rows["timestamp"][frame]),
            file_row=self._stretch.first_row + frame,
        )


def _columns(values: NDArray[Any], dataset: LeRobotDataset, feature: str, spec: ModelSpec) -> Float64:
    columns = joint_columns(dataset.info.features[feature].names, spec.action.joints, feature)
    if values.ndim != 2 or max(columns) >= values.shape[1]:
        raise ValueError(f"{feature} has rows of {values.shape[1:]} numbers, fewer than it has names")
    return values[:, columns].astype(np.float64)
