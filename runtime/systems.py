"""The two systems as the rest of the runtime sees them: what goes in, what comes out, nothing of how."""

from __future__ import annotations

from typing import Protocol

from libra_edge.messages import Float32, Float64, Int64, Observation


class Planner(Protocol):
    """The Semantic Planner: pictures and words in, coarse tokens out. Blocking; used from one thread at a time."""

    def plan(self, observation: Observation, instruction: Int64) -> Int64:
        """Tokens int64 [L_macro, D] for the steps from the observation's own on; `instruction` is int64 [1, T].

        Raises EngineError.
        """
        ...


class Refiner(Protocol):
    """The Action Refiner: pictures, joints and tokens in, goals out. Blocking; used from one thread at a time."""

    def refine(self, observation: Observation, tokens: Int64, plan_age: int, noise: Float32) -> Float64:
        """Goal positions float64 [H_chunk, D] rad, one for the end of each control step of the chunk.

        `tokens` is int64 [H_chunk, D], `plan_age` is in control steps, `noise` float32 [1, H_chunk, D] is what the
        denoising starts from.
        Raises EngineError.
        """
        ...
