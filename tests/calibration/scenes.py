"""Pictures that pass for a camera's, and noise that does not."""

from __future__ import annotations

import numpy as np

from libra_edge.messages import UInt8

BLOCK = 20


def scenes(seed: int, count: int, height: int, width: int) -> UInt8:
    """uint8 [count, height, width, 3]: flat blocks of colour, others in every picture."""
    shape = (count, -(-height // BLOCK), -(-width // BLOCK), 3)
    blocks = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return blocks.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)[:, :height, :width]


def noise(seed: int, count: int, height: int, width: int) -> UInt8:
    """uint8 [count, height, width, 3]: every pixel by itself."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
