"""Two profiles held against each other, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

from libra_edge.profiling.document import ProfileDocument, StageEntry

QUANTILES = ("p50", "p99")


@dataclass(frozen=True, slots=True)
class StageComparison:
    """One stage in both, ms; `ratio` is B over A at the median: below 1, B is faster. None where A took no time."""

    name: str
    a: StageEntry
    b: StageEntry

    def ratio(self, quantile: str = "p50") -> float | None:
        """B over A."""
        a, b = getattr(self.a, quantile), getattr(self.b, quantile)
        return b / a if a > 0 else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Stages that both have, in A's order, and the names of those that only one of them has.

    Attributes:
        differs: clauses that say where the two were not measured alike.
    """

    stages: tuple[StageComparison, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    differs: tuple[str, ...]


def compare(a: ProfileDocument, b: ProfileDocument) -> Comparison:
    """Hold B against A."""
    both = tuple(StageComparison(name, a.stages[name], b.stages[name]) for name in a.stages if name in b.stages)
    only_a = tuple(name for name in a.stages if name not in b.stages)
    only_b = tuple(name for name in b.stages if name not in a.stages)
    facts = ("machine", "runs_on", "model", "bundle_sha256", "robot", "task")
    differs = tuple(
        f"{fact}: {_short(getattr(a, fact))} and {_short(getattr(b, fact))}"
        for fact in facts
        if getattr(a, fact) != getattr(b, fact)
    )
    return Comparison(both, only_a, only_b, differs)


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """For machines."""
    return {
        "compare": {
            stage.name: {
                quantile: {
                    "a": getattr(stage.a, quantile),
                    "b": getattr(stage.b, quantile),
                    "ratio": stage.ratio(quantile),
                }
                for quantile in QUANTILES
            }
            for stage in comparison.stages
        },
        "only_a": list(comparison.only_a),
        "only_b": list(comparison.only_b),
        "differs": list(comparison.differs),
    }


def _short(fact: object) -> str:
    return "none" if fact is None else str(fact)[:40]
