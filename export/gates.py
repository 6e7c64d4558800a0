"""The gates of an export: a figure, a threshold and a verdict each.

Tokens are judged by rates, not by the worst token, because a value near the border of two bins may fall on either
side. Half a degree is six ticks of a servo's encoder. The last but one is a yardstick of the policy's own: actions may
move by at most half of what another seed of the noise moves them by.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from libra_edge.bundle import GateEntry, Target
from libra_edge.errors import ConfigError
from libra_edge.export.agreement import Agreement, PlannerAgreement


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a gate closes."""

    value: float
    better: Literal["higher", "lower"]

    def holds(self, figure: float) -> bool:
        """Whether a figure passes."""
        return figure >= self.value if self.better == "higher" else figure <= self.value


GATES = {
    "planner_tokens_exact": Threshold(0.97, "higher"),
    "planner_tokens_within_one_bin": Threshold(0.995, "higher"),
    "planner_logit_cosine": Threshold(0.99, "higher"),
    "planner_scale_factor": Threshold(1.05, "lower"),
    "refiner_action_largest_deg": Threshold(0.5, "lower"),
    "refiner_action_mean_deg": Threshold(0.05, "lower"),
    "policy_action_mean_deg": Threshold(0.5, "lower"),
    "policy_action_over_seed": Threshold(0.5, "lower"),
    "closed_loop_drop_points": Threshold(3.0, "lower"),
}


def check_names(accepted: Collection[str]) -> None:
    """Raises ConfigError for a gate that does not exist."""
    unknown = sorted(set(accepted) - set(GATES))
    if unknown:
        raise ConfigError(f"--accept {unknown[0]}: there is no such gate; gates are {', '.join(GATES)}")


def planner_figures(planner: PlannerAgreement) -> dict[str, float]:
    """The figures of the planner's own gates."""
    return {
        "planner_tokens_exact": planner.exact,
        "planner_tokens_within_one_bin": planner.within_one,
        "planner_logit_cosine": planner.cosine,
    }


def judge(
    target: Target, agreement: Agreement, drop_points: float | None, accepted: Collection[str]
) -> tuple[GateEntry, ...]:
    """Every gate's entry. `drop_points` is the upper end of the interval of the loss of success; None if not run."""
    figures: dict[str, float | None] = {
        **planner_figures(agreement.planner),
        "planner_scale_factor": agreement.scale_factor,
        "refiner_action_largest_deg": float(agreement.refiner.largest_deg.max()),
        "refiner_action_mean_deg": float(agreement.refiner.mean_deg.max()),
        "policy_action_mean_deg": float(agreement.policy.mean_deg.max()),
        "policy_action_over_seed": agreement.seed_ratio,
        "closed_loop_drop_points": drop_points,
    }
    return tuple(_entry(target, name, figures[name], name in accepted) for name in GATES)


def _entry(target: Target, name: str, value: float | None, accepted: bool) -> GateEntry:
    threshold = GATES[name]
    verdict: Literal["passed", "failed", "not run"] = "not run"
    if value is not None:
        verdict = "passed" if threshold.holds(value) else "failed"
    return GateEntry(
        target=target,
        name=name,
        value=value,
        threshold=threshold.value,
        better=threshold.better,
        verdict=verdict,
        accepted=accepted and verdict == "failed",
    )
