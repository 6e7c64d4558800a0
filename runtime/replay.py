"""Feeds a recording through a policy again and compares what comes out with what came out then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from libra_edge.chunk_noise import chunk_noise
from libra_edge.messages import Float64
from libra_edge.runtime.load_systems import Systems
from libra_edge.runtime.recorded_decisions import Incomplete, RecordedChunk, RecordedDecisions, RecordedPlan


@dataclass
class ReplayResult:
    """What was compared so far.

    Attributes:
        plans, chunks: how many.
        plans_identical, chunks_identical: how many of them came out the same to the last bit.
        largest: the largest difference of a goal position, rad, float64 [D]; None before the first chunk.
        worst_chunk: the one with the largest difference of all; None while there is none.
        incomplete: what could not be compared.
    """

    plans: int = 0
    chunks: int = 0
    plans_identical: int = 0
    chunks_identical: int = 0
    largest: Float64 | None = None
    worst_chunk: int | None = None
    incomplete: list[Incomplete] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Every plan and every chunk, and there was at least one chunk."""
        same = self.plans_identical == self.plans and self.chunks_identical == self.chunks
        return same and self.chunks > 0

    @property
    def max_difference_deg(self) -> float | None:
        """Of any joint in any chunk; None if no chunk was compared."""
        return None if self.largest is None else float(np.degrees(self.largest.max()))


def replay(recorded: RecordedDecisions, systems: Systems, advance: Callable[[], None]) -> ReplayResult:
    """Make every plan and chunk of the recording again; `advance` is called after each.

    A chunk is made from the tokens that were recorded, so that a plan that differs is counted once, as a plan.
    Raises RecordingError, EngineError if pictures or joints do not fit the model, InstructionError.
    """
    result, instruction = ReplayResult(), systems.words.encode(recorded.run.task)
    for decision in recorded:
        if isinstance(decision, Incomplete):
            result.incomplete.append(decision)
        elif isinstance(decision, RecordedPlan):
            tokens = systems.planner.plan(decision.observation, instruction)
            result.plans += 1
            result.plans_identical += np.array_equal(tokens, decision.tokens)
        else:
            _compare(decision, _chunk_again(decision, systems, recorded.run.seed), result)
        advance()
    return result


def _chunk_again(chunk: RecordedChunk, systems: Systems, seed: int) -> Float64:
    """float64 [H_chunk, D] rad."""
    noise = chunk_noise(seed, chunk.first_step, (1, *chunk.positions.shape))
    return systems.refiner.refine(chunk.observation, chunk.tokens, chunk.plan_age_steps, noise)


def _compare(chunk: RecordedChunk, positions: Float64, result: ReplayResult) -> None:
    difference = np.abs(positions - chunk.positions).max(axis=0)
    before = np.zeros_like(difference) if result.largest is None else result.largest
    if (result.worst_chunk is None and difference.max() > 0) or difference.max() > before.max():
        result.worst_chunk = chunk.chunk_id
    result.largest = np.maximum(before, difference)
    result.chunks += 1
    result.chunks_identical += np.array_equal(positions, chunk.positions)
