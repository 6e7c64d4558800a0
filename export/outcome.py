"""What a policy, FP32 or exported, answers to samples: the two sides of every comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.export.policy_graphs import PlannerGraph, RefinerGraphs
from libra_edge.export.progress import Progress
from libra_edge.messages import Float32, Int64

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Answers to R samples.

    Attributes:
        rows: which samples, int64 [R].
        logits: float32 [R, L_macro, D, N].
        refined: actions from each sample's own tokens and noise, float32 [R, H_chunk, D], normalised.
        acted: actions from the planner's tokens and the same noise: both stages, one after the other.
        reseeded: the same from other noise.
    """

    rows: Int64
    logits: Float32
    refined: Float32
    acted: Float32
    reseeded: Float32

    @property
    def tokens(self) -> Int64:
        """The likeliest, int64 [R, L_macro, D]."""
        tokens: Int64 = np.argmax(self.logits, axis=-1).astype(np.int64)
        return tokens


def planner_logits(planner: PlannerGraph, samples: CalibrationSamples, rows: Int64, progress: Progress) -> Float32:
    """float32 [R, L_macro, D, N]."""
    logits = []
    for row in rows:
        logits.append(planner.logits(samples.feed(int(row), planner.inputs)))
        progress.advance()
    return np.stack(logits)


def refined_actions(refiner: RefinerGraphs, samples: CalibrationSamples, rows: Int64, progress: Progress) -> Float32:
    """float32 [R, H_chunk, D], from each sample's own tokens and noise."""
    actions = []
    for row in rows:
        actions.append(refiner.actions(samples.feed(int(row), refiner.inputs)))
        progress.advance()
    return np.stack(actions)


def policy_outcome(
    logits: Float32, refiner: RefinerGraphs, samples: CalibrationSamples, rows: Int64, *, seed: int, progress: Progress
) -> Outcome:
    """The refiner's answers, alone and behind the planner whose `logits` these are. `seed` draws the other noise."""
    steps = samples.arrays["tokens"].shape[1]
    planned = np.argmax(logits[:, :steps], axis=-1).astype(np.int64)
    generator = np.random.default_rng(seed)
    refined, acted, reseeded = [], [], []
    for row, tokens in zip(rows, planned, strict=True):
        feed = samples.feed(int(row), refiner.inputs)
        noise = generator.standard_normal(feed["sample"].shape, dtype=np.float32)
        refined.append(refiner.actions(feed))
        acted.append(refiner.actions(feed, tokens[np.newaxis]))
        reseeded.append(refiner.actions(feed, tokens[np.newaxis], noise))
        progress.advance()
    return Outcome(rows, logits, np.stack(refined), np.stack(acted), np.stack(reseeded))
