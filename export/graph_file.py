"""Reads one ONNX file into a `Graph`, its weights left where they lie, and refuses what is damaged or strange."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, shape_inference

from libra_edge.export.graph import IR_VERSION, Graph, named
from libra_edge.export.weight import FilePart, Weight, of_array, of_file, of_tensor

OPSETS = range(18, 22)
MAX_FILE_BYTES = 2**31 - 1
"""Where protobuf ends; larger models keep their weights in an external data file."""


def read_graph(path: Path) -> Graph:
    """Read and check a file and its external data. Raises ValueError with a clause that reads on from its name."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("is larger than 2 GiB; save its weights as external data")
        model = onnx.load(path, load_external_data=False)
        _check_versions(model)
        weights = {tensor.name: _weight(tensor, path) for tensor in model.graph.initializer}
        checker.check_model(str(path), full_check=True)
    except (OSError, DecodeError) as error:
        raise ValueError(f"cannot be read, it is truncated or not ONNX ({error})") from error
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"is not a valid ONNX model ({first})") from error
    nodes = []
    for node in named(model.graph.node):
        _check_attributes(node)
        if node.op_type == "Constant" and not node.domain:
            weights[node.output[0]] = _constant(node)
        else:
            nodes.append(node)
    opset = _opset(model)
    return Graph(model.graph.name, opset, nodes, list(model.graph.input), list(model.graph.output), weights)


def _opset(model: ModelProto) -> int:
    opsets: dict[str, int] = {entry.domain: entry.version for entry in model.opset_import}
    return opsets.get("", opsets.get("ai.onnx", 0))


def _check_versions(model: ModelProto) -> None:
    opset = _opset(model)
    if not opset:
        raise ValueError("is not a valid ONNX model (it names no opset: it is empty, or truncated)")
    if opset not in OPSETS:
        raise ValueError(f"uses opset {opset}; export it with opset {OPSETS[0]} to {OPSETS[-1]}")
    if model.ir_version > IR_VERSION:
        raise ValueError(f"has ONNX IR version {model.ir_version}; save it with IR version {IR_VERSION} or less")
    if model.graph.sparse_initializer:
        raise ValueError("has sparse weights; save them as dense tensors")
    if model.functions:
        raise ValueError(f"has the local function {model.functions[0].name!r}; save it inlined")


def _weight(tensor: TensorProto, path: Path) -> Weight:
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    except KeyError as error:
        raise ValueError(f"has weight {tensor.name!r} of type {tensor.data_type}, which is none of ONNX's") from error
    if tensor.data_location != TensorProto.EXTERNAL:
        return of_tensor(tensor)
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape):
        raise ValueError(f"has weight {tensor.name!r} of shape {list(shape)}; sizes cannot be negative")
    return of_file(dtype, shape, _part(tensor, path, dtype.itemsize * math.prod(shape)))


def _part(tensor: TensorProto, path: Path, nbytes: int) -> FilePart:
    """Where the bytes of an external tensor lie. Raises ValueError unless they lie whole in `<path>.data`."""
    facts = {entry.key: entry.value for entry in tensor.external_data}
    data = path.with_name(f"{path.name}.data")
    if facts.get("location") != data.name:
        place = facts.get("location")
        raise ValueError(f"keeps weight {tensor.name!r} in {place!r}; only {data.name} beside it may hold weights")
    if not data.is_file():
        raise ValueError(f"keeps its weights in {data.name}, which is not there; copy it beside the graph")
    offset, length = (_number(tensor.name, facts, *known) for known in (("offset", 0), ("length", nbytes)))
    if length != nbytes:
        raise ValueError(f"has weight {tensor.name!r} of {nbytes} bytes, but {length} of them are in {data.name}")
    size = data.stat().st_size
    if offset + nbytes > size:
        raise ValueError(f"has weight {tensor.name!r} beyond the end of {data.name} ({size} bytes): it is truncated")
    return FilePart(data, offset)


def _number(weight: str, facts: dict[str, str], key: str, default: int) -> int:
    if key not in facts:
        return default
    text = facts[key]
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise ValueError(f"has weight {weight!r} whose {key} in the external data is {text[:40]!r}, no number of bytes")
    return int(text)


def _check_attributes(node: NodeProto) -> None:
    """A tensor within a node would be looked for beside the working directory."""
    if any(attribute.t.data_location == TensorProto.EXTERNAL for attribute in node.attribute):
        raise ValueError(f"has node {node.name!r} ({node.op_type}) with external data; only weights may lie there")


def _constant(node: NodeProto) -> Weight:
    """The value of a Constant node. Raises ValueError for one that is no plain tensor."""
    (attribute,) = node.attribute
    if attribute.name == "value":
        return of_tensor(attribute.t)
    value: Any = helper.get_attribute_value(attribute)
    dtypes = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if attribute.name not in dtypes:
        raise ValueError(f"has node {node.name!r} (Constant) with {attribute.name}; only plain tensors are supported")
    return of_array(np.array(value, dtypes[attribute.name]))
