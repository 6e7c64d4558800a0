"""A second of the trace on the page: what ran when, and which picture led to which command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from libra_edge.profiling.page.markup import key, section

LENGTH_US = 1_000_000.0
WIDTH, LABEL, ROW, GAP = 1200.0, 120.0, 22.0, 8.0
OUTER = {"picture": "slice-camera", "plan ": "slice-planner", "chunk": "slice-refiner", "tick": "slice-servo"}
SYSTEMS = {"planner": "slice-planner", "refiner": "slice-refiner"}
Event = Mapping[str, Any]


def timeline_section(trace: Mapping[str, Sequence[Event]]) -> str:
    """A second from the middle of the trace; nothing where the trace is empty."""
    events = trace["traceEvents"]
    slices = [event for event in events if event["ph"] == "X" and _look(event) is not None]
    if not slices:
        return ""
    begin = _begin(slices)
    rows = _rows(events)
    shown = [event for event in slices if event["ts"] < begin + LENGTH_US and event["ts"] + event["dur"] > begin]
    missed = [event for event in events if event["ph"] == "i" and begin <= event["ts"] < begin + LENGTH_US]
    drawn = [*_grounds(rows), *_scale(rows), *(_rect(event, rows, begin) for event in shown)]
    drawn += [*_flows(events, rows, begin), *(_mark(event, rows, begin) for event in missed)]
    size = f'viewBox="0 0 {WIDTH:.0f} {_height(rows):.0f}"'
    svg = f'<svg {size} role="img" aria-label="a second of the trace">{"".join(drawn)}</svg>'
    legend = [("slice-camera", "picture on its way"), ("slice-planner", "plan"), ("slice-refiner", "chunk")]
    legend += [("slice-servo", "round of the servo loop"), ("missed", "late, or a fault")]
    words = "Lines lead from a picture to the chunk that was made of it and to the first command of that chunk."
    return section(
        "One second of it", f"{words} trace.json has all of it, for https://ui.perfetto.dev.", svg + key(legend)
    )


def _look(event: Event) -> str | None:
    name = str(event["name"])
    return SYSTEMS.get(name) or next((look for begin, look in OUTER.items() if name.startswith(begin)), None)


def _begin(slices: Sequence[Event]) -> float:
    """Half a second before the middle of the last two thirds: there a run is under way, and both systems work."""
    first, last = slices[0]["ts"], slices[-1]["ts"]
    return float(first + max(0.0, (last - first) * 2 / 3 - LENGTH_US / 2))


def _rows(events: Sequence[Event]) -> dict[tuple[int, int], tuple[int, str]]:
    """Process and thread -> which row, and its name."""
    named = sorted(
        (event["pid"], event["tid"], event["args"]["name"]) for event in events if event["name"] == "thread_name"
    )
    return {(process, thread): (number, name) for number, (process, thread, name) in enumerate(named)}


def _height(rows: Mapping[Any, Any]) -> float:
    return len(rows) * (ROW + GAP) + 24.0


def _x(time_us: float, begin: float) -> float:
    share = min(max((time_us - begin) / LENGTH_US, 0.0), 1.0)
    return LABEL + share * (WIDTH - LABEL)


def _y(place: tuple[int, str]) -> float:
    return place[0] * (ROW + GAP)


def _rect(event: Event, rows: Mapping[tuple[int, int], tuple[int, str]], begin: float) -> str:
    left, right = _x(event["ts"], begin), _x(event["ts"] + event["dur"], begin)
    top = _y(rows[(event["pid"], event["tid"])])
    inner = event["name"] in SYSTEMS
    height, top = (ROW - 10, top + 5) if inner else (ROW, top)
    opacity = "1" if inner or event["name"] == "tick" else ".45"
    title = f"<title>{escape(str(event['name']))}, {event['dur'] / 1e3:.2f} ms</title>"
    size = f'x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.8):.1f}" height="{height:.0f}"'
    return f'<rect class="{_look(event)}" {size} opacity="{opacity}">{title}</rect>'


def _grounds(rows: Mapping[tuple[int, int], tuple[int, str]]) -> list[str]:
    drawn = []
    for place in rows.values():
        drawn.append(
            f'<rect class="ground" x="{LABEL:.0f}" y="{_y(place):.1f}" width="{WIDTH - LABEL:.0f}" height="{ROW:.0f}"/>'
        )
        drawn.append(f'<text x="0" y="{_y(place) + 15:.1f}">{escape(place[1][:20])}</text>')
    return drawn


def _scale(rows: Mapping[Any, Any]) -> list[str]:
    bottom = _height(rows) - 22
    return [
        f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom:.1f}"/>'
        f'<text class="dim" x="{x:.1f}" y="{bottom + 16:.1f}" text-anchor="{anchor}">{tenth * 100} ms</text>'
        for tenth in range(11)
        for x in (LABEL + tenth / 10 * (WIDTH - LABEL),)
        for anchor in ("start" if tenth == 0 else "end" if tenth == 10 else "middle",)
    ]


def _flows(events: Sequence[Event], rows: Mapping[tuple[int, int], tuple[int, str]], begin: float) -> list[str]:
    """Arrows from pictures to commands that lie within the second altogether."""
    stations: dict[int, list[Event]] = {}
    for event in events:
        if event["ph"] in "stf" and event.get("cat") == "picture to command":
            stations.setdefault(event["id"], []).append(event)
    whole = (some for some in stations.values() if begin <= some[0]["ts"] and some[-1]["ts"] <= begin + LENGTH_US)
    return [
        '<polyline class="flow" points="'
        + " ".join(f"{_x(e['ts'], begin):.1f},{_y(rows[(e['pid'], e['tid'])]) + ROW / 2:.1f}" for e in some)
        + '"/>'
        for some in whole
    ]


def _mark(event: Event, rows: Mapping[tuple[int, int], tuple[int, str]], begin: float) -> str:
    x, top = _x(event["ts"], begin), _y(rows[(event["pid"], event["tid"])])
    title = f"<title>{escape(str(event['name']))}</title>"
    return f'<rect class="missed" x="{x - 1.5:.1f}" y="{top - 2:.1f}" width="3" height="{ROW + 4:.0f}">{title}</rect>'
