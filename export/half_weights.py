"""Refiner to FP16: weights are stored in half the bytes and cast back to FP32 when the graph is loaded.

ONNX Runtime folds the casts into FP32 constants at load, so all arithmetic, sampler included, stays FP32 and as fast as
before: few CPUs have FP16 kernels. Biases and normalisation weights (one axis) weigh nothing and stay as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

LARGEST = float(np.finfo(np.float16).max)


def to_half_weights(model: ModelProto) -> ModelProto:
    """A copy whose FP32 weights with two axes or more are FP16. Raises ValueError for a weight beyond FP16's range."""
    halved = ModelProto()
    halved.CopyFrom(model)
    casts: list[NodeProto] = []
    for tensor in halved.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(_rounded(name, numpy_helper.to_array(tensor)), f"{name}_fp16"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"{name}_to_fp32", to=TensorProto.FLOAT))
    nodes = [*casts, *halved.graph.node]
    del halved.graph.node[:]
    halved.graph.node.extend(nodes)
    return halved


def _rounded(name: str, weight: NDArray[np.float32]) -> NDArray[np.float16]:
    largest = float(np.max(np.abs(weight), initial=0.0))
    if largest > LARGEST:
        limit = f"beyond FP16's {LARGEST:.0f}"
        raise ValueError(f"has weight {name!r} as large as {largest:.6g}, {limit}; use --refiner fp32")
    return weight.astype(np.float16)
