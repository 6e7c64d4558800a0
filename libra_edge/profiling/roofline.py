"""How fast a layer could be at most on this machine, and which of its limits that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.peaks import Peaks


@dataclass(frozen=True, slots=True)
class Bound:
    """The least that a layer can take, ms, and what by: its products, or its bytes."""

    ms: float
    by: Literal["compute", "memory"]


@dataclass(frozen=True, slots=True)
class StageRoof:
    """The layers of a stage against the machine, ms.

    Attributes:
        bound_ms: of all its layers, each at its own limit.
        memory_ms: what the layers take whose limit is memory.
        layers_ms: what all of them take that have a bound.
    """

    stage: str
    bound_ms: float
    memory_ms: float
    layers_ms: float


def bound_of(layer: Layer, peaks: Peaks, calls: int) -> Bound | None:
    """After Williams et al., Roofline, 2009. Of its `calls` together; None where FLOPs or bytes are not known.

    Its bytes move as fast as bytes can that are so many: they may lie in a cache.
    """
    if layer.flops is None or layer.bytes is None:
        return None
    compute_s = layer.flops / peaks.flops_per_s(layer.precision) if layer.flops else 0.0
    memory_s = layer.bytes / peaks.bytes_per_s(layer.bytes / calls) if layer.bytes else 0.0
    return Bound(1e3 * max(compute_s, memory_s), "compute" if compute_s > memory_s else "memory")


def stage_roof(stage: StageLayers, peaks: Peaks) -> StageRoof:
    """Sums over the layers that were timed and whose work is known."""
    bounds: Sequence[tuple[Layer, Bound | None]] = [(one, bound_of(one, peaks, stage.calls)) for one in stage.layers]
    known = [(layer.ms, bound) for layer, bound in bounds if layer.ms is not None and bound is not None]
    return StageRoof(
        stage.stage,
        bound_ms=sum(bound.ms for _, bound in known),
        memory_ms=sum(ms for ms, bound in known if bound.by == "memory"),
        layers_ms=sum(ms for ms, _ in known),
    )
