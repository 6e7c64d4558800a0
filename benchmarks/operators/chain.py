"""Writes a graph in which each node reads what the last one made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

OPSET, IR_VERSION = 18, 10
Array = NDArray[Any]


class Chain:
    """A graph in the making.

    Attributes:
        first, last: its input, and what was made last.
    """

    def __init__(self, shape: list[int]) -> None:
        """`shape` of the input, float32."""
        self.first = self.last = "x"
        self._shape = shape
        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []
        self._random = np.random.default_rng(0)

    def node(self, operator: str, *inputs: str | Array | np.generic, **attributes: Any) -> str:
        """Add one; arrays become weights. Returns the name of its output."""
        names = [value if isinstance(value, str) else self.weight(value) for value in inputs]
        self.last = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, names, [self.last], name=f"n{len(self._nodes)}", **attributes))
        return self.last

    def before(self, output: str) -> str:
        """The first input of the node that makes `output`."""
        return next(str(node.input[0]) for node in self._nodes if node.output[0] == output)

    def weight(self, value: Array | np.generic) -> str:
        """Returns its name."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def noise(self, *shape: int) -> Array:
        """Float32, small enough that a chain of products stays finite."""
        return self._random.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape).astype(np.float32)

    def norm(self, scale: Array) -> str:
        """A layer normalisation of the last axis."""
        return self.node("LayerNormalization", self.last, scale, np.zeros_like(scale))

    def linear(self, inputs: int, outputs: int) -> str:
        """A product with a weight, and a bias."""
        self.node("MatMul", self.last, self.noise(inputs, outputs))
        return self.node("Add", self.last, self.noise(outputs))

    def int8_linear(self, inputs: int, outputs: int) -> str:
        """The same in INT8, the bias subtracted behind it as libra-edge exports it."""
        left = self._quantised(self.last)
        right = self._int8(self.noise(inputs, outputs))
        self.node("MatMul", left, right)
        return self.node("Sub", self.last, self.noise(outputs))

    def attention(self) -> str:
        """A product of two activations: scores of every token with every other, then their mix."""
        values = self.last
        turned = self.node("Transpose", values, perm=[0, 2, 1])
        scores = self.node("MatMul", values, turned)
        return self.node("MatMul", scores, values)

    def conv(self, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        """With bias and ReLU."""
        weight, bias = self.noise(outputs, inputs, kernel, kernel), self.noise(outputs)
        self.node("Conv", self.last, weight, bias, pads=[kernel // 2] * 4, strides=[stride] * 2)
        return self.node("Relu", self.last)

    def int8_conv(self, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        """In INT8 from end to end: quantised, multiplied, quantised."""
        left, right = self._quantised(self.last), self._int8(self.noise(outputs, inputs, kernel, kernel))
        return self.node("Conv", left, right, pads=[kernel // 2] * 4, strides=[stride] * 2)

    def model(self) -> ModelProto:
        """The chain with its end as output."""
        given = helper.make_tensor_value_info(self.first, TensorProto.FLOAT, self._shape)
        gives = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)
        graph = helper.make_graph(self._nodes, "chain", [given], [gives], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)

    def _quantised(self, name: str) -> str:
        self.node("QuantizeLinear", name, np.float32(0.05), np.uint8(128))
        return self.node("DequantizeLinear", self.last, np.float32(0.05), np.uint8(128))

    def _int8(self, weight: Array) -> str:
        scale = np.float32(np.abs(weight).max() / 127)
        stored = np.rint(weight / scale).astype(np.int8)
        return self.node("DequantizeLinear", stored, scale, np.int8(0))
