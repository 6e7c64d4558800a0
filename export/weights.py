"""The weights of a graph: whether every one is an FP32 number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from libra_edge.export.graph import Graph

OTHER_FLOATS = frozenset({"float16", "bfloat16", "float64", "float8_e4m3fn", "float8_e5m2"})


def check_weights(graph: Graph, advance: Callable[[int], None]) -> int:
    """Number of FP32 weights, read one after the other; calls `advance` with the bytes of each.

    Raises ValueError that names a tensor that is not finite or not FP32.
    """
    count = 0
    for name, weight in graph.weights.items():
        if weight.dtype.name in OTHER_FLOATS:
            raise ValueError(f"has weight {name!r} in {weight.dtype.name}; export the model in FP32")
        if weight.dtype == np.float32:
            bad = weight.size - int(np.count_nonzero(np.isfinite(weight.read())))
            if bad:
                raise ValueError(f"has weight {name!r} of which {bad} of {weight.size} values are not finite")
            count += weight.size
        advance(weight.nbytes)
    return count
