"""The gates of an export: a figure, a threshold and a verdict each.

Thresholds: tokens are judged by rates, not by the worst token, because a value near the border of two bins may fall on
either side. Half a degree is six ticks of a servo's encoder.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from libra_edge.bundle import GateEntry
from libra_edge.errors import ConfigError
from libra_edge.export.agreement import PlannerAgreement, RefinerAgreement


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a gate closes."""

    value: float
    better: Literal["higher", "lower"]


GATES = {
    "planner_tokens_exact": Threshold(0.97, "higher"),
    "planner_tokens_within_one_bin": Threshold(0.995, "higher"),
    "planner_logit_cosine": Threshold(0.99, "higher"),
    "refiner_action_largest_deg": Threshold(0.5, "lower"),
    "refiner_action_mean_deg": Threshold(0.05, "lower"),
    "closed_loop_drop_points": Threshold(3.0, "lower"),
}


def check_names(accepted: Collection[str]) -> None:
    """Raises ConfigError for a gate that does not exist."""
    unknown = sorted(set(accepted) - set(GATES))
    if unknown:
        raise ConfigError(f"--accept {unknown[0]}: there is no such gate; gates are {', '.join(GATES)}")


def judge(
    target: str, planner: PlannerAgreement, refiner: RefinerAgreement, accepted: Collection[str]
) -> tuple[GateEntry, ...]:
    """Every gate's entry. The closed loop is not run here: its value is None."""
    figures = {
        "planner_tokens_exact": planner.exact,
        "planner_tokens_within_one_bin": planner.within_one,
        "planner_logit_cosine": planner.cosine,
        "refiner_action_largest_deg": float(refiner.largest_deg.max()),
        "refiner_action_mean_deg": float(refiner.mean_deg.mean()),
        "closed_loop_drop_points": None,
    }
    return tuple(_entry(target, name, figures[name], name in accepted) for name in GATES)


def _entry(target: str, name: str, value: float | None, accepted: bool) -> GateEntry:
    threshold = GATES[name]
    verdict: Literal["passed", "failed", "not run"] = "not run"
    if value is not None:
        reached = value >= threshold.value if threshold.better == "higher" else value <= threshold.value
        verdict = "passed" if reached else "failed"
    return GateEntry(
        target=target,
        name=name,
        value=value,
        threshold=threshold.value,
        better=threshold.better,
        verdict=verdict,
        accepted=accepted and verdict == "failed",
    )
