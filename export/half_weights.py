"""Weights in 16 bit for target `cpu`: stored in half the bytes and cast back to FP32 when the graph is loaded.

ONNX Runtime folds the casts into FP32 constants at load, so all arithmetic, sampler included, stays FP32 and as fast as
before: few CPUs have 16-bit kernels. Biases and normalisation weights (one axis) weigh nothing and stay as they are.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from libra_edge.export.graph import Graph
from libra_edge.export.half_format import FORMATS, Half
from libra_edge.export.weight import Weight


def to_half_weights(graph: Graph, half: Half) -> Graph:
    """A copy whose FP32 weights with two axes or more are 16 bit. Raises ValueError for a weight beyond its range."""
    halved = graph.copy()
    casts = []
    for name, weight in graph.weights.items():
        if weight.dtype != np.float32 or len(weight.shape) < 2:
            continue
        _check_range(name, weight, half)
        stored = halved.fresh(f"{name}_{half}")
        halved.weights[stored] = _rounded(weight, half)
        del halved.weights[name]
        casts.append(helper.make_node("Cast", [stored], [name], name=f"{name}_to_fp32", to=TensorProto.FLOAT))
    halved.nodes = [*casts, *halved.nodes]
    return halved


def _rounded(weight: Weight, half: Half) -> Weight:
    dtype = FORMATS[half].dtype
    return Weight(dtype, weight.shape, lambda: weight.read().astype(dtype))


def _check_range(name: str, weight: Weight, half: Half) -> None:
    largest = float(np.max(np.abs(weight.read()), initial=0.0))
    if largest > FORMATS[half].largest:
        limit = f"beyond the {FORMATS[half].largest:.6g} of {half}"
        advice = "use --refiner bf16 or fp32" if half == "fp16" else "use --refiner fp32"
        raise ValueError(f"has weight {name!r} as large as {largest:.6g}, {limit}; {advice}")
