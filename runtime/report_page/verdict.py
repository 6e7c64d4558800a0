"""How a run went, in words: what stands on top of its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from libra_edge.runtime.report_page.episode import Episode

GOOD, WARN, BAD, OPEN = "good", "warn", "bad", "open"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the verdict; `look` is GOOD, WARN, BAD or OPEN (nobody knows)."""

    look: str
    text: str


def outcome(episode: Episode) -> Finding:
    """Whether the task was done."""
    if episode.success_s is not None and episode.success:
        return Finding(GOOD, f"Done after {episode.success_s:.1f} s")
    if episode.success:
        return Finding(GOOD, "Done")
    if episode.success is False:
        return Finding(BAD, f"Not done in {episode.seconds:.1f} s")
    if episode.result is None:
        return Finding(OPEN, "Outcome unknown: the end of the recording is lost")
    return Finding(OPEN, "Outcome unknown: nobody could tell whether the task was done")


def findings(episode: Episode, breaks: Sequence[int] | None) -> list[Finding]:
    """Faults, limits, deadlines. `breaks` are times of commands outside a limit; None if that cannot be counted."""
    return [_faults(episode), _limits(episode, breaks), *_deadlines(episode)]


def _faults(episode: Episode) -> Finding:
    count = len(episode.faults)
    if not count:
        return Finding(GOOD, "no faults" if episode.lost is None else "no faults in what was read")
    return Finding(BAD, plural(count, "fault"))


def _limits(episode: Episode, breaks: Sequence[int] | None) -> Finding:
    """As the run counted them; where that is lost, as counted again from the commands in the file."""
    told = episode.figures.limits_violated
    if told is None and breaks is None:
        return Finding(OPEN, "limits: not known, the recording has no robot file that this version reads")
    count = max(told or 0, len(breaks or ()))
    within = f"in {plural(len(episode.commands), 'command')}"
    if count:
        return Finding(BAD, f"{plural(count, 'command')} outside the robot's limits")
    return Finding(GOOD, f"no limit violated {within}")


def _deadlines(episode: Episode) -> list[Finding]:
    missed = episode.figures.deadline_misses
    if missed is None:
        return []
    if missed:
        return [Finding(WARN, f"{plural(missed, 'servo deadline')} missed")]
    return [Finding(GOOD, "no servo deadline missed")]


def plural(count: int, noun: str) -> str:
    """The count and its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
