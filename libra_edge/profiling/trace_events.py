"""A profile as a trace: the JSON of Chrome's trace event format, which https://ui.perfetto.dev opens.

Source of the format: "Trace Event Format", Google 2016. X is a slice, i an instant, s/t/f the ends and the middle of an
arrow, M a name; times are microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
SHORTEST_US = 0.001


@dataclass(frozen=True, slots=True)
class Track:
    """A row in the trace: `process` and `thread` are numbers of our own."""

    process: int
    thread: int


@dataclass(slots=True)
class TraceEvents:
    """Collects events; `zero_ns` becomes time 0."""

    zero_ns: int
    events: list[Event] = field(default_factory=list)
    names: list[Event] = field(default_factory=list)

    def process(self, number: int, name: str) -> None:
        """Name a process; the least number is shown on top."""
        self.names.append({"ph": "M", "name": "process_name", "pid": number, "args": {"name": name}})
        self.names.append({"ph": "M", "name": "process_sort_index", "pid": number, "args": {"sort_index": number}})

    def track(self, process: int, thread: int, name: str) -> Track:
        """Name a row of a process."""
        place = {"pid": process, "tid": thread}
        self.names.append({"ph": "M", "name": "thread_name", **place, "args": {"name": name}})
        self.names.append({"ph": "M", "name": "thread_sort_index", **place, "args": {"sort_index": thread}})
        return Track(process, thread)

    def slice(
        self, track: Track, name: str, began_ns: int, ended_ns: int, args: Mapping[str, Any] | None = None
    ) -> None:
        """Something that lasted; slices of one track lie beside or within one another."""
        length_us = max((ended_ns - began_ns) / 1e3, SHORTEST_US)
        self._add(track, began_ns, {"ph": "X", "name": name, "dur": round(length_us, 3), "args": dict(args or {})})

    def instant(self, track: Track, name: str, time_ns: int, args: Mapping[str, Any] | None = None) -> None:
        """Something that happened."""
        self._add(track, time_ns, {"ph": "i", "s": "t", "name": name, "args": dict(args or {})})

    def flow(self, name: str, number: int, stations: Iterable[tuple[Track, int]]) -> None:
        """An arrow from slice to slice: each station is a track and an instant within one of its slices, in order."""
        stations = list(stations)
        for place, (track, time_ns) in enumerate(stations):
            kind = "s" if place == 0 else "f" if place == len(stations) - 1 else "t"
            end = {"bp": "e"} if kind == "f" else {}
            self._add(track, time_ns, {"ph": kind, "id": number, "name": name, "cat": name, **end})

    def document(self) -> dict[str, Any]:
        """The whole file, in the order of time."""
        ordered = sorted(self.events, key=lambda event: (event["ts"], event["ph"] != "X", -event.get("dur", 0.0)))
        return {"displayTimeUnit": "ms", "traceEvents": [*self.names, *ordered]}

    def _add(self, track: Track, time_ns: int, event: Event) -> None:
        at = {"pid": track.process, "tid": track.thread, "ts": round((time_ns - self.zero_ns) / 1e3, 3)}
        self.events.append({**event, **at})
