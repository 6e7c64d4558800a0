"""A profile and a comparison as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from libra_edge.profiling.comparison import Comparison
from libra_edge.profiling.document import FiguresEntry, LayerEntry, ProfileDocument, StageEntry

TOP_LAYERS = 20
LAYER_NAME = 26
LOOKS = {"good": "green", "warn": "yellow", "bad": "bold red", "open": "dim"}
SIGNS = {"good": "✓", "warn": "!", "bad": "✕", "open": "—"}
SAME = (0.95, 1.05)
"""Ratios between these are noise, not news."""


def profile_table(document: ProfileDocument) -> RenderableType:
    """Headline, stages, the costliest layers, memory and power."""
    parts: list[RenderableType] = [
        Text(f"{SIGNS[line.look]} {line.text}", style=LOOKS[line.look]) for line in document.headline
    ]
    parts.append(_stages(document))
    if document.layers:
        parts.append(_layers(document.layers))
    parts.append(Text("\n".join(_machine(document)), style="dim"))
    return Group(*parts)


def comparison_table(comparison: Comparison, a: str, b: str) -> RenderableType:
    """B against A."""
    table = Table("stage", title=f"A: {escape(a)}   B: {escape(b)}", title_justify="left")
    for head in ("A p50", "B p50", "B / A", "A p99", "B p99", "B / A", ""):
        table.add_column(head, justify="right")
    for stage in comparison.stages:
        cells = [
            cell
            for quantile in ("p50", "p99")
            for cell in (
                _ms(getattr(stage.a, quantile)),
                _ms(getattr(stage.b, quantile)),
                _ratio(stage.ratio(quantile)),
            )
        ]
        table.add_row(stage.name, *cells, _verdict(stage.ratio()))
    left = [f"only in A: {', '.join(comparison.only_a)}"] if comparison.only_a else []
    left += [f"only in B: {', '.join(comparison.only_b)}"] if comparison.only_b else []
    left += [f"not measured alike, {clause}" for clause in comparison.differs]
    return Group(table, *(Text(line, style="yellow") for line in left))


def _stages(document: ProfileDocument) -> Table:
    table = Table("stage, ms", title=_title(document), title_justify="left")
    for head in ("p50", "p90", "p99", "max", "n", "alone p99", "beside p99"):
        table.add_column(head, justify="right")
    for name, stage in document.stages.items():
        style = "bold" if stage.on_path or name == "end_to_end" else "dim" if stage.part_of else None
        shown = f"  {name.removeprefix(f'{stage.part_of}_')}" if stage.part_of else name
        table.add_row(shown, *_quantiles(stage), str(stage.n), _p99(stage.alone), _p99(stage.beside), style=style)
    if document.sums is not None:
        sums = document.sums
        explained = f"{sums.stages_ms:.2f} of {sums.end_to_end_ms:.2f} ms, {sums.difference_percent:.2f} % off"
        table.caption, table.caption_justify = f"The stages in bold add up, in the mean, to {explained}.", "left"
    return table


def _title(document: ProfileDocument) -> str:
    place = "no robot" if document.robot is None else document.robot
    return escape(f"{document.model} on {document.runs_on}; {place}; {document.machine}")


def _layers(layers: tuple[LayerEntry, ...]) -> Table:
    timed = sorted((layer for layer in layers if layer.ms is not None), key=lambda layer: -(layer.ms or 0.0))
    whole = sum(layer.ms or 0.0 for layer in timed)
    table = Table("layer", "stage", "type", "in", title_justify="left", caption_justify="left")
    table.title = f"The costliest {min(TOP_LAYERS, len(timed))} of {len(layers)} layers"
    table.caption = "limit: the least time that products or memory allow here, in percent of the layer's own time."
    for head in ("ms", "share", "limit", "MFLOP", "MB"):
        table.add_column(head, justify="right", no_wrap=True)
    for layer in timed[:TOP_LAYERS]:
        share = f"{100 * (layer.ms or 0.0) / whole:.1f} %" if whole else "-"
        costs = ("-" if cost is None else f"{cost / 1e6:.2f}" for cost in (layer.flops, layer.bytes))
        known = (layer.name[-LAYER_NAME:], _short_stage(layer.stage), layer.type, layer.precision)
        table.add_row(*(escape(word) for word in known), _ms(layer.ms), share, _limit(layer), *costs)
    return table


def _short_stage(stage: str) -> str:
    """`planner_engine` and `refiner_step`: the word that tells them apart."""
    return stage.removesuffix("_engine").removeprefix("refiner_")


def _limit(layer: LayerEntry) -> str:
    if layer.bound_ms is None or not layer.ms:
        return "-"
    return f"{layer.bound_by} {layer.bound_ms / layer.ms:.0%}"


def _machine(document: ProfileDocument) -> Iterator[str]:
    memory = document.memory_mb
    host = "not known" if memory.host is None else f"{memory.host:.0f} MiB now, {memory.peak or 0:.0f} MiB at most"
    engines = sum(memory.engines.values())
    yield f"memory: engines {engines:.1f} MiB, inputs and outputs {memory.io:.2f} MiB, process {host}"
    power = "not available" if document.power_w is None else f"{document.power_w:.2f} W"
    energy = "" if document.energy_per_chunk_j is None else f", {document.energy_per_chunk_j:.3f} J a chunk"
    heat = document.temperature_c
    hottest = (
        "not available" if not heat else f"{max(heat.values()):.0f} C at most ({max(heat, key=lambda z: heat[z])})"
    )
    yield f"power: {power}{energy}; temperature: {hottest}"
    first = (document.warm_up.planner_ms, document.warm_up.refiner_ms)
    planner, refiner = (("-" if time is None else f"{time:.1f} ms") for time in first)
    loading = f"loading {document.warm_up.load_s:.1f} s"
    yield f"warm-up, not counted above: {loading}, first plan {planner}, first chunk {refiner}"


def _quantiles(stage: StageEntry) -> tuple[str, ...]:
    return tuple(_ms(value) for value in (stage.p50, stage.p90, stage.p99, stage.max))


def _p99(figures: FiguresEntry | None) -> str:
    return "" if figures is None else _ms(figures.p99)


def _ms(time: float | None) -> str:
    return "-" if time is None else f"{time:.3f}" if time < 10 else f"{time:.1f}"


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _verdict(ratio: float | None) -> str:
    if ratio is None or SAME[0] <= ratio <= SAME[1]:
        return "the same"
    return "[green]B faster" if ratio < 1 else "[red]A faster"
