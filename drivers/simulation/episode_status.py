"""How the simulated episode stands, live: written by its physics, read by its cameras and by the runtime's referee."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.drivers.simulation.latest_record import LatestRecord
from libra_edge.drivers.simulation.memory_file import MemoryFile, attach
from libra_edge.drivers.simulation.scene import CUBES, JOINTS
from libra_edge.errors import ProcessError
from libra_edge.messages import Float64

FREE_JOINT_POSITIONS = 7
_POSITIONS = len(JOINTS) + FREE_JOINT_POSITIONS * len(CUBES)
_RECORD = np.dtype(
    [
        ("success", np.uint64),
        ("steps", np.uint64),
        ("skipped_steps", np.uint64),
        ("time_ns", np.int64),
        ("last_move", np.uint64),
        ("moved_ns", np.int64),
        ("snapshot", np.float64, (_POSITIONS,)),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeStatus:
    """After a physics step.

    Attributes:
        success: the task has been achieved.
        steps, skipped_steps: physics steps made, and dropped for want of time.
        time_ns: when, monotonic.
        snapshot: generalised positions of arm and cubes, float64 [27].
        last_move, moved_ns: number of the last order that put a cube elsewhere, and when, monotonic; 0 before any.
    """

    success: bool
    steps: int
    skipped_steps: int
    time_ns: int
    snapshot: Float64
    last_move: int = 0
    moved_ns: int = 0

    @property
    def cubes(self) -> Float64:
        """Middles of the cubes, float64 [3, 3] m; the named one first."""
        free: Float64 = self.snapshot[len(JOINTS) :].reshape(len(CUBES), FREE_JOINT_POSITIONS)
        return free[:, :3]


class StatusWriter:
    """The physics' side."""

    def __init__(self, first: EpisodeStatus) -> None:
        """`first` is there from the beginning, so that a reader always finds one."""
        self._file = MemoryFile("libra-edge-status", LatestRecord.size(_RECORD))
        self._record = LatestRecord(_RECORD, self._file.memory)
        self.write(first)

    @property
    def path(self) -> str:
        """What a StatusReader opens."""
        return self._file.path

    def write(self, status: EpisodeStatus) -> None:
        """Publish it."""
        self._record.write(
            success=status.success,
            steps=status.steps,
            skipped_steps=status.skipped_steps,
            time_ns=status.time_ns,
            snapshot=status.snapshot,
            last_move=status.last_move,
            moved_ns=status.moved_ns,
        )


class StatusReader:
    """The side of whoever wants to know."""

    def __init__(self, path: str) -> None:
        """Raises ProcessError if the writer is gone."""
        self._record = LatestRecord(_RECORD, attach(path, LatestRecord.size(_RECORD)))

    def newest(self) -> EpisodeStatus:
        """The newest status. Raises ProcessError if there is none."""
        record = self._record.read()
        if record is None:
            raise ProcessError("the status of the simulation cannot be read: its writer is in the way again and again")
        return EpisodeStatus(
            success=bool(record["success"]),
            steps=int(record["steps"]),
            skipped_steps=int(record["skipped_steps"]),
            time_ns=int(record["time_ns"]),
            snapshot=record["snapshot"].copy(),
            last_move=int(record["last_move"]),
            moved_ns=int(record["moved_ns"]),
        )
