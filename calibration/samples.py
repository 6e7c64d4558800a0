"""Real inputs of the graphs, from which INT8 ranges are chosen and by which an export is judged; `calibration.npz`.

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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.array_archive import open_arrays
from libra_edge.calibration.sample_checks import check_arrays, check_forms
from libra_edge.calibration.sample_forms import HOLDOUT, Array
from libra_edge.errors import CalibrationError
from libra_edge.messages import Int64
from libra_edge.model_spec import ModelSpec

MAX_BYTES = 4 << 30
DOCUMENT = "docs/calibration-samples.md"


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


def checked_samples(path: Path, arrays: Mapping[str, Array], spec: ModelSpec) -> CalibrationSamples:
    """Samples whose every array was found to fit the model; `path` is where they come from. Raises CalibrationError."""
    try:
        check_arrays(arrays, spec)
    except ValueError as error:
        raise CalibrationError(path, f"{error}; see {DOCUMENT}") from error
    return CalibrationSamples({name: array for name, array in arrays.items() if name != HOLDOUT}, arrays[HOLDOUT])


def read_samples(path: Path, spec: ModelSpec) -> CalibrationSamples:
    """Read and judge the samples of a `.npz` file for a model. Raises CalibrationError."""
    try:
        with open_arrays(path, MAX_BYTES) as archive:
            check_forms(archive.headers, spec)
            arrays = archive.arrays()
    except (OSError, ValueError) as error:
        raise CalibrationError(path, f"{error}; see {DOCUMENT}") from error
    return checked_samples(path, arrays, spec)
