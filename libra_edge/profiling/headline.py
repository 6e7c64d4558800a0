"""The sentences that a reader needs first; what spoils the figures stands before the figures."""

from __future__ import annotations

from collections.abc import Sequence

from libra_edge.errors import RuntimeFault
from libra_edge.profiling.document import ClockEntry, CountsEntry, HeadlineEntry
from libra_edge.profiling.stages import END_TO_END, Stage, Sums, by_name

MOST_UNEXPLAINED_PERCENT = 3.0


def headline(
    stages: Sequence[Stage],
    sums: Sums | None,
    counts: CountsEntry | None,
    *,
    clocks: Sequence[ClockEntry],
    throttled: Sequence[str] | None,
    power_w: float | None,
) -> list[HeadlineEntry]:
    """Warnings first, then what was found."""
    return [*_spoilt(clocks, throttled), *_unexplained(sums), *_found(stages), *_misses(counts), _power(power_w)]


def ended_early(fault: RuntimeFault | None) -> list[HeadlineEntry]:
    """What ended the run before its time."""
    return [] if fault is None else [_say("bad", f"A fault ended the run early: {fault}.")]


def _spoilt(clocks: Sequence[ClockEntry], throttled: Sequence[str] | None) -> list[HeadlineEntry]:
    said = []
    if throttled:
        said.append(_say("bad", f"The machine throttled while it was measured: {', '.join(throttled)}."))
    said += [_say("warn", f"{clock.name} is not pinned: {clock.found}.") for clock in clocks if not clock.pinned]
    if not clocks:
        said.append(_say("open", "Whether the clocks are pinned is not known: this machine does not tell."))
    return said


def _unexplained(sums: Sums | None) -> list[HeadlineEntry]:
    if sums is None or sums.difference_percent <= MOST_UNEXPLAINED_PERCENT:
        return []
    text = f"The stages explain only {sums.stages_ms:.1f} of {sums.end_to_end_ms:.1f} ms from picture to command."
    return [_say("bad", text)]


def _found(stages: Sequence[Stage]) -> list[HeadlineEntry]:
    said, known = [], by_name(stages)
    if (whole := known.get(END_TO_END)) is not None:
        text = f"From picture to command: {whole.figures.p50:.1f} ms at the median, {whole.figures.p99:.1f} ms at p99."
        said.append(_say("good", text))
    for name, other in (("refiner", "planner"), ("planner", "refiner")):
        stage = known.get(name)
        if stage is None or stage.alone is None or stage.beside is None:
            continue
        alone, beside = stage.alone.p99, stage.beside.p99
        text = f"With the {other} at work, the {name}'s p99 is {beside:.1f} ms instead of {alone:.1f} ms"
        said.append(_say("good", f"{text} ({beside / alone:.2f} times)."))
    return said


def _misses(counts: CountsEntry | None) -> list[HeadlineEntry]:
    if counts is None:
        return []
    missed = [
        clause
        for number, clause in (
            (counts.deadline_misses, f"{counts.deadline_misses} of {counts.ticks} servo ticks missed their deadline"),
            (counts.late_chunks, f"{counts.late_chunks} of {counts.chunks} chunks were late"),
        )
        if number
    ]
    return (
        [_say("warn", f"{' and '.join(missed)}.")] if missed else [_say("good", "No deadline missed, no chunk late.")]
    )


def _power(power_w: float | None) -> HeadlineEntry:
    if power_w is None:
        return _say("open", "Power: not available on this machine.")
    return _say("good", f"The module drew {power_w:.1f} W.")


def _say(look: str, text: str) -> HeadlineEntry:
    return HeadlineEntry.model_validate({"look": look, "text": text})
