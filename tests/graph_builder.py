"""Writes small ONNX graphs node by node, naming tensors as it goes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

OPSET, IR_VERSION = 18, 10


class GraphBuilder:
    """Collects inputs, constants, nodes and outputs of one graph."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, dtype: int, shape: list[int]) -> str:
        """Declare a graph input; returns its name."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def node(self, operator: str, *inputs: str | NDArray[Any] | np.generic, **attributes: Any) -> str:
        """Add a node with one output; arrays among its inputs become initialisers. Returns the output's name."""
        name = f"{operator.lower()}_{len(self._nodes)}"
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self._nodes.append(helper.make_node(operator, names, [name], name=f"/{name}", **attributes))
        return name

    def output(self, name: str, source: str, shape: list[int], dtype: int = TensorProto.FLOAT) -> None:
        """Declare a graph output that carries `source`."""
        self._nodes.append(helper.make_node("Identity", [source], [name], name=f"/{name}"))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def model(self, opset: int = OPSET) -> ModelProto:
        """The checked model."""
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, self._constants)
        imports = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="libra-edge tests")
        checker.check_model(model, full_check=True)
        return model

    def _constant(self, value: NDArray[Any] | np.generic) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name
