"""Cubic lines without a jump in position or velocity (cubic Hermite splines).

Inner slopes are those of F. N. Fritsch and J. Butland, A Method for Constructing Local Monotone Piecewise Cubic
Interpolants, SIAM J. Sci. Stat. Comput. 5 (1984), for knots at even steps: a line whose knots rise, rises, so it never
runs past a knot at which it turns. Slopes are in rad a step, arrays [D].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from libra_edge.messages import Float64


class PathPoint(NamedTuple):
    """float64 [D] each: rad, rad a step."""

    position: Float64
    slope: Float64


def slopes_through(knots: Float64, first: Float64) -> Float64:
    """Slopes at `knots`, float64 [K, D] rad, if the line enters with slope `first`, and leaves as it came: [K, D]."""
    secants = np.diff(knots, axis=0)
    slopes = np.zeros_like(knots)
    slopes[0] = first
    if len(secants) > 0:
        slopes[-1] = secants[-1]
        before, after = secants[:-1], secants[1:]
        same_way = before * after > 0.0
        total = np.where(same_way, before + after, 1.0)
        slopes[1:-1] = np.where(same_way, 2.0 * before * after / total, 0.0)
    return slopes


def between(start: PathPoint, end: PathPoint, share: float) -> PathPoint:
    """A point of the cubic from `start` to `end`, one step long; `share` 0 is the start, 1 the end."""
    s, rise = share, end.position - start.position
    position = start.position + rise * (s * s * (3.0 - 2.0 * s))
    position = position + start.slope * (s * (1.0 - s) ** 2) - end.slope * (s * s * (1.0 - s))
    slope = rise * (6.0 * s * (1.0 - s))
    slope = slope + start.slope * ((1.0 - s) * (1.0 - 3.0 * s)) + end.slope * (s * (3.0 * s - 2.0))
    return PathPoint(position, slope)


def faded(start: PathPoint, share: float) -> PathPoint:
    """What is left of an offset and its slope after a `share` of one step: all at 0, nothing from 1 on."""
    nothing = PathPoint(np.zeros_like(start.position), np.zeros_like(start.slope))
    return nothing if share >= 1.0 else between(start, nothing, max(share, 0.0))
