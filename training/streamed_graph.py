"""An ONNX graph written node by node, its weights streamed to a file beside it as they come.

A protobuf message ends at 2 GB; external data does not. Only the weight at hand is in memory.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

OPSET, IR_VERSION = 20, 10
ALIGNMENT = 4096
"""ONNX Runtime maps external weights into memory only if they begin on a page."""
INLINE_BYTES = 16_384
"""Smaller weights stay in the graph's own file: biases, normalisation, constants."""


class StreamedGraph:
    """Collects one graph and saves it on leaving the `with` block, unless that ends in an exception.

    Attributes:
        parameters: how many FP32 weights were added so far.
    """

    def __init__(self, path: Path) -> None:
        """`path` is the .onnx file; `path`.data beside it takes the large weights."""
        self.parameters = 0
        self._path = path
        self._data_path = path.with_name(f"{path.name}.data")
        self._data = self._data_path.open("wb")
        self._nodes: list[NodeProto] = []
        self._tensors: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def __enter__(self) -> StreamedGraph:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        is_empty = self._data.tell() == 0
        self._data.close()
        if is_empty:
            self._data_path.unlink()
        if kind is None:
            self._save()

    def input(self, name: str, dtype: int, shape: list[int]) -> str:
        """Declare a graph input; returns its name."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name: str, source: str, shape: list[int]) -> None:
        """Declare a float32 graph output that carries `source`."""
        self._nodes.append(helper.make_node("Identity", [source], [name], name=f"/{name}"))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def weight(self, name: str, value: NDArray[np.float32]) -> str:
        """Add a weight, to the data file if it is large; returns its name."""
        self.parameters += value.size
        self._tensors.append(
            numpy_helper.from_array(value, name) if value.nbytes < INLINE_BYTES else self._external(name, value)
        )
        return name

    def node(self, operator: str, *inputs: str | NDArray[Any] | np.generic, **attributes: Any) -> str:
        """Add a node with one output; arrays among its inputs become constants. Returns the output's name."""
        return self.split_node(operator, 1, *inputs, **attributes)[0]

    def split_node(
        self, operator: str, count: int, *inputs: str | NDArray[Any] | np.generic, **attributes: Any
    ) -> list[str]:
        """Add a node with `count` outputs; returns their names."""
        name = f"{operator.lower()}_{len(self._nodes)}"
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        outputs = [name] if count == 1 else [f"{name}_{index}" for index in range(count)]
        self._nodes.append(helper.make_node(operator, names, outputs, name=f"/{name}", **attributes))
        return outputs

    def _constant(self, value: NDArray[Any] | np.generic) -> str:
        name = f"constant_{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def _external(self, name: str, value: NDArray[np.float32]) -> TensorProto:
        offset = -(-self._data.tell() // ALIGNMENT) * ALIGNMENT
        self._data.seek(offset)
        self._data.write(np.ascontiguousarray(value).data)
        tensor = TensorProto(name=name, dims=value.shape, data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": self._data_path.name, "offset": offset, "length": value.nbytes}
        for key, entry in place.items():
            tensor.external_data.add(key=key, value=str(entry))
        return tensor

    def _save(self) -> None:
        graph = helper.make_graph(self._nodes, self._path.stem, self._inputs, self._outputs, self._tensors)
        opset = helper.make_opsetid("", OPSET)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION), self._path)
        checker.check_model(str(self._path))
