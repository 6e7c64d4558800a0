"""`calibration.npz`: real inputs of the graphs, from which INT8 ranges are chosen and by which an export is judged.

Every array has a leading sample axis S in place of its graph input's leading 1:

    image_<camera>  uint8    [S, H, W, 3]       RGB, as the camera gave it
    instruction     int64    [S, T]             token ids, padded
    state           float32  [S, D]             joint positions, rad
    tokens          int64    [S, H_chunk, D]    the slice of a plan that the refiner was given
    sample          float32  [S, H_chunk, D]    the noise that denoising started from
    plan_age        int64    [S]                only if the refiner takes it
    holdout         bool     [S]                True: judges the export, never used for ranges
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.array_archive import ArrayHeader, open_arrays
from libra_edge.errors import CalibrationError
from libra_edge.messages import Int64
from libra_edge.model_spec import ModelSpec

HOLDOUT = "holdout"
MAX_BYTES = 4 << 30
FEWEST = 16
NOISE_RATIO = 0.9
"""Mean step between neighbouring pixels over their spread: white noise has about 1.13, pictures stay far below 0.5."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSamples:
    """Samples that fit a model: input name -> array [S, ...], and which rows are held out, bool [S]."""

    arrays: Mapping[str, Array]
    holdout: NDArray[np.bool_]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", MappingProxyType(dict(self.arrays)))
        for array in (*self.arrays.values(), self.holdout):
            array.setflags(write=False)

    def rows(self, *, held_out: bool, limit: int, seed: int) -> Int64:
        """At most `limit` rows of one kind, drawn by `seed`, in ascending order: int64 [R]."""
        rows = np.flatnonzero(self.holdout == held_out).astype(np.int64)
        if len(rows) <= limit:
            return rows
        return np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))

    def feed(self, row: int, names: Iterable[str]) -> dict[str, Array]:
        """One sample as graph inputs, each with its leading 1."""
        return {name: self.arrays[name][row : row + 1] for name in names}


def read_samples(path: Path, spec: ModelSpec) -> CalibrationSamples:
    """Read and judge samples for a model. Raises CalibrationError."""
    try:
        with open_arrays(path, MAX_BYTES) as archive:
            _check_headers(archive.headers, _expected(spec))
            arrays = archive.arrays()
        _check_values(arrays, spec)
        _check_rows(arrays[HOLDOUT])
        for camera in spec.camera:
            _check_images(camera.name, arrays[f"image_{camera.name}"])
    except (OSError, ValueError) as error:
        raise CalibrationError(path, f"{error}; see docs/model-directory.md") from error
    return CalibrationSamples({name: array for name, array in arrays.items() if name != HOLDOUT}, arrays[HOLDOUT])


def _expected(spec: ModelSpec) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Array name -> (dtype, shape without the sample axis)."""
    inputs = {**spec.planner_inputs(), **spec.refiner_encoder_inputs(), "sample": spec.refiner_step_inputs()["sample"]}
    return {HOLDOUT: ("bool", ()), **{name: (dtype, shape[1:]) for name, (dtype, shape) in inputs.items()}}


def _check_headers(headers: Mapping[str, ArrayHeader], expected: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    missing, unknown = sorted(expected.keys() - headers.keys()), sorted(headers.keys() - expected.keys())
    if missing or unknown:
        problems = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        raise ValueError(f"{' and '.join(problems)}; the model's arrays are {', '.join(expected)}")
    count = math.prod(headers[HOLDOUT].shape)
    for name, (dtype, shape) in expected.items():
        found = headers[name]
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


def _check_rows(holdout: Array) -> None:
    for kind, count in (("for calibration", int(np.sum(~holdout))), ("held out", int(np.sum(holdout)))):
        if count < FEWEST:
            raise ValueError(f"{count} samples {kind}, at least {FEWEST} are needed")


def _check_images(camera: str, images: Array) -> None:
    """Refuse what no camera sees: flat frames, one frame over and over, noise."""
    flat = np.ptp(images.reshape(len(images), -1), axis=1) == 0
    if np.any(flat):
        raise ValueError(f"image_{camera} is one flat colour in sample {_first_bad(flat)}; record real frames")
    if np.all(images == images[0]):
        raise ValueError(f"image_{camera} is the same frame in every sample; record real frames")
    few = images[:FEWEST].astype(np.float32)
    if np.mean(np.abs(np.diff(few, axis=2))) > NOISE_RATIO * np.std(few):
        raise ValueError(f"image_{camera} is random noise; record real frames")


def _first_bad(bad: NDArray[np.bool_]) -> int:
    """First sample (leading axis) in which any entry is bad."""
    return int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
