"""The share of a planner's multiply-adds that ONNX Runtime really does in INT8: read from what it executed.

Its optimiser may fuse, rename or refuse INT8 for a layer; only the execution profile tells. Shapes in the profile give
the multiply-adds of a matrix product. A convolution's weights are packed away there; its kernel is looked up in the
graph by the node's name, which the optimiser keeps as a beginning.
"""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libra_edge.export.graph import Graph
from libra_edge.export.session import Feed, GraphSession

INT8_PRODUCTS = frozenset(
    {"QLinearConv", "QLinearMatMul", "MatMulIntegerToFloat", "MatMulInteger", "ConvInteger", "QGemm"}
    | {"DynamicQuantizeMatMul", "QAttention"}
)
FLOAT_PRODUCTS = frozenset({"MatMul", "FusedMatMul", "Gemm", "FusedGemm", "Conv", "FusedConv", "Einsum", "Attention"})
CONVOLUTIONS = frozenset({"QLinearConv", "ConvInteger", "Conv", "FusedConv"})
END_OF_NAME = "_kernel_time"


@dataclass(frozen=True, slots=True)
class ExecutedProduct:
    """One product as it ran: its node's name, operator and multiply-adds."""

    name: str
    operator: str
    macs: int

    @property
    def in_int8(self) -> bool:
        """Whether it multiplied INT8 by INT8."""
        return self.operator in INT8_PRODUCTS


@dataclass(frozen=True, slots=True)
class MacShare:
    """What ran in INT8, and what did not."""

    products: tuple[ExecutedProduct, ...]

    @property
    def share(self) -> float:
        """Share of multiply-adds in INT8, 0 to 1; 0 for a graph without products."""
        total = sum(product.macs for product in self.products)
        return sum(product.macs for product in self.products if product.in_int8) / total if total else 0.0

    @property
    def in_float(self) -> tuple[ExecutedProduct, ...]:
        """Products that did not run in INT8, the largest first."""
        return tuple(sorted((one for one in self.products if not one.in_int8), key=lambda one: -one.macs))


def measure_mac_share(path: Path, graph: Graph, feed: Feed) -> MacShare:
    """Run the graph at `path`, of which `graph` holds the nodes, once under ONNX Runtime's profiler.

    Raises ValueError with one clause if it does not run, or ran products that are not understood.
    """
    with tempfile.TemporaryDirectory(prefix="libra-edge-profile-") as scratch:
        session = GraphSession(path, profile=Path(scratch) / "profile")
        session.run(feed)
        events = json.loads(session.end_profile().read_text(encoding="utf-8"))
    return MacShare(tuple(executed_products(events, graph)))


def executed_products(events: list[dict[str, Any]], graph: Graph) -> list[ExecutedProduct]:
    """The products among the events of a profile of one run."""
    kernels = kernel_sizes(graph)
    products = []
    for event in events:
        if event.get("cat") != "Node" or not event["name"].endswith(END_OF_NAME):
            continue
        name, operator = event["name"].removesuffix(END_OF_NAME), event["args"]["op_name"]
        if operator in CONVOLUTIONS:
            macs = math.prod(_shape(event, "output")) * kernel_of(name, kernels)
            products.append(ExecutedProduct(name, operator, macs))
        elif operator in INT8_PRODUCTS | FLOAT_PRODUCTS:
            macs = matrix_macs(_shape(event, "input"), _shape(event, "output"))
            products.append(ExecutedProduct(name, operator, macs))
    return products


def matrix_macs(left: tuple[int, ...], output: tuple[int, ...]) -> int:
    """Output [..., M, N] from a left side of [..., M, K], either way round: M * N * K, times the batch."""
    if len(output) < len(left):  # by a vector on the right: there is no N
        return math.prod(left)
    batch = output[: len(output) - len(left)]  # what the left side lacks, it is repeated for
    return math.prod(batch) * math.prod(left) * output[-1]


def kernel_sizes(graph: Graph) -> dict[str, int]:
    """Convolution's name -> multiply-adds for one value of its output. Raises ValueError if a shape is not known."""
    sizes = {}
    types = graph.tensor_types()
    for node in graph.nodes:
        if node.op_type == "Conv":
            shape = types.get(node.input[1], (0, None))[1]
            if shape is None:
                raise ValueError(f"has the convolution {node.name!r} with a weight of no known shape")
            sizes[node.name] = math.prod(shape[1:])
    return sizes


def kernel_of(name: str, kernels: dict[str, int]) -> int:
    """Of the convolution that was executed as `name`. Raises ValueError if the graph has none that begins so."""
    beginnings = [known for known in kernels if name.startswith(known)]
    if not beginnings:
        raise ValueError(f"was executed with the convolution {name!r}, which the graph does not have")
    return kernels[max(beginnings, key=len)]


def _shape(event: dict[str, Any], which: str) -> tuple[int, ...]:
    """Shape of the first input or the output."""
    (shape,) = event["args"][f"{which}_type_shape"][0].values()
    return tuple(shape)
