"""One run as the page sees it: everything of a recording but its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from libra_edge.runtime.report_page.message_forms import (
    ChunkForm,
    CommandForm,
    FaultForm,
    PlanForm,
    RunFacts,
    RunFigures,
    RunResult,
)


@dataclass(frozen=True, slots=True)
class FrameNote:
    """One picture of a camera, without the picture.

    Attributes:
        place: counts the camera's pictures in the file from 0.
        time_ns: when it was taken, of the monotonic clock.
        chunk_id, plan_id: a chunk and a plan that was made from it; None if none was.
    """

    place: int
    time_ns: int
    number: int
    chunk_id: int | None = None
    plan_id: int | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """A recording, read as far as it goes. All times are nanoseconds of the monotonic clock.

    Attributes:
        result: None if the recording was cut off.
        zero_ns: when control step 0 began; of a recording that was cut off, as far as its chunks tell.
        commands: one at least, in the order of the file.
        faults: with the time of each.
        frames: by camera, in alphabetical order.
        lost: what of the recording could not be read, as a sentence; None if nothing is missing.
    """

    facts: RunFacts
    result: RunResult | None
    figures: RunFigures
    zero_ns: int
    commands: tuple[CommandForm, ...]
    plans: tuple[PlanForm, ...]
    chunks: tuple[ChunkForm, ...]
    faults: tuple[FaultForm, ...]
    frames: Mapping[str, tuple[FrameNote, ...]]
    lost: str | None

    @property
    def joint_names(self) -> tuple[str, ...]:
        """In order; numbers where the recording does not name as many as it has."""
        names, count = tuple(self.facts.joints.split()), len(self.commands[0].goal_rad)
        return names if len(names) == count else tuple(f"joint {number}" for number in range(count))

    @property
    def seconds(self) -> float:
        """From control step 0 to the end of the run; of a recording that was cut off, to its last command."""
        if self.figures.seconds is not None:
            return self.figures.seconds
        return max(0.0, self.since_start(self.commands[-1].time_ns))

    @property
    def success(self) -> bool | None:
        """None where nobody could tell, and where that part of the recording is lost."""
        return None if self.result is None else {"true": True, "false": False, "": None}[self.result.success]

    @property
    def success_s(self) -> float | None:
        """When the task was seen to be done, seconds after control step 0."""
        seconds = "" if self.result is None else self.result.success_s
        return None if seconds == "" else float(seconds)

    def since_start(self, time_ns: int) -> float:
        """Seconds since control step 0, to the tenth of a millisecond."""
        return round((time_ns - self.zero_ns) / 1e9, 4)
