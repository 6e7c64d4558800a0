"""From noise to a chunk: the refiner's encoder once, its denoising step k times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from libra_edge.messages import Float32
from libra_edge.protocols import Engine


class Denoiser(Protocol):
    """Blocking; used from one thread at a time."""

    def denoise(self, inputs: Mapping[str, NDArray[Any]], noise: Float32) -> NDArray[Any]:
        """The chunk, float32 [1, H_chunk, D], normalised to [-1, 1] but not yet held to it.

        `inputs` are those of the refiner's encoder, `noise` is float32 [1, H_chunk, D]. Raises EngineError.
        """
        ...


class EngineDenoiser:
    """Over two engines that are called one after the other."""

    def __init__(self, encoder: Engine, step: Engine, steps: int) -> None:
        """`steps` is k."""
        self._encoder = encoder
        self._step = step
        self._steps = steps

    def denoise(self, inputs: Mapping[str, NDArray[Any]], noise: Float32) -> NDArray[Any]:
        """See `Denoiser.denoise`."""
        features = self._encoder.run(inputs)["features"]
        sample: NDArray[Any] = noise
        for step in range(self._steps):
            given = {"features": features, "sample": sample, "step": np.array([step], dtype=np.int64)}
            sample = self._step.run(given)["sample_next"]
        return sample
