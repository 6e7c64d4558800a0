"""Which samples say again what others have said: the arm stood, the scene stood, and only the noise differs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.sample_forms import IMAGE
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.messages import Float32, UInt8

PARTS = (12, 16)
SAME_COLOUR = 4.0
"""Of 255. A part of a picture, a 12th by a 16th, averages a sensor's noise out; a cube that moves by its own width
changes some part by more."""
SAME_ANGLE_RAD = np.radians(0.5)


def kept_rows(samples: CalibrationSamples) -> NDArray[np.bool_]:
    """True for each sample that differs from all kept before it, bool [S]; of two alike the first stays.

    Samples for ranges go first, so that none that is held out repeats one of them. Two are alike if every part of every
    picture has the same colour within 4 of 255, every joint the same angle within half a degree, and the words agree.
    """
    looks, words = _looks(samples), samples.arrays["instruction"]
    angles = samples.arrays["state"].astype(np.float32)
    kept = np.zeros(len(samples.holdout), dtype=np.bool_)
    for row in np.argsort(samples.holdout, kind="stable"):
        others = np.flatnonzero(kept)
        others = others[np.all(np.abs(angles[others] - angles[row]) <= SAME_ANGLE_RAD, axis=1)]
        others = others[np.all(words[others] == words[row], axis=1)]
        alike = np.all(np.abs(looks[others] - looks[row]) <= SAME_COLOUR, axis=1)
        kept[row] = not np.any(alike)
    return kept


def part_means(pictures: UInt8, parts: tuple[int, int]) -> Float32:
    """Mean colour of each of rows x columns parts of uint8 [S, H, W, 3]: float32 [S, rows, columns, 3]."""
    rows, columns = (
        np.linspace(0, size, count + 1).astype(int) for size, count in zip(pictures.shape[1:3], parts, strict=True)
    )
    sums = np.add.reduceat(pictures, rows[:-1], axis=1, dtype=np.float32)
    sums = np.add.reduceat(sums, columns[:-1], axis=2)
    sizes = np.outer(np.diff(rows), np.diff(columns))[None, :, :, None]
    return np.asarray(sums / sizes, np.float32)


def _looks(samples: CalibrationSamples) -> Float32:
    """What all pictures of a sample look like from afar, float32 [S, F]."""
    names = sorted(name for name in samples.arrays if name.startswith(IMAGE))
    count = len(samples.holdout)
    looks = [_means_by_pieces(samples.arrays[name]).reshape(count, -1) for name in names]
    return np.concatenate([np.empty((count, 0), np.float32), *looks], axis=1)


def _means_by_pieces(pictures: UInt8) -> Float32:
    """`part_means`, a few pictures at a time: as floats they take four times their room."""
    parts = min(PARTS[0], pictures.shape[1]), min(PARTS[1], pictures.shape[2])
    return np.concatenate([part_means(pictures[at : at + 16], parts) for at in range(0, len(pictures), 16)])
