"""The few figures that a reader wants first, from the same messages that the page's strips draw."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np

from libra_edge.runtime.report_page.episode import Episode


def tiles(episode: Episode) -> str:
    """HTML; what the recording does not tell has no tile."""
    shown = [
        ("picture to command, p50", _median_ms(_to_commands_ms(episode))),
        ("planner, p50", _median_ms(plan.planner_ms for plan in episode.plans)),
        ("refiner, p50", _median_ms(chunk.refiner_ms for chunk in episode.chunks)),
        ("steps: oldest plan a chunk began with", _oldest_plan(episode)),
        ("servo loop", None if episode.figures.servo_hz is None else f"{episode.figures.servo_hz:.1f} Hz"),
    ]
    drawn = (f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in shown if value is not None)
    return "".join(drawn)


def _to_commands_ms(episode: Episode) -> Iterable[float]:
    """From each chunk's oldest picture to the first command that followed the chunk."""
    followed = None
    for command in episode.commands:
        if command.chunk_id is not None and command.captured_ns is not None and command.chunk_id != followed:
            followed = command.chunk_id
            yield (command.time_ns - command.captured_ns) / 1e6


def _median_ms(times: Iterable[float | None]) -> str | None:
    """As `libra_edge.runtime.latency` defines a quantile: a time that was measured, not the mean of two."""
    known = [time for time in times if time is not None]
    return f"{np.quantile(known, 0.5, method='inverted_cdf'):.1f} ms" if known else None


def _oldest_plan(episode: Episode) -> str | None:
    """In control steps, and how many there may be."""
    if not episode.chunks:
        return None
    oldest, bound = max(chunk.plan_age_steps for chunk in episode.chunks), episode.facts.max_plan_age_steps
    return f"{oldest}" if bound is None else f"{oldest} of {bound}"
