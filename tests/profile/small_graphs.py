"""Graphs whose every number can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, save

from libra_edge.export.graph import Graph
from libra_edge.export.graph_file import read_graph
from tests.graph_builder import GraphBuilder

SCALE, ZERO = np.float32(0.05), np.uint8(128)


def product_graph(path: Path) -> Path:
    """[4, 8] x [8, 16], FP32."""
    builder = GraphBuilder("product")
    given = builder.input("x", TensorProto.FLOAT, [4, 8])
    builder.output("y", builder.node("MatMul", given, np.ones((8, 16), np.float32)), [4, 16])
    save(builder.model(), path)
    return path


def int8_product_graph(path: Path) -> Path:
    """[4, 8] x [8, 16] in INT8, then a bias that is subtracted."""
    builder = GraphBuilder("int8")
    given = builder.input("x", TensorProto.FLOAT, [4, 8])
    left = builder.node("DequantizeLinear", builder.node("QuantizeLinear", given, SCALE, ZERO), SCALE, ZERO)
    right = builder.node("DequantizeLinear", np.ones((8, 16), np.int8), SCALE, np.int8(0))
    product = builder.node("MatMul", left, right)
    builder.output("y", builder.node("Sub", product, np.ones(16, np.float32)), [4, 16])
    save(builder.model(), path)
    return path


def convolution_graph(path: Path) -> Path:
    """3 x 3, from 3 channels to 5, on 8 x 8, with bias and ReLU."""
    builder = GraphBuilder("convolution")
    given = builder.input("x", TensorProto.FLOAT, [1, 3, 8, 8])
    weight, bias = np.ones((5, 3, 3, 3), np.float32), np.ones(5, np.float32)
    layer = builder.node("Conv", given, weight, bias, pads=[1, 1, 1, 1])
    builder.output("y", builder.node("Relu", layer), [1, 5, 8, 8])
    save(builder.model(), path)
    return path


def attention_graph(path: Path) -> Path:
    """Two heads of 6 tokens of 4: scores, scaled, softmax, mix, then a view."""
    builder = GraphBuilder("attention")
    given = builder.input("x", TensorProto.FLOAT, [2, 6, 4])
    scores = builder.node("MatMul", given, builder.node("Transpose", given, perm=[0, 2, 1]))
    scaled = builder.node("Mul", scores, np.float32(0.5))
    mixed = builder.node("MatMul", builder.node("Softmax", scaled, axis=-1), given)
    builder.output("y", builder.node("Reshape", mixed, np.array([12, 4])), [12, 4])
    save(builder.model(), path)
    return path


def graph_of(path: Path) -> Graph:
    """As it is read."""
    return read_graph(path)
