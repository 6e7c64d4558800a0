"""What playing the same episodes with the FP32 policy and with the exported one came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClosedLoopOutcome:
    """Successes of both policies in the same episodes. A drop is FP32 minus exported, in percentage points.

    Attributes:
        robot: name of the simulated robot.
        episodes: pairs that were played.
        first_seed, last_seed: their seeds, both inclusive.
        successes_fp32, successes_exported: of each policy by itself.
        only_fp32, only_exported: episodes in which one policy succeeded and the other did not.
        drop_points: -100..100; below zero the exported policy did better.
        low_points, high_points: ends of the paired 95 % interval of the drop.
    """

    robot: str
    episodes: int
    first_seed: int
    last_seed: int
    successes_fp32: int
    successes_exported: int
    only_fp32: int
    only_exported: int
    drop_points: float
    low_points: float
    high_points: float
