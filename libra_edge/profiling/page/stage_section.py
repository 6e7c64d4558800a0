"""Stages on the page: a chunk's way as bars that follow one another, and the two systems alone and side by side."""

from __future__ import annotations

from libra_edge.profiling.document import ProfileDocument, StageEntry
from libra_edge.profiling.page.markup import BAR_WIDTH, cell, key, ms, picture, row, section, svg_bar, table
from libra_edge.profiling.stages import END_TO_END

HEADS = ("stage", "", "p50", "p90", "p99", "max", "n")
MEANING = {
    "capture": "shutter to picture in this process",
    "copy": "to the event loop",
    "wait": "until a chunk is due",
    "intent": "a plan lies in the intent buffer",
    "dispatch": "to the refiner's thread and back",
    "pick_up": "until the servo loop's next round",
    "sample": "the chunk at this instant",
    "govern": "hold the goal to the limits",
    "bus": "the goal onto the wire",
    "bus_read": "joints from the wire, every round",
}


def way_section(document: ProfileDocument) -> str:
    """Every stage; those on a chunk's way begin where the one before ends."""
    scale = _scale(document)
    at, within, rows = 0.0, 0.0, []
    for name, stage in document.stages.items():
        if not stage.part_of:
            within = at if stage.on_path else 0.0
        bar = _bar(stage, within, scale, label=name)
        figures = [cell(ms(time)) for time in (stage.p50, stage.p90, stage.p99, stage.max)]
        look = "sum" if name == END_TO_END else "part" if stage.part_of else ""
        rows.append(row([cell(_named(name, stage)), picture(bar), *figures, cell(str(stage.n))], look))
        at += stage.mean if stage.on_path else 0.0
        within += stage.mean if stage.part_of else 0.0
    legend = [("on-path", "mean, on a chunk's way"), ("beside-path", "mean, beside it or within the stage above")]
    return section("A chunk's way, stage by stage", _sums(document), table(HEADS, rows) + key(legend))


def systems_section(document: ProfileDocument) -> str:
    """Planner and refiner, each alone and with the other at work."""
    found = [(name, stage) for name, stage in document.stages.items() if stage.alone and stage.beside]
    most = max((stage.beside.p99 for _, stage in found if stage.beside), default=0.0)
    most = max([most, *(stage.alone.p99 for _, stage in found if stage.alone)])
    rows = []
    for name, stage in found:
        for words, figures, look in (
            ("alone", stage.alone, "alone-bar"),
            ("beside the other", stage.beside, "both-bar"),
        ):
            if figures is None:
                continue
            bar = _rects([(0.0, figures.p50, look)], most, (figures.p50, figures.p99), f"{name} {words}")
            numbers = [cell(ms(time)) for time in (figures.p50, figures.p90, figures.p99, figures.max)]
            rows.append(row([cell(f"{name}, {words}"), picture(bar), *numbers, cell(str(figures.n))]))
    words = "Back to back, without a robot. What one does to the other's p99 is what a schedule has to live with."
    legend = [("alone-bar", "median, alone"), ("both-bar", "median, the other at work as well")]
    return section("The two systems, alone and side by side", words, table(HEADS, rows) + key(legend))


def _sums(document: ProfileDocument) -> str:
    if document.sums is None:
        return "Without a robot there is no way to follow: both systems side by side."
    sums = document.sums
    return (
        f"From the picture to its first goal on the wire, {sums.chunks} chunks. The stages on the way add up to "
        f"{sums.stages_ms:.2f} of {sums.end_to_end_ms:.2f} ms in the mean: {sums.difference_percent:.2f} % are "
        f"unexplained. The line after a bar reaches to p99."
    )


def _named(name: str, stage: StageEntry) -> str:
    if stage.part_of:
        return name.removeprefix(f"{stage.part_of}_").replace("_", " ")
    shown = name.replace("_", " ")
    return f"{shown}: {MEANING[name]}" if name in MEANING else shown


def _scale(document: ProfileDocument) -> float:
    """What the whole width stands for, ms."""
    whole = document.sums.end_to_end_ms if document.sums is not None else 0.0
    return max([whole * 1.15, *(stage.mean for stage in document.stages.values() if stage.on_path or not whole)])


def _bar(stage: StageEntry, at: float, scale: float, label: str) -> str:
    look = "on-path" if stage.on_path or label == END_TO_END else "beside-path"
    return _rects([(at, stage.mean, look)], scale, (at + stage.mean, at + stage.p99), label)


def _rects(bars: list[tuple[float, float, str]], scale: float, tail: tuple[float, float], label: str) -> str:
    per_ms = BAR_WIDTH / scale if scale else 0.0
    drawn = "".join(
        f'<rect class="{look}" x="{at * per_ms:.1f}" y="3" width="{max(length * per_ms, 1.5):.1f}" height="12"/>'
        for at, length, look in bars
    )
    from_x, to_x = (min(place * per_ms, BAR_WIDTH) for place in tail)
    line = f'<line class="tail" x1="{from_x:.1f}" x2="{max(from_x, to_x):.1f}" y1="9" y2="9"/>'
    return svg_bar(drawn + line, label)
