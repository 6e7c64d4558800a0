"""What calibration samples of a model must be, wherever they come from. Every refusal is a ValueError of one clause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.sample_forms import HOLDOUT, IMAGE, Array, array_forms
from libra_edge.messages import UInt8
from libra_edge.model_spec import ModelSpec

FEWEST = 16
BLOCK = 8
BLOCK_RATIO = 0.35
"""Spread of the means of 8 x 8 pixels over the pixels' spread: white noise has 0.13, after a video encoder up to 0.27;
pictures have 0.8 or more."""


class Form(Protocol):
    """An array, or the header of one."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its elements."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole."""
        ...


def check_arrays(arrays: Mapping[str, Array], spec: ModelSpec) -> None:
    """Refuse what does not fit the model, what is too little, and what no robot has seen. Raises ValueError."""
    check_forms(arrays, spec)
    _check_values(arrays, spec)
    check_counts(arrays[HOLDOUT])
    for name in array_forms(spec):
        if name.startswith(IMAGE):
            _check_images(name, arrays[name])


def check_counts(holdout: Array) -> None:
    """Refuse too few samples of one kind, bool [S]. Raises ValueError."""
    for kind, count in (("for calibration", int(np.sum(~holdout))), ("held out", int(np.sum(holdout)))):
        if count < FEWEST:
            raise ValueError(f"{count} samples {kind}, at least {FEWEST} are needed")


def check_forms(arrays: Mapping[str, Form], spec: ModelSpec) -> None:
    """Refuse arrays, or the headers of arrays, of other names, dtypes or shapes than the model's. Raises ValueError."""
    expected = array_forms(spec)
    missing, unknown = sorted(expected.keys() - arrays.keys()), sorted(arrays.keys() - expected.keys())
    if missing or unknown:
        problems = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        raise ValueError(f"{' and '.join(problems)}; the model's arrays are {', '.join(expected)}")
    count = math.prod(arrays[HOLDOUT].shape)
    for name, (dtype, shape) in expected.items():
        found = arrays[name]
        if found.dtype != np.dtype(dtype) or found.shape != (count, *shape):
            raise ValueError(f"{name} is {found.dtype} {list(found.shape)}, the model wants {dtype} {[count, *shape]}")


def _check_values(arrays: Mapping[str, Array], spec: ModelSpec) -> None:
    for name, array in arrays.items():
        if array.dtype == np.float32 and not np.all(np.isfinite(array)):
            raise ValueError(f"{name} has a value that is not finite in sample {_first_bad(~np.isfinite(array))}")
    tokens = arrays["tokens"]
    outside = (tokens < 0) | (tokens >= spec.policy.bins)
    if np.any(outside):
        raise ValueError(f"tokens leave 0..{spec.policy.bins - 1} in sample {_first_bad(outside)}")
    if np.any(arrays["instruction"] < 0):
        raise ValueError(f"instruction has a negative id in sample {_first_bad(arrays['instruction'] < 0)}")


def _check_images(name: str, images: UInt8) -> None:
    """Refuse what no camera sees: flat frames, one frame over and over, noise."""
    flat = np.ptp(images.reshape(len(images), -1), axis=1) == 0
    if np.any(flat):
        raise ValueError(f"{name} is one flat colour in sample {_first_bad(flat)}; record real frames")
    if np.all(images == images[0]):
        raise ValueError(f"{name} is the same frame in every sample; record real frames")
    if _is_noise(images[:FEWEST].astype(np.float32)):
        raise ValueError(f"{name} is random noise; record real frames")


def _is_noise(images: NDArray[np.float32]) -> bool:
    """Neighbouring pixels of float32 [S, H, W, 3] have so little to do with each other that they average out."""
    count, height, width, colours = images.shape
    rows, columns = height // BLOCK, width // BLOCK
    whole = images[:, : rows * BLOCK, : columns * BLOCK]
    means = whole.reshape(count, rows, BLOCK, columns, BLOCK, colours).mean(axis=(2, 4))
    return bool(np.std(means) < BLOCK_RATIO * np.std(images))


def _first_bad(bad: NDArray[np.bool_]) -> int:
    """First sample (leading axis) in which any entry is bad."""
    return int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
