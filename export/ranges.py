"""What activations look like over the calibration samples, and how far the INT8 range of each shall reach.

All ranges are symmetric. Observing streams: one sample after the other, and of each tensor only its extremes and a
histogram are kept. Methods: the largest magnitude (min-max); a percentile of magnitudes; and the range that loses least
information (entropy). Source of the last: S. Migacz, 8-bit Inference with TensorRT, GTC 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from libra_edge.export.graph import Graph
from libra_edge.export.progress import Progress
from libra_edge.export.session import Feed, GraphSession

Method = Literal["min-max", "percentile", "entropy"]
BINS = 2048
LEAST_SHARE = 1e-7
SMALLEST = float(np.finfo(np.float32).tiny)
"""Less than this cannot be cut into bins, and is 0 for a quantiser."""
LEVELS = 128
"""Magnitudes that a symmetric INT8 can tell apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """A tensor [1, C, ...] to observe, and float32 [C] to take off it first: so looks a convolution before its bias."""

    tensor: str
    bias: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """One tensor over all samples.

    Attributes:
        largest: its largest magnitude.
        largest_by_channel: the same along its last axis, float32 [C].
        histogram: int64 [BINS], magnitudes from 0 to `largest`.
    """

    largest: float
    largest_by_channel: NDArray[np.float32]
    histogram: NDArray[np.int64]


def observe(
    graph: Graph, watches: Mapping[str, Watch], feeds: Sequence[Feed], progress: Progress
) -> dict[str, Activation]:
    """Run the FP32 graph over `feeds` and look at tensors, twice: how large they are, then how they spread.

    Raises ValueError with one clause if ONNX Runtime fails, or a number is not finite.
    """
    watched = graph.copy()
    wanted = dict.fromkeys(watch.tensor for watch in watches.values())
    present = {value.name for value in (*watched.inputs, *watched.outputs)}
    watched.outputs += [helper.make_empty_tensor_value_info(name) for name in wanted if name not in present]
    session = GraphSession(watched)
    progress.begin("Observing activations", 2 * len(feeds))
    largest: dict[str, NDArray[np.float32]] = {}
    for magnitudes in _magnitudes(session, watches, feeds, progress):
        for name, values in magnitudes.items():
            by_channel = values.reshape(-1, values.shape[-1]).max(axis=0, initial=0)
            largest[name] = np.maximum(largest[name], by_channel) if name in largest else by_channel
    bad = [watches[name].tensor for name, values in largest.items() if not np.all(np.isfinite(values))]
    if bad:
        raise ValueError(f"gives {bad[0]!r} that is not finite for a calibration sample")
    spread = {name: np.zeros(BINS, np.int64) for name in watches}
    for magnitudes in _magnitudes(session, watches, feeds, progress):
        for name, values in magnitudes.items():
            spread[name] += np.histogram(values, BINS, (0.0, max(float(largest[name].max()), SMALLEST)))[0]
    return {name: Activation(float(largest[name].max()), largest[name], spread[name]) for name in watches}


def range_of(activation: Activation, method: Method, percentile: float) -> float:
    """Largest magnitude that INT8 shall hold; `percentile` (0 to 100) is for that method alone."""
    if method == "min-max" or not activation.largest:
        return activation.largest
    if method == "percentile":
        share = np.cumsum(activation.histogram) / activation.histogram.sum()
        bins = int(np.searchsorted(share, percentile / 100)) + 1
    else:
        bins = _least_loss(activation.histogram)
    return activation.largest * min(bins, BINS) / BINS


def _magnitudes(
    session: GraphSession, watches: Mapping[str, Watch], feeds: Iterable[Feed], progress: Progress
) -> Iterable[dict[str, NDArray[Any]]]:
    for feed in feeds:
        values = {**feed, **session.run(feed)}
        yield {name: np.abs(_product(values[watch.tensor], watch.bias)) for name, watch in watches.items()}
        progress.advance()


def _product(values: NDArray[Any], bias: NDArray[np.float32] | None) -> NDArray[Any]:
    if bias is None:
        return values if values.ndim else values.reshape(1)
    return values - bias.reshape(-1, *[1] * (values.ndim - 2))


def _least_loss(histogram: NDArray[np.int64]) -> int:
    """Bins that the range should span so that 128 levels tell most of what the histogram tells.

    Zeros are no information: the first bin counts as its neighbour does.
    """
    counts = histogram.astype(np.float64)
    counts[0] = counts[1]
    candidates = range(LEVELS, BINS + 1, LEVELS // 8)
    return min(candidates, key=lambda bins: _divergence(counts, bins))


def _divergence(counts: NDArray[np.float64], bins: int) -> float:
    """Kullback-Leibler divergence from the histogram, what lies beyond `bins` added to the last, to its 128 levels."""
    inside = counts[:bins]
    clipped = inside.copy()
    clipped[-1] += counts[bins:].sum()
    level = np.arange(bins) * LEVELS // bins
    present = inside > 0
    total, number = (np.bincount(level, weights, LEVELS) for weights in (inside, present.astype(np.float64)))
    coarse = np.where(present, (total / np.maximum(number, 1))[level], 0.0)
    p, q = _smooth(clipped), _smooth(coarse)
    return float(np.sum(p * np.log(p / q)))


def _smooth(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """A distribution without zeros, so that what one holds and the other lacks costs much, but not everything."""
    share = counts / max(counts.sum(), 1.0)
    return np.asarray((share + LEAST_SHARE) / (1 + LEAST_SHARE * len(share)))
