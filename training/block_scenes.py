"""Pictures of coloured blocks on a table, drawn with numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = 24


def block_scenes(count: int, height: int, width: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8 [count, height, width, 3]: a table of one tone under uneven light, blocks of any colour lying about."""
    scenes = np.empty((count, height, width, 3), np.uint8)
    for scene in scenes:
        canvas = np.full((height, width, 3), rng.uniform(90, 170), np.float32)
        for _ in range(BLOCKS):
            sides = rng.integers(height // 8, height // 3, 2)
            top, left = rng.integers(0, (height - sides[0] // 2, width - sides[1] // 2))
            canvas[top : top + sides[0], left : left + sides[1]] = rng.uniform(0, 255, 3)
        left_light, right_light = rng.uniform(0.8, 1.2, 2)
        light = np.linspace(left_light, right_light, width)[:, None]
        scene[:] = np.clip(canvas * light, 0, 255)
    return scenes
