"""The noise that a chunk's denoising starts from: a function of run and step, so that any chunk can be made again."""

from __future__ import annotations

import numpy as np

from libra_edge.messages import Float32


def chunk_noise(seed: int, step: int, shape: tuple[int, ...]) -> Float32:
    """Standard normal float32 noise of the chunk at control step `step` of a run with `seed`; both are >= 0."""
    generator = np.random.Generator(np.random.PCG64([seed, step]))
    return generator.standard_normal(shape, dtype=np.float32)
