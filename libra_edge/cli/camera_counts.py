"""What the camera drivers counted in a run, beside what the runtime saw of their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.protocols import Camera


def add_counts(figures: dict[str, Any], cameras: Sequence[Camera]) -> None:
    """Put what was withheld, and how pictures were dated, into a run's figures; of RealSense cameras only."""
    for camera in cameras:
        if isinstance(camera, RealSenseCamera):
            figures["cameras"].setdefault(camera.name, {}).update(_of(camera))


def _of(camera: RealSenseCamera) -> dict[str, int | str | float | None]:
    counts = camera.counts
    uncertain_ms = None if counts.uncertainty_ns is None else round(counts.uncertainty_ns / 1e6, 3)
    return {
        "repeated": counts.repeated,
        "undated": counts.undated,
        "clock_steps": counts.clock_steps,
        "stamps": None if counts.domain is None else counts.domain.value,
        "stamps_uncertain_ms": uncertain_ms,
    }
