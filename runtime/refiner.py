"""The Action Refiner: from what is seen, planned and drawn at random to goal positions."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import EngineError
from libra_edge.messages import Float32, Float64, Int64, Observation
from libra_edge.model_spec import ModelSpec
from libra_edge.runtime.denoiser import Denoiser
from libra_edge.runtime.graph_inputs import camera_inputs, state_input

logger = logging.getLogger(__name__)


class EngineRefiner:
    """Encodes what it sees, then denoises a chunk; nothing infinite and nothing outside [-1, 1] leaves it.

    Attributes:
        chunks_clipped: chunks of which a value lay outside the normalised range and was clipped.
    """

    def __init__(self, denoiser: Denoiser, spec: ModelSpec) -> None:
        self.chunks_clipped = 0
        self._denoiser = denoiser
        self._spec = spec
        self._space = spec.action_space
        self._cameras = spec.cameras_of("refiner")

    def refine(self, observation: Observation, tokens: Int64, plan_age: int, noise: Float32) -> Float64:
        """See `Refiner.refine`. Raises EngineError if a graph fails or the chunk is not finite."""
        sample = self._denoiser.denoise(self._encoder_inputs(observation, tokens, plan_age), noise)
        return self._space.denormalise(self._in_range(sample[0].astype(np.float64)))

    def _encoder_inputs(self, observation: Observation, tokens: Int64, plan_age: int) -> dict[str, NDArray[Any]]:
        inputs = camera_inputs(observation, self._cameras, "refiner")
        inputs["state"] = state_input(observation, self._spec)
        inputs["tokens"] = tokens[np.newaxis]
        if "plan_age" in self._spec.inputs.refiner:
            inputs["plan_age"] = np.array([plan_age], dtype=np.int64)
        return inputs

    def _in_range(self, normalised: Float64) -> Float64:
        if not np.all(np.isfinite(normalised)):
            raise EngineError("refiner", "its chunk is not finite; the chunk is thrown away")
        if np.any(np.abs(normalised) > 1.0):
            self.chunks_clipped += 1
            if self.chunks_clipped == 1:
                logger.warning("the refiner left the action range; such values are clipped, and counted in the summary")
        return np.clip(normalised, -1.0, 1.0)
