"""What a set of samples has seen: of each joint's range, of each camera's picture, of the tasks.

Ranges hold for what the samples show. A part of a picture in which nothing ever changed, or a joint that hardly moved,
is where an INT8 model has not been tried.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from libra_edge.calibration.near_duplicates import part_means
from libra_edge.calibration.sample_forms import IMAGE
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.instruction import InstructionEncoder
from libra_edge.messages import Float32, Float64, UInt8
from libra_edge.model_spec import ModelSpec

SHARES = 20
"""Equal parts of a joint's range; the share it covers is the share of parts in which it was seen."""
GRID = (6, 8)
CHANGED = 8.0
"""Of 255: a part of a picture whose mean differs by more from what it usually is has something else in it."""
SEEN = 0.02
"""A part of the picture counts as covered if it changed in so many of the samples."""


@dataclass(frozen=True, slots=True, eq=False)
class JointCoverage:
    """`low`, `high`: seen, rad; `share`: of the model's range; `histogram`: samples in each of 20 parts of it."""

    name: str
    low: float
    high: float
    model_low: float
    model_high: float
    histogram: tuple[int, ...]

    @property
    def share(self) -> float:
        """Of the parts of the range, those with a sample."""
        return sum(count > 0 for count in self.histogram) / len(self.histogram)


@dataclass(frozen=True, slots=True, eq=False)
class PictureCoverage:
    """`changed` float64 [6, 8]: share of the samples in which a part of the picture is not as usual.

    `darkest`, `brightest`: 1st and 99th percentile of the parts' brightness, 0..255.
    """

    camera: str
    changed: Float64
    darkest: float
    brightest: float

    @property
    def share(self) -> float:
        """Of the parts of the picture, those in which something changed."""
        return float(np.mean(self.changed >= SEEN))


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Of samples for ranges and held-out ones together; `token_share`: of the action bins, by joint, those used."""

    calibration: int
    held_out: int
    joints: tuple[JointCoverage, ...]
    pictures: tuple[PictureCoverage, ...]
    tasks: tuple[tuple[str, int], ...]
    token_share: tuple[float, ...]


def coverage_of(samples: CalibrationSamples, spec: ModelSpec, encoder: InstructionEncoder) -> Coverage:
    """Look through all samples."""
    arrays, bins = samples.arrays, spec.policy.bins
    cameras = [camera.name for camera in spec.camera if IMAGE + camera.name in arrays]
    tasks = Counter(encoder.decode(words) for words in arrays["instruction"])
    tokens = arrays["tokens"].reshape(-1, len(spec.action.joints))
    return Coverage(
        int(np.sum(~samples.holdout)),
        int(np.sum(samples.holdout)),
        _joints(arrays["state"].astype(np.float64), spec),
        tuple(_picture(camera, arrays[IMAGE + camera]) for camera in cameras),
        tuple(tasks.most_common()),
        tuple(len(np.unique(column)) / bins for column in tokens.T),
    )


def as_json(coverage: Coverage) -> dict[str, object]:
    """For `--json`: angles in degrees."""
    return {
        "samples": {"calibration": coverage.calibration, "held_out": coverage.held_out},
        "joints": {
            joint.name: {
                "share": joint.share,
                "low_deg": _degrees(joint.low),
                "high_deg": _degrees(joint.high),
                "model_low_deg": _degrees(joint.model_low),
                "model_high_deg": _degrees(joint.model_high),
                "histogram": list(joint.histogram),
                "token_share": round(tokens, 4),
            }
            for joint, tokens in zip(coverage.joints, coverage.token_share, strict=True)
        },
        "images": {
            one.camera: {
                "share": one.share,
                "changed": one.changed.round(3).tolist(),
                "brightness": [round(one.darkest, 1), round(one.brightest, 1)],
            }
            for one in coverage.pictures
        },
        "tasks": dict(coverage.tasks),
    }


def _joints(states: Float64, spec: ModelSpec) -> tuple[JointCoverage, ...]:
    action, found = spec.action, []
    for name, angles, low, high in zip(action.joints, states.T, action.low, action.high, strict=True):
        counts, _ = np.histogram(np.clip(angles, low, high), SHARES, (low, high))
        seen = float(angles.min()), float(angles.max())
        found.append(JointCoverage(name, *seen, low, high, tuple(counts.tolist())))
    return tuple(found)


def _picture(camera: str, pictures: UInt8) -> PictureCoverage:
    parts = min(GRID[0], pictures.shape[1]), min(GRID[1], pictures.shape[2])
    means: Float32 = np.concatenate([part_means(pictures[at : at + 16], parts) for at in range(0, len(pictures), 16)])
    away = np.abs(means - np.median(means, axis=0)).max(axis=-1)
    brightness = means.mean(axis=-1)
    dark, bright = (float(value) for value in np.percentile(brightness, (1, 99)))
    return PictureCoverage(camera, np.mean(away > CHANGED, axis=0), dark, bright)


def _degrees(radians: float) -> float:
    return round(float(np.degrees(radians)), 2)
