"""Lets the half-trained policy drive, so that its own mistakes are recorded and labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from libra_edge.messages import Float64
from training.architecture import BINS, CHUNK_STEPS, JOINTS, Planner, Refiner
from training.recorder import NO_TOKENS, NoisyExpert, Sample
from training.vocabulary import VOCABULARY, encode


def load_systems(checkpoint: Path) -> tuple[Planner, Refiner]:
    """The averaged weights of both systems, ready for inference."""
    low, high = (torch.tensor(bound) for bound in ACTION_RANGE)
    planner, refiner = Planner(low, high, len(VOCABULARY)), Refiner(low, high)
    planner.load_state_dict(torch.load(checkpoint / "planner.pt", weights_only=True)["average"])
    refiner.load_state_dict(torch.load(checkpoint / "refiner.pt", weights_only=True)["average"])
    return planner.eval(), refiner.eval()


ACTION_RANGE = (
    (-1.10, -1.20, -1.35, -1.70, -0.40, -1.20),
    (1.20, 0.40, 0.65, -0.50, 0.40, -0.15),
)
"""Radians that stand for -1 and +1: what the expert uses, with a little room."""


class PolicyActor:
    """Both systems in lock-step, with some chunks left to the noisy expert."""

    def __init__(
        self, planner: Planner, refiner: Refiner, task: str, rng: np.random.Generator, expert_share: float
    ) -> None:
        self._planner, self._refiner, self._rng = planner, refiner, rng
        self._instruction = torch.tensor([encode(task)])
        self._stale = bool(rng.random() < 0.5)
        self._expert = NoisyExpert(rng, spread_rad=0.02)
        self._expert_share = expert_share
        self._plan: torch.Tensor | None = None
        self._goals: Float64 | None = None

    def goal(self, step: int, sample: Sample) -> tuple[Float64, NDArray[np.int8]]:
        """The chunk's goal for this step; a new chunk every five steps, in half of the episodes from a plan of five
        steps ago.
        """
        tokens = NO_TOKENS
        if step % CHUNK_STEPS == 0:
            tokens = self._start_chunk(sample)
        if self._goals is None:
            return self._expert.goal(step, sample)
        return self._goals[step % CHUNK_STEPS], tokens

    @torch.no_grad()
    def _start_chunk(self, sample: Sample) -> NDArray[np.int8]:
        front, wrist, state = (torch.from_numpy(x)[None] for x in (sample.front, sample.wrist, sample.state))
        logits, _ = self._planner(front, self._instruction, state)
        plan = logits.argmax(-1)
        late = self._stale and self._plan is not None
        tokens = self._plan[:, CHUNK_STEPS:] if late and self._plan is not None else plan[:, :CHUNK_STEPS]
        self._plan = plan
        if self._rng.random() < self._expert_share:
            self._goals = None
            return NO_TOKENS
        noise = torch.from_numpy(self._rng.standard_normal((1, CHUNK_STEPS, JOINTS), dtype=np.float32))
        normalised = self._refiner.refine(front, wrist, state, tokens, noise)[0].double().numpy().clip(-1.0, 1.0)
        low, high = (np.array(bound) for bound in ACTION_RANGE)
        self._goals = (normalised + 1.0) * 0.5 * (high - low) + low
        assert int(tokens.max()) < BINS
        return tokens[0].numpy().astype(np.int8)
