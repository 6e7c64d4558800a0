"""What became of the pictures that one camera delivered."""

from __future__ import annotations

from dataclasses import dataclass

from libra_edge.drivers.realsense.capture_time import StampDomain

DATED = {
    StampDomain.GLOBAL: "dated by the camera",
    StampDomain.HARDWARE: "dated by the camera's own clock",
    StampDomain.SYSTEM: "dated on arrival",
}


@dataclass(slots=True)
class StreamCounts:
    """Written by the camera's thread since the object was made, over every opening; others may read it.

    Attributes:
        handed_out: pictures given to the caller as new.
        repeated: pictures withheld, because their number or their pixels were those of the one before.
        undated: pictures withheld, because a clock had been set and nobody could tell when they were taken.
        silences: reads that ended without a picture.
        clock_steps: how often the camera's clock was found set to another time.
        domain: what the last picture's stamp counted; None before the first.
        uncertainty_ns: `CaptureTime.uncertainty_ns` at the last picture.
    """

    handed_out: int = 0
    repeated: int = 0
    undated: int = 0
    silences: int = 0
    clock_steps: int = 0
    domain: StampDomain | None = None
    uncertainty_ns: int | None = None

    @property
    def taken(self) -> int:
        """Pictures looked at; librealsense's queue replaces one that nobody took in time."""
        return self.handed_out + self.repeated + self.undated

    @property
    def dated(self) -> str:
        """How capture times come about, and by how much they may be off against each other."""
        way = "undated" if self.domain is None else DATED[self.domain]
        return way if self.uncertainty_ns is None else f"{way} +- {self.uncertainty_ns / 1e6:.1f} ms"
