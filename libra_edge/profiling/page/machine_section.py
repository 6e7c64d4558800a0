"""Memory, power, heat, clocks and warm-up on the page."""

from __future__ import annotations

from libra_edge.profiling.document import ProfileDocument
from libra_edge.profiling.page.markup import cell, ms, row, section, table

UNKNOWN = "not available on this machine"


def machine_section(document: ProfileDocument) -> str:
    """What nobody measured is said to be not available; it is never zero."""
    memory = _card("Memory", "MiB. An engine's is its file: weights and, for TensorRT, kernels.", _memory(document))
    power = _card("Power and heat", "Means over the measurement, the board's idle draw with them.", _power(document))
    warm_up = _card("Warm-up", "Paid once, and not in the figures above.", _warm_up(document))
    return f'<div class="pair">{memory}{power}</div>{warm_up}'


def _card(title: str, words: str, rows: list[tuple[str, str]]) -> str:
    return section(title, words, table(("", ""), (row([cell(name), cell(value)]) for name, value in rows)))


def _memory(document: ProfileDocument) -> list[tuple[str, str]]:
    memory = document.memory_mb
    engines = [(name.replace("_", " "), f"{size:.2f}") for name, size in memory.engines.items()]
    host = [("this process", _known(memory.host, "")), ("this process at most", _known(memory.peak, ""))]
    return [*engines, ("inputs and outputs", f"{memory.io:.2f}"), *host]


def _power(document: ProfileDocument) -> list[tuple[str, str]]:
    rails = [(name, f"{watts:.2f} W") for name, watts in (document.power_rails_w or {}).items()]
    energy = document.energy_per_chunk_j
    heat = [(f"{zone}, at most", f"{celsius:.1f} °C") for zone, celsius in (document.temperature_c or {}).items()]
    clocks = [(clock.name, clock.found) for clock in document.clocks]
    return [
        ("module", _known(document.power_w, " W")),
        *rails,
        ("energy a chunk", UNKNOWN if energy is None else f"{energy:.3f} J"),
        *(heat or [("temperature", UNKNOWN)]),
        *(clocks or [("clocks", UNKNOWN)]),
        ("throttled", UNKNOWN if document.throttled is None else ", ".join(document.throttled) or "never"),
    ]


def _warm_up(document: ProfileDocument) -> list[tuple[str, str]]:
    warm_up = document.warm_up
    first = [("first plan", f"{ms(warm_up.planner_ms)} ms"), ("first chunk", f"{ms(warm_up.refiner_ms)} ms")]
    return [("loading", f"{warm_up.load_s:.2f} s"), *first]


def _known(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{value:.1f}{unit}"
