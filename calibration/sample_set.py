"""Samples from several sources as one set: without near-duplicates, of a bounded size, in a file that export takes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.near_duplicates import kept_rows
from libra_edge.calibration.sample_checks import FEWEST
from libra_edge.calibration.sample_forms import HOLDOUT
from libra_edge.calibration.samples import DOCUMENT, CalibrationSamples
from libra_edge.calibration.whole_file import whole_file
from libra_edge.errors import CalibrationError
from libra_edge.messages import Int64

logger = logging.getLogger(__name__)

SPARE = 2
"""So many times as many samples are read as are wanted, so that duplicates can go."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Near-duplicates that were left out, of each kind."""

    calibration: int
    held_out: int


def joined(parts: Sequence[CalibrationSamples]) -> CalibrationSamples:
    """All samples of all parts; parts are of one model."""
    if len(parts) == 1:
        return parts[0]
    names = parts[0].arrays.keys()
    arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in names}
    return CalibrationSamples(arrays, np.concatenate([part.holdout for part in parts]))


def without_duplicates(path: Path, samples: CalibrationSamples) -> tuple[CalibrationSamples, Removed]:
    """Drop near-duplicates. Raises CalibrationError, which speaks of `path`, if too little is left."""
    kept = kept_rows(samples)
    removed = Removed(int(np.sum(~kept & ~samples.holdout)), int(np.sum(~kept & samples.holdout)))
    for kind, held_out, gone in (("for ranges", False, removed.calibration), ("held out", True, removed.held_out)):
        left = int(np.sum(kept & (samples.holdout == held_out)))
        if left < FEWEST:
            raise CalibrationError(
                path,
                f"{left} samples {kind} are left once {gone} near-duplicates are gone, at least {FEWEST} are needed; "
                f"give more recordings, in which arm and objects move; see {DOCUMENT}",
            )
    return _chosen(samples, np.flatnonzero(kept)), removed


def thinned(samples: CalibrationSamples, *, limit: int, seed: int) -> CalibrationSamples:
    """At most `limit` samples of each kind, drawn by `seed`, in the order they had."""
    rows = [samples.rows(held_out=held_out, limit=limit, seed=seed) for held_out in (False, True)]
    return _chosen(samples, np.sort(np.concatenate(rows)))


def write_samples(samples: CalibrationSamples, path: Path) -> None:
    """Write the `.npz` file that `export --calibration` reads. Raises ConfigError."""
    with whole_file(path) as file:
        arrays: dict[str, Any] = {HOLDOUT: samples.holdout, **samples.arrays}
        np.savez_compressed(file, **arrays)


def _chosen(samples: CalibrationSamples, rows: Int64 | NDArray[np.intp]) -> CalibrationSamples:
    return CalibrationSamples({name: array[rows] for name, array in samples.arrays.items()}, samples.holdout[rows])
