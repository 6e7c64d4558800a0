"""An ONNX graph taken apart: nodes that passes rewrite, and weights that stay on the disk until they are written again.

Weights lie inside the file or, in large models, in ONE external data file beside it, named `<graph>.onnx.data`: the
name that PyTorch's exporter gives it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, shape_inference

from libra_edge.export.weight import FilePart, Weight

IR_VERSION = 10
INLINE_BYTES = 64 << 20
"""Graphs with more weights than this keep them in an external data file: protobuf ends at 2 GiB."""
SMALL_BYTES = 1 << 10
"""Weights up to this stay inside the file even then: shape inference reads the sizes that lie in such weights."""
ALIGNMENT = 4096
"""External weights begin at whole pages, so that they can be mapped. Source: onnx/docs/ExternalData.md."""


@dataclass(slots=True, eq=False)
class Graph:
    """Nodes in topological order, each with a name of its own, and weights by name."""

    name: str
    opset: int
    nodes: list[NodeProto]
    inputs: list[ValueInfoProto]
    outputs: list[ValueInfoProto]
    weights: dict[str, Weight] = field(default_factory=dict)

    def copy(self) -> Graph:
        """Nodes may be changed in the copy; weights are shared, for they never change."""
        return replace(
            self,
            nodes=[_copied(node) for node in self.nodes],
            inputs=list(self.inputs),
            outputs=list(self.outputs),
            weights=dict(self.weights),
        )

    def fresh(self, wanted: str) -> str:
        """`wanted`, or that with a number if a tensor is called so already."""
        taken = {name for node in self.nodes for name in (*node.input, *node.output)} | set(self.weights)
        return next(name for name in _candidates(wanted) if name not in taken)

    def producers(self) -> dict[str, NodeProto]:
        """Tensor name -> the node that makes it."""
        return {name: node for node in self.nodes for name in node.output if name}

    def consumers(self) -> dict[str, list[NodeProto]]:
        """Tensor name -> the nodes that read it."""
        readers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                readers[name].append(node)
        return readers

    def drop_unused_weights(self) -> None:
        """Forget weights that no node reads and that are no output."""
        used = {name for node in self.nodes for name in node.input} | {value.name for value in self.outputs}
        self.weights = {name: weight for name, weight in self.weights.items() if name in used}

    def tensor_types(self) -> dict[str, tuple[int, tuple[int, ...] | None]]:
        """Tensor name -> (ONNX element type, shape or None where it is not known)."""
        tensors = [_unread(name, weight) for name, weight in self.weights.items()]
        inferred = shape_inference.infer_shapes(_model(self, tensors), data_prop=True).graph
        types: dict[str, tuple[int, tuple[int, ...] | None]] = {
            name: (_element_type(weight), weight.shape) for name, weight in self.weights.items()
        }
        for value in (*inferred.input, *inferred.value_info, *inferred.output):
            types[value.name] = (value.type.tensor_type.elem_type, _shape(value))
        return types


def model_of(graph: Graph, *, external: bool) -> ModelProto:
    """The graph as a model. `external`: weights in files stay there; without, every weight lies inside."""
    tensors = [_tensor(name, weight, external=external) for name, weight in graph.weights.items()]
    return _model(graph, tensors)


def write_graph(graph: Graph, path: Path, advance: Callable[[int], None] = lambda _: None) -> list[Path]:
    """Write the graph, weight by weight; equal graphs give equal bytes. Calls `advance` with the bytes of each weight.

    Returns the files written: `path`, and `<path>.data` if the weights are too many for one file. Raises OSError, and
    what reading a weight raises: one that was made 16 bit, BeyondHalf.
    """
    if sum(weight.nbytes for weight in graph.weights.values()) <= INLINE_BYTES:
        model = model_of(graph, external=False)
        advance(sum(weight.nbytes for weight in graph.weights.values()))
        path.write_bytes(model.SerializeToString(deterministic=True))
        return [path]
    data = path.with_name(f"{path.name}.data")
    tensors = []
    with data.open("wb") as file:
        for name, weight in graph.weights.items():
            if weight.nbytes <= SMALL_BYTES:
                tensors.append(_tensor(name, weight, external=False))
            else:
                file.write(b"\0" * (-file.tell() % ALIGNMENT))
                tensors.append(_reference(name, weight, FilePart(data, file.tell())))
                file.write(np.ascontiguousarray(weight.read()).reshape(-1).view(np.uint8).data)
            advance(weight.nbytes)
    path.write_bytes(_model(graph, tensors).SerializeToString(deterministic=True))
    return [path, data]


def external_folder(graph: Graph) -> Path | None:
    """The folder of the graph's external data file, if it has one."""
    parts = [weight.part for weight in graph.weights.values() if weight.part is not None]
    return parts[0].path.parent if parts else None


def named(nodes: Iterable[NodeProto]) -> list[NodeProto]:
    """Copies of nodes, each with a name of its own: its own one, or one made from its operator and first output."""
    seen: set[str] = set()
    copies = []
    for node in nodes:
        copy = _copied(node)
        copy.ClearField("doc_string")
        copy.ClearField("metadata_props")
        wanted = copy.name or "_".join((copy.op_type, *copy.output[:1]))
        copy.name = next(name for name in _candidates(wanted) if name not in seen)
        seen.add(copy.name)
        copies.append(copy)
    return copies


def _candidates(wanted: str) -> Iterable[str]:
    yield wanted
    for number in itertools.count(1):
        yield f"{wanted}_{number}"


def _copied(node: NodeProto) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    return copy


def _model(graph: Graph, tensors: list[TensorProto]) -> ModelProto:
    proto = helper.make_graph(graph.nodes, graph.name, graph.inputs, graph.outputs, tensors)
    opsets = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(proto, opset_imports=opsets, ir_version=IR_VERSION, producer_name="libra-edge")


def _tensor(name: str, weight: Weight, *, external: bool) -> TensorProto:
    if external and weight.part is not None:
        return _reference(name, weight, weight.part)
    return numpy_helper.from_array(np.ascontiguousarray(weight.read()).reshape(weight.shape), name)


def _unread(name: str, weight: Weight) -> TensorProto:
    """A weight for shape inference, which looks into small ones only."""
    if weight.nbytes <= SMALL_BYTES:
        return _tensor(name, weight, external=False)
    return _reference(name, weight, weight.part or FilePart(Path("unread"), 0))


def _reference(name: str, weight: Weight, part: FilePart) -> TensorProto:
    tensor = TensorProto(name=name, data_type=_element_type(weight), dims=weight.shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", part.path.name), ("offset", part.offset), ("length", weight.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _element_type(weight: Weight) -> int:
    return int(helper.np_dtype_to_tensor_dtype(weight.dtype))


def _shape(value: ValueInfoProto) -> tuple[int, ...] | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") or not all(dim.HasField("dim_value") for dim in tensor.shape.dim):
        return None
    return tuple(dim.dim_value for dim in tensor.shape.dim)
