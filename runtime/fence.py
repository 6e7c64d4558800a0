"""The first fence: what the two systems say is checked before anybody acts on it.

Here and not in the systems, so that it holds for every planner and refiner, whatever runs their graphs.
"""

from __future__ import annotations

import numpy as np

from libra_edge.errors import EngineError
from libra_edge.messages import Float64, Int64
from libra_edge.model_spec import ModelSpec

ROUNDING_RAD = 1e-6
"""By so much a goal may miss the action range: clipping happens in normalised numbers, this check in radians."""


class Fence:
    """Knows shape and range of one model's plans and chunks."""

    def __init__(self, spec: ModelSpec) -> None:
        policy, joints = spec.policy, len(spec.action.joints)
        self._plan_shape = (policy.plan_steps, joints)
        self._chunk_shape = (policy.chunk_steps, joints)
        self._bins = policy.bins
        self._low = np.array(spec.action.low) - ROUNDING_RAD
        self._high = np.array(spec.action.high) + ROUNDING_RAD

    def tokens(self, tokens: Int64) -> Int64:
        """The plan's tokens as they are. Raises EngineError unless they are int64 [L_macro, D], each in 0..N-1."""
        if tokens.shape != self._plan_shape or tokens.dtype != np.int64:
            raise EngineError("planner", f"gave {_described(tokens)}, a plan is int64 {list(self._plan_shape)}")
        if tokens.min() < 0 or tokens.max() >= self._bins:
            raise EngineError(
                "planner",
                f"its tokens reach from {tokens.min()} to {tokens.max()}, the model has 0 to {self._bins - 1}; "
                "the plan is thrown away",
            )
        return tokens

    def positions(self, positions: Float64) -> Float64:
        """The chunk's goals as they are.

        Raises EngineError unless they are float64 [H_chunk, D], finite and within the action range (rad).
        """
        if positions.shape != self._chunk_shape or positions.dtype != np.float64:
            raise EngineError("refiner", f"gave {_described(positions)}, a chunk is float64 {list(self._chunk_shape)}")
        if not np.all(np.isfinite(positions)):
            raise EngineError("refiner", "its chunk is not finite; the chunk is thrown away")
        if np.any(positions < self._low) or np.any(positions > self._high):
            raise EngineError("refiner", "its chunk leaves the action range; the chunk is thrown away")
        return positions


def _described(array: Int64 | Float64) -> str:
    return f"{array.dtype} {list(array.shape)}"
