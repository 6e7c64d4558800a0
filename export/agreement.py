"""How far the exported policy agrees with the FP32 one on samples that were held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.action_space import ActionSpace
from libra_edge.export.policy_graphs import SideBySide
from libra_edge.export.progress import Progress
from libra_edge.messages import Float64, Int64


@dataclass(frozen=True, slots=True, eq=False)
class PlannerAgreement:
    """Tokens and logits, FP32 beside exported.

    Attributes:
        exact, within_one: share of tokens that are equal, and that are at most one bin apart.
        cosine: mean cosine between the logits of a sample.
        rows: which samples; tokens, tokens_fp32: int64 [R, L_macro, D] of these.
    """

    exact: float
    within_one: float
    cosine: float
    rows: Int64
    tokens: Int64
    tokens_fp32: Int64


@dataclass(frozen=True, slots=True, eq=False)
class RefinerAgreement:
    """Difference of the actions from the same noise: largest and mean, float64 [D] degrees a joint."""

    largest_deg: Float64
    mean_deg: Float64


def compare_planners(sides: SideBySide, rows: Int64, progress: Progress) -> PlannerAgreement:
    """Run both planners on `rows`."""
    tokens, tokens_fp32, cosines = [], [], []
    for row in rows:
        feed = sides.samples.feed(int(row), sides.fp32.planner_inputs)
        expected, found = sides.fp32.logits(feed), sides.exported.logits(feed)
        tokens_fp32.append(np.argmax(expected, axis=-1))
        tokens.append(np.argmax(found, axis=-1))
        cosines.append(_cosine(expected.astype(np.float64), found.astype(np.float64)))
        progress.advance()
    distance = np.abs(np.stack(tokens) - np.stack(tokens_fp32))
    return PlannerAgreement(
        exact=float(np.mean(distance == 0)),
        within_one=float(np.mean(distance <= 1)),
        cosine=float(np.mean(cosines)),
        rows=rows,
        tokens=np.stack(tokens),
        tokens_fp32=np.stack(tokens_fp32),
    )


def compare_refiners(sides: SideBySide, rows: Int64, space: ActionSpace, progress: Progress) -> RefinerAgreement:
    """Denoise the same noise with both refiners on `rows`."""
    differences = []
    for row in rows:
        feed = sides.samples.feed(int(row), sides.fp32.refiner_inputs)
        policies = (sides.fp32, sides.exported)
        expected, found = (space.denormalise(policy.actions(feed).astype(np.float64)) for policy in policies)
        differences.append(np.degrees(np.abs(found - expected)))
        progress.advance()
    per_joint = np.concatenate(differences)
    return RefinerAgreement(largest_deg=per_joint.max(axis=0), mean_deg=per_joint.mean(axis=0))


def _cosine(one: Float64, other: Float64) -> float:
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.vdot(one, other)) / norms if norms else float(np.array_equal(one, other))
