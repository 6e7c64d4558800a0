"""The weights of a graph: which there are, and whether every one is a number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper

OTHER_FLOATS = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)


def check_weights(model: ModelProto) -> int:
    """Number of FP32 weights. Raises ValueError that names a tensor that is not finite or not FP32."""
    count = 0
    for tensor in _tensors(model):
        if tensor.data_type in OTHER_FLOATS:
            kind = TensorProto.DataType.Name(tensor.data_type).lower()
            raise ValueError(f"has weight {tensor.name!r} in {kind}; export the model in FP32")
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        bad = values.size - int(np.count_nonzero(np.isfinite(values)))
        if bad:
            raise ValueError(f"has weight {tensor.name!r} of which {bad} of {values.size} values are not finite")
        count += values.size
    return count


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Initialisers, and the values of Constant nodes under their output's name."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                tensor = TensorProto()
                tensor.CopyFrom(attribute.t)
                tensor.name = node.output[0]
                yield tensor
