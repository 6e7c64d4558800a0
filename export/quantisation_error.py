"""How much of a tensor's signal is lost when its values become INT8, computed from its histogram alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.export.ranges import BINS, LEVELS, Activation
from libra_edge.messages import Float64

STEPS = LEVELS - 1
"""Steps of a symmetric INT8 on each side of zero."""
PLACES = 8
"""Values are taken to spread evenly over a bin of the histogram, at this many places."""


@dataclass(frozen=True, slots=True)
class QuantisationError:
    """Of one tensor, root mean squares over the root mean square of its values.

    Attributes:
        rounding: by values within the range.
        clipping: by values beyond it.
        usual_steps: steps of INT8, at most 127, that the smaller 99 % of its values fill.
    """

    rounding: float
    clipping: float
    usual_steps: float

    @property
    def total(self) -> float:
        """Both: their squares add up."""
        return float(np.hypot(self.rounding, self.clipping))


def quantisation_error(activation: Activation, largest: float) -> QuantisationError:
    """Error of INT8 that reaches from minus to plus `largest`; no error for a tensor of zeros."""
    values, counts = _spread(activation)
    signal = float(np.sum(counts * values**2))
    if not signal or largest <= 0:
        return QuantisationError(0.0, 0.0, 0.0)
    step = largest / STEPS
    squares = counts * (values - step * np.minimum(np.rint(values / step), STEPS)) ** 2
    inside = values <= largest
    usual = float(values[np.searchsorted(np.cumsum(counts), 0.99 * counts.sum())])
    return QuantisationError(
        rounding=float(np.sqrt(squares[inside].sum() / signal)),
        clipping=float(np.sqrt(squares[~inside].sum() / signal)),
        usual_steps=min(usual / step, float(STEPS)),
    )


def _spread(activation: Activation) -> tuple[Float64, Float64]:
    """Magnitudes in ascending order, and how often each occurs."""
    places = (np.arange(BINS * PLACES) + 0.5) / (BINS * PLACES)
    return places * activation.largest, np.repeat(activation.histogram / PLACES, PLACES)
