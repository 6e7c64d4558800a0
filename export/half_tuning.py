"""Which groups of operators stay in FP32 where the rest is 16 bit: each goes to 16 bit alone, and its error decides.

Products carry the multiply-adds and stay in 16 bit unless a gate fails; then the single ones with the largest errors go
back, as few as mend it. Everything else is cheap, and goes back once it takes a tenth of what the gates allow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from libra_edge.export.bench import PlannerBench, RefinerBench
from libra_edge.export.conversion import tensorrt_half
from libra_edge.export.fewest import fewest
from libra_edge.export.gates import GATES, planner_figures
from libra_edge.export.graph import Graph
from libra_edge.export.half_format import Half
from libra_edge.export.half_groups import GROUPS, half_groups
from libra_edge.export.precision import Sensitivity
from libra_edge.export.progress import Progress

TOLERATED = 0.1
PRODUCTS = "products"
Graphs = Mapping[str, Graph]


@dataclass(frozen=True, slots=True)
class HalfTuned:
    """Groups, and single nodes, that stay in FP32; and what was measured."""

    fp32: tuple[str, ...]
    sensitivity: tuple[Sensitivity, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a choice costs: its error, the share of tokens that stay (planner), and what it takes of the gates."""

    error: float
    exact: float | None
    taken: float


def tune_planner_half(planner: Graph, bench: PlannerBench, progress: Progress) -> HalfTuned:
    """For the planner in FP16; its layers may be INT8 besides."""

    def attempt(fp32: Sequence[str]) -> Trial:
        found = bench.agreement(tensorrt_half(planner, "fp16", fp32))
        figures = planner_figures(found)
        taken = max((1 - figure) / (1 - GATES[gate].value) for gate, figure in figures.items())
        return Trial(found.error, found.exact, taken)

    return _HalfTuning({"planner": planner}, "fp16", attempt, progress).tune()


def tune_refiner_half(refiner: Graphs, half: Half, bench: RefinerBench, progress: Progress) -> HalfTuned:
    """For the refiner, both graphs alike."""

    def attempt(fp32: Sequence[str]) -> Trial:
        found = bench.difference({name: tensorrt_half(graph, half, fp32) for name, graph in refiner.items()})
        largest, mean = float(found.largest_deg.max()), float(found.mean_deg.max())
        limits = GATES["refiner_action_largest_deg"].value, GATES["refiner_action_mean_deg"].value
        return Trial(mean, None, max(largest / limits[0], mean / limits[1]))

    return _HalfTuning(refiner, half, attempt, progress).tune()


class _HalfTuning:
    def __init__(
        self, graphs: Graphs, half: Half, attempt: Callable[[Sequence[str]], Trial], progress: Progress
    ) -> None:
        self._stage = "planner" if "planner" in graphs else "refiner"
        self._half, self._attempt, self._progress = half, attempt, progress
        members = [half_groups(graph) for graph in graphs.values()]
        self._groups = {group: [name for groups in members for name in groups[group]] for group in GROUPS}

    def tune(self) -> HalfTuned:
        present = [group for group in GROUPS if self._groups[group]]
        self._progress.begin(f"{self._stage.capitalize()} to {self._half.upper()}, group by group", len(present))
        trials = {}
        for group in present:
            trials[group] = self._attempt([other for other in GROUPS if other != group])
            self._progress.advance()
        fp32 = [group for group, trial in trials.items() if group != PRODUCTS and trial.taken > TOLERATED]
        fp32 = self._until_gates_hold(fp32, trials)
        return HalfTuned(tuple(fp32), tuple(self._row(group, trial, fp32) for group, trial in trials.items()))

    def _until_gates_hold(self, fp32: list[str], trials: Mapping[str, Trial]) -> list[str]:
        """Cheap groups go back first, the one with the largest error before the others; then single products."""
        cheap = sorted(
            (group for group in trials if group not in (PRODUCTS, *fp32)), key=lambda one: -trials[one].taken
        )
        count = fewest(len(cheap), lambda number: self._attempt([*fp32, *cheap[:number]]).taken <= 1)
        if count is not None:
            return [*fp32, *cheap[:count]]
        fp32 = [group for group in GROUPS if group != PRODUCTS]
        products = self._worst_products_first()
        count = fewest(len(products), lambda number: self._attempt([*fp32, *products[:number]]).taken <= 1)
        return [*fp32, *products[: len(products) if count is None else count]]

    def _worst_products_first(self) -> list[str]:
        products = self._groups[PRODUCTS]
        others = [group for group in GROUPS if group != PRODUCTS]
        self._progress.begin(f"Products to {self._half.upper()}, one by one", len(products))
        taken = {}
        for name in products:
            taken[name] = self._attempt([*others, *(other for other in products if other != name)]).taken
            self._progress.advance()
        return sorted(products, key=lambda name: -taken[name])

    def _row(self, group: str, trial: Trial, fp32: Sequence[str]) -> Sensitivity:
        share = 1.0 if group == PRODUCTS else 0.0
        return Sensitivity(
            stage="planner" if self._stage == "planner" else "refiner",
            group=group,
            precision=self._half,
            nodes=len(self._groups[group]),
            share=share,
            error=trial.error,
            exact=trial.exact,
            kept=group not in fp32,
        )
