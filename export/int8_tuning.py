"""Which layers of the planner become INT8, and how their ranges are set.

Every way of setting ranges is tried on the whole planner; the one with the least error is taken. Then each layer group
goes to INT8 alone, which tells its error, and (target `cpu`) is left out alone, which tells what its INT8 saves. Groups
that save nothing go back. Then, while a gate fails, the single layers with the largest errors, as few as mend it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libra_edge.bundle import Target
from libra_edge.export.agreement import PlannerAgreement
from libra_edge.export.bench import PlannerBench
from libra_edge.export.conversion import int8_graph
from libra_edge.export.fewest import fewest
from libra_edge.export.gates import GATES, planner_figures
from libra_edge.export.graph import Graph
from libra_edge.export.latency import Latency
from libra_edge.export.layer_groups import layer_groups
from libra_edge.export.layers import product_macs
from libra_edge.export.precision import Calibrating, MethodTried, PlannerPrecision, Sensitivity
from libra_edge.export.progress import Progress
from libra_edge.export.ranges import Activation

WAYS = (
    Calibrating(method="min-max"),
    Calibrating(method="percentile", percentile=99.999),
    Calibrating(method="percentile", percentile=99.99),
    Calibrating(method="entropy"),
    Calibrating(method="min-max", smoothing=0.5),
)
NOTICEABLE = 0.01
"""Share of the planner's time that a group's INT8 must save, or it brings no speed."""
CLEARLY = 0.95
"""A way must have an error this many times smaller to be preferred to one that stands before it."""


@dataclass(frozen=True, slots=True)
class Int8Tuned:
    """What was chosen, and what was measured."""

    planner: PlannerPrecision
    methods: tuple[MethodTried, ...]
    sensitivity: tuple[Sensitivity, ...]


class Int8Tuning:
    """One planner on one target."""

    def __init__(
        self,
        planner: Graph,
        target: Target,
        activations: Mapping[str, Activation],
        bench: PlannerBench,
        progress: Progress,
    ) -> None:
        self._planner, self._target, self._activations = planner, target, activations
        self._bench, self._progress = bench, progress
        self._macs = product_macs(planner)
        self._groups = {group: [layer.name for layer in layers] for group, layers in layer_groups(planner).items()}

    def tune(self) -> Int8Tuned:
        """Measure and choose. Raises ValueError with one clause if a graph cannot be made or run."""
        tried = self._try_ways()
        way = next(way for way, method in zip(WAYS, tried, strict=True) if method.chosen)
        errors = self._errors(way)
        saved = self._savings(way) if self._target == "cpu" else {}
        back = [group for group, latency in saved.items() if not _noticeable(latency)]
        back += self._until_gates_hold(way, back)
        rows = tuple(self._row(group, found, saved.get(group), group not in back) for group, found in errors.items())
        return Int8Tuned(PlannerPrecision(**way.model_dump(), not_int8=tuple(back)), tried, rows)

    def _try_ways(self) -> tuple[MethodTried, ...]:
        everything = [name for names in self._groups.values() for name in names]
        self._progress.begin(f"Ways to set ranges, target {self._target}", len(WAYS))
        found, chosen = [], 0
        for index, way in enumerate(WAYS):
            found.append(self._agreement(everything, way))
            if found[index].error < CLEARLY * found[chosen].error:
                chosen = index
            self._progress.advance()
        return tuple(
            MethodTried(
                **way.model_dump(),
                error=one.error,
                exact=one.exact,
                within_one=one.within_one,
                chosen=index == chosen,
            )
            for index, (way, one) in enumerate(zip(WAYS, found, strict=True))
        )

    def _errors(self, way: Calibrating) -> dict[str, PlannerAgreement]:
        self._progress.begin(f"Layers to INT8, group by group, target {self._target}", len(self._groups))
        found = {}
        for group, names in self._groups.items():
            found[group] = self._agreement(names, way)
            self._progress.advance()
        return found

    def _savings(self, way: Calibrating) -> dict[str, Latency]:
        """Group -> with and without its INT8, the smallest group first, each without those that save nothing."""
        self._progress.begin("Timing what each group's INT8 saves", len(self._groups))
        saved: dict[str, Latency] = {}
        for group in sorted(self._groups, key=lambda one: sum(self._macs[name] for name in self._groups[one])):
            inside = [other for other in self._groups if other not in saved or _noticeable(saved[other])]
            names = [name for other in inside for name in self._groups[other]]
            without = [name for name in names if name not in self._groups[group]]
            saved[group] = self._bench.latency(self._int8(names, way), self._int8(without, way))
            self._progress.advance()
        return saved

    def _until_gates_hold(self, way: Calibrating, back: Sequence[str]) -> list[str]:
        names = [name for group in self._groups if group not in back for name in self._groups[group]]
        if self._holds(names, way):
            return []
        self._progress.begin(f"Layers to INT8, one by one, target {self._target}", len(names))
        errors = {}
        for name in names:
            errors[name] = self._agreement([name], way).error
            self._progress.advance()
        worst = sorted(names, key=lambda name: -errors[name])
        count = fewest(len(worst), lambda number: self._holds(worst[number:], way))
        return worst if count is None else worst[:count]

    def _holds(self, names: Sequence[str], way: Calibrating) -> bool:
        figures = planner_figures(self._agreement(names, way))
        return all(GATES[gate].holds(figure) for gate, figure in figures.items())

    def _agreement(self, names: Sequence[str], way: Calibrating) -> PlannerAgreement:
        return self._bench.agreement(self._int8(names, way))

    def _int8(self, names: Sequence[str], way: Calibrating) -> Graph:
        return int8_graph(self._planner, self._target, names, way, self._activations)

    def _row(self, group: str, found: PlannerAgreement, latency: Latency | None, kept: bool) -> Sensitivity:
        names = self._groups[group]
        share = sum(self._macs[name] for name in names) / max(1, sum(self._macs.values()))
        return Sensitivity(
            stage="planner",
            group=group,
            precision="int8",
            nodes=len(names),
            share=share,
            error=found.error,
            exact=found.exact,
            saved_ms=None if latency is None else latency.saved_ms,
            kept=kept,
        )


def _noticeable(latency: Latency) -> bool:
    return latency.saved_ms > NOTICEABLE * latency.ms
