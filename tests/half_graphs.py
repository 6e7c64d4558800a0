"""Small graphs in ONNX's text form, for tests of 16-bit types: many operators, an attention, a Q/DQ network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, checker, numpy_helper, parser

Array = NDArray[Any]

MANY = """
many (uint8[1,12,12,3] image, float[1,4] state, int64[1,3] words)
  => (float[1,3,16] out, float[1,4] moved, bool[1,3,16] high)
{
    cut = Slice (image, two, ten, axes)
    turned = Transpose <perm = [0, 3, 1, 2]> (cut)
    picture = Cast <to = 1> (turned)
    scaled = Mul (picture, per_level)
    centred = Sub (scaled, half)
    map = Conv <pads = [1, 1, 1, 1]> (centred, kernel, kernel_bias)
    positive = Relu (map)
    doubled = Resize <mode = "linear"> (positive, , twice)
    pooled = MaxPool <kernel_shape = [4, 4], strides = [4, 4]> (doubled)
    seen = Reshape (pooled, seen_shape)
    table_rows = Gather (table, words)
    lengths = Constant <value_floats = [1.0, 2.0, 3.0]> ()
    column = Unsqueeze (lengths, last)
    longer = Mul (table_rows, column)
    normal = LayerNormalization <axis = -1> (longer, gain, bias)
    features = MatMul (normal, matrix)
    square = Pow (features, exponent)
    mean = ReduceMean <keepdims = 1> (square, last)
    safe = Add (mean, epsilon)
    root = Sqrt (safe)
    even = Div (features, root)
    query, key = Split <axis = -1, num_outputs = 2> (even)
    scores = Einsum <equation = "bqd,bkd->bqk"> (query, key)
    allowed = Less (words, five)
    row = Unsqueeze (allowed, middle)
    masked = Where (row, scores, never)
    weights = Softmax <axis = -1> (masked)
    mixed = MatMul (weights, even)
    joined = Concat <axis = 1> (mixed, seen)
    padded = Pad (joined, pads, half)
    few = Slice (padded, zero, three, middle)
    rotated = Sin (few)
    limited = Clip (rotated, low, high_limit)
    most = Max (limited, few, half)
    shape = Shape (most)
    zeros = ConstantOfShape (shape)
    posed = Gemm <transB = 1> (state, pose_matrix, pose_bias)
    wide = Expand (posed, wide_shape)
    strange = IsNaN (most)
    clean = Where (strange, zeros, most)
    out = Add (clean, wide)
    moved = Identity (state)
    high = Greater (clean, half)
}
"""

ATTENTION = """
attention (float[1,4,8] x) => (float[1,4,8] out)
{
    query = MatMul (x, query_matrix)
    turned = Transpose <perm = [0, 2, 1]> (x)
    scores = MatMul (query, turned)
    scaled = Mul (scores, quarter)
    masked = Add (scaled, mask)
    weights = Softmax <axis = -1> (masked)
    mixed = MatMul (weights, x)
    positive = Relu (mixed)
    out = Add (positive, offset)
}
"""

QUANTISED = """
quantised (float[1,3,8,8] x) => (float[1,8,32] out)
{
    x_int8 = QuantizeLinear (x, x_scale, zero)
    x_back = DequantizeLinear (x_int8, x_scale, zero)
    kernel = DequantizeLinear <axis = 0> (kernel_int8, kernel_scales, kernel_zeros)
    map = Conv <pads = [1, 1, 1, 1]> (x_back, kernel)
    map_int8 = QuantizeLinear (map, map_scale, zero)
    map_back = DequantizeLinear (map_int8, map_scale, zero)
    biased = Sub (map_back, negative_bias)
    positive = Relu (biased)
    rows = Reshape (positive, rows_shape)
    rows_int8 = QuantizeLinear (rows, rows_scale, zero)
    rows_back = DequantizeLinear (rows_int8, rows_scale, zero)
    other_int8 = QuantizeLinear (rows, other_scale, zero)
    other_back = DequantizeLinear (other_int8, other_scale, zero)
    matrix = DequantizeLinear <axis = 1> (matrix_int8, matrix_scales, matrix_zeros)
    other_matrix = DequantizeLinear <axis = 1> (other_matrix_int8, matrix_scales, matrix_zeros)
    one = MatMul (rows_back, matrix)
    other = MatMul (other_back, other_matrix)
    out = Sub (one, other)
}
"""


def text_model(text: str, weights: dict[str, Array], opset: int = 21) -> ModelProto:
    """The checked model of a graph in text form, with these weights."""
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["": {opset}]>{text}')
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    checker.check_model(model, full_check=True)
    return model


def many(opset: int = 18) -> ModelProto:
    """Pictures, words and a state through most kinds of operators."""
    rng = np.random.default_rng(1)
    floats = {
        "per_level": np.array(1 / 255),
        "half": np.array(0.5),
        "kernel": rng.standard_normal((2, 3, 3, 3)) / 3,
        "kernel_bias": rng.standard_normal(2),
        "twice": np.array([1, 1, 2, 2]),
        "table": rng.standard_normal((8, 8)),
        "gain": rng.uniform(0.5, 2, 8),
        "bias": rng.standard_normal(8),
        "matrix": rng.standard_normal((8, 16)) / 3,
        "exponent": np.array(2),
        "epsilon": np.array(1e-3),
        "never": np.array(-1e9),
        "low": np.array(-0.9),
        "high_limit": np.array(0.9),
        "pose_matrix": rng.standard_normal((16, 4)),
        "pose_bias": rng.standard_normal(16),
    }
    integers = {
        "two": [2, 2],
        "ten": [10, 10],
        "axes": [1, 2],
        "seen_shape": [1, 2, 16],
        "last": [-1],
        "middle": [1],
        "five": 5,
        "pads": [0, 1, 0, 0, 0, 0],
        "zero": [0],
        "three": [3],
        "wide_shape": [1, 3, 16],
    }
    weights = {name: np.asarray(value, np.float32) for name, value in floats.items()}
    return text_model(MANY, {**weights, **{name: np.array(value, np.int64) for name, value in integers.items()}}, opset)


def many_feed(seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {
        "image": rng.integers(0, 256, (1, 12, 12, 3), dtype=np.uint8),
        "state": rng.standard_normal((1, 4)).astype(np.float32),
        "words": np.array([[1, 3, 7]]),
    }


def attention_weights(mask: float = -1e9) -> dict[str, Array]:
    rng = np.random.default_rng(2)
    later = np.triu(np.full((4, 4), mask), 1)
    weights = {
        "query_matrix": rng.standard_normal((8, 8)) / 2,
        "quarter": np.array(0.25),
        "mask": np.where(np.isnan(later), 0, later),
        "offset": rng.standard_normal(8),
    }
    return {name: value.astype(np.float32) for name, value in weights.items()}


def quantised(opset: int = 21) -> ModelProto:
    """Conv and two MatMuls in INT8; the scales of the two quantisers of one tensor are a rounding error apart."""
    rng = np.random.default_rng(3)

    def integers(*shape: int) -> Array:
        return rng.integers(-127, 128, shape, dtype=np.int8)

    weights: dict[str, Array] = {
        "x_scale": np.array(0.02, np.float32),
        "map_scale": np.array(0.05, np.float32),
        "rows_scale": np.array(0.03, np.float32),
        "other_scale": np.array(np.nextafter(np.float32(0.03), np.float32(1))),
        "zero": np.array(0, np.int8),
        "kernel_int8": integers(8, 3, 3, 3),
        "kernel_scales": rng.uniform(0.001, 0.003, 8).astype(np.float32),
        "kernel_zeros": np.zeros(8, np.int8),
        "matrix_int8": integers(64, 32),
        "other_matrix_int8": integers(64, 32),
        "matrix_scales": rng.uniform(0.001, 0.003, 32).astype(np.float32),
        "matrix_zeros": np.zeros(32, np.int8),
        "negative_bias": rng.standard_normal((8, 1, 1)).astype(np.float32),
        "rows_shape": np.array([1, 8, 64]),
    }
    return text_model(QUANTISED, weights, opset)
