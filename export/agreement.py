"""How far an exported policy agrees with the FP32 one on samples that were held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.action_space import ActionSpace
from libra_edge.export.outcome import Outcome
from libra_edge.messages import Float32, Float64, Int64

LEAST_SPREAD_DEG = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class PlannerAgreement:
    """Tokens and logits, FP32 beside exported.

    Attributes:
        exact, within_one: share of tokens that are equal, and that are at most one bin apart.
        cosine: mean cosine between the logits of a sample.
        error: norm of the logits' difference over that of FP32's logits.
        tokens, tokens_fp32: int64 [R, L_macro, D].
    """

    exact: float
    within_one: float
    cosine: float
    error: float
    tokens: Int64
    tokens_fp32: Int64


@dataclass(frozen=True, slots=True, eq=False)
class ActionDifference:
    """Change of the actions: largest and mean, float64 [D] degrees a joint."""

    largest_deg: Float64
    mean_deg: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Every comparison of an exported policy with FP32.

    Attributes:
        rows: the samples compared, int64 [R].
        refiner: actions from the same tokens and noise.
        policy: both stages one after the other, same pictures and noise.
        seed_ratio: what the export moves those actions by, over what other noise moves them by (root mean squares); at
            least LEAST_SPREAD_DEG, for a policy that hardly heeds its noise.
        scale_factor: how far the worst of the INT8 scales is off, see scale_check.py; 1 is not at all.
    """

    rows: Int64
    planner: PlannerAgreement
    refiner: ActionDifference
    policy: ActionDifference
    seed_ratio: float
    scale_factor: float = 1.0


def compare(fp32: Outcome, exported: Outcome, space: ActionSpace) -> Agreement:
    """Both answers to the same samples."""
    moved = _rms(exported.acted - fp32.acted, space)
    by_noise = _rms(fp32.reseeded - fp32.acted, space)
    return Agreement(
        rows=fp32.rows,
        planner=compare_logits(fp32.logits, exported.logits),
        refiner=action_difference(fp32.refined, exported.refined, space),
        policy=action_difference(fp32.acted, exported.acted, space),
        seed_ratio=moved / max(by_noise, LEAST_SPREAD_DEG),
    )


def compare_logits(fp32: Float32, exported: Float32) -> PlannerAgreement:
    """Two planners' logits float32 [R, L_macro, D, N]."""
    expected, found = fp32.astype(np.float64), exported.astype(np.float64)
    tokens_fp32, tokens = np.argmax(expected, axis=-1), np.argmax(found, axis=-1)
    distance = np.abs(tokens - tokens_fp32)
    norm = float(np.linalg.norm(expected))
    return PlannerAgreement(
        exact=float(np.mean(distance == 0)),
        within_one=float(np.mean(distance <= 1)),
        cosine=float(np.mean([_cosine(one, other) for one, other in zip(expected, found, strict=True)])),
        error=float(np.linalg.norm(found - expected)) / (norm or 1.0),
        tokens=tokens,
        tokens_fp32=tokens_fp32,
    )


def action_difference(fp32: Float32, exported: Float32, space: ActionSpace) -> ActionDifference:
    """Two refiners' normalised actions float32 [R, H_chunk, D]."""
    difference = _degrees(exported - fp32, space).reshape(-1, fp32.shape[-1])
    return ActionDifference(largest_deg=difference.max(axis=0), mean_deg=difference.mean(axis=0))


def _degrees(difference: Float32, space: ActionSpace) -> Float64:
    """Normalised differences as degrees, without sign."""
    scale = (space.high - space.low) / 2
    degrees: Float64 = np.degrees(np.abs(difference.astype(np.float64) * scale))
    return degrees


def _rms(difference: Float32, space: ActionSpace) -> float:
    return float(np.sqrt(np.mean(_degrees(difference, space) ** 2)))


def _cosine(one: Float64, other: Float64) -> float:
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.vdot(one, other)) / norms if norms else float(np.array_equal(one, other))
