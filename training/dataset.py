"""Samples on disk: one memory-mapped array a field, so that recorders and trainer share one copy in the page cache."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.recorder import CHUNK_STEPS, PLAN_STEPS, Sample

FIELDS: dict[str, tuple[str, tuple[int, ...]]] = {
    "front": ("uint8", (90, 160, 3)),
    "wrist": ("uint8", (80, 128, 3)),
    "state": ("float32", (6,)),
    "goals": ("float32", (PLAN_STEPS, 6)),
    "cube": ("float32", (3,)),
    "tokens": ("int8", (CHUNK_STEPS, 6)),
    "task": ("int32", ()),
    "step": ("int32", ()),
}


class ShardWriter:
    """One recorder process's share of a round: room for `capacity` samples, cut to what was written on `close`."""

    def __init__(self, folder: Path, capacity: int) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._arrays = {
            name: np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
                folder / f"{name}.npy", mode="w+", dtype=dtype, shape=(capacity, *shape)
            )
            for name, (dtype, shape) in FIELDS.items()
        }
        self._capacity = capacity
        self.count = 0

    @property
    def full(self) -> bool:
        """No room for another sample."""
        return self.count >= self._capacity

    def add(self, sample: Sample, task: int, step: int) -> None:
        """Append one sample of the episode's control step `step` (0 begins an episode)."""
        row = {
            "front": sample.front, "wrist": sample.wrist, "state": sample.state,
            "goals": sample.goals, "cube": sample.cube, "tokens": sample.tokens, "task": task, "step": step,
        }  # fmt: skip
        for name, value in row.items():
            self._arrays[name][self.count] = value
        self.count += 1

    def close(self, facts: dict[str, Any]) -> None:
        """Write the sample count beside `facts`; a shard without this file was cut short and is ignored."""
        for array in self._arrays.values():
            array.flush()
        (self._folder / "shard.json").write_text(json.dumps({"count": self.count, **facts}))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Arrays with a leading batch axis: see FIELDS; `stale_goals` float32 [B, 5, 6] is what a plan of an earlier
    control step of the same episode says about the coming five steps.
    """

    front: NDArray[np.uint8]
    wrist: NDArray[np.uint8]
    state: NDArray[np.float32]
    goals: NDArray[np.float32]
    cube: NDArray[np.float32]
    tokens: NDArray[np.int8]
    task: NDArray[np.int32]
    stale_goals: NDArray[np.float32]


class Samples:
    """All complete shards below a folder; later rounds can be drawn more often."""

    def __init__(self, folder: Path) -> None:
        self._shards: list[dict[str, NDArray[Any]]] = []
        self.rounds: list[str] = []
        for facts in sorted(folder.glob("*/shard.json")):
            count = json.loads(facts.read_text())["count"]
            shard = {name: np.load(facts.parent / f"{name}.npy", mmap_mode="r")[:count] for name in FIELDS}
            self._shards.append(shard)
            self.rounds.append(facts.parent.name.split("-")[0])
        self.sizes = [len(shard["state"]) for shard in self._shards]

    def draw(self, rng: np.random.Generator, size: int, weights: NDArray[np.float64], max_delay: int) -> Batch:
        """A random batch; `weights` [shards] are the shards' shares of it."""
        shares = rng.choice(len(self._shards), size, p=weights)
        rows = [int(rng.integers(self.sizes[shard])) for shard in shares]
        picks = [self._pick(int(shard), row, rng, max_delay) for shard, row in zip(shares, rows, strict=True)]
        return Batch(**{name: np.stack([pick[name] for pick in picks]) for name in picks[0]})

    def _pick(self, shard: int, row: int, rng: np.random.Generator, max_delay: int) -> dict[str, Any]:
        arrays = self._shards[shard]
        delay = min(int(rng.integers(max_delay + 1)), int(arrays["step"][row]))
        pick = {name: arrays[name][row] for name in FIELDS if name != "step"}
        pick["stale_goals"] = arrays["goals"][row - delay][delay : delay + CHUNK_STEPS]
        return pick

    def pixels(self, shard: int, row: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Front and wrist picture of one sample."""
        return self._shards[shard]["front"][row], self._shards[shard]["wrist"][row]
