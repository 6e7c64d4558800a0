"""What ONNX operators do to numbers: hand them on, choose among them, multiply and sum them, or anything else."""

from __future__ import annotations

MOVES = frozenset(
    {
        *(
            "Compress",
            "Concat",
            "DepthToSpace",
            "Expand",
            "Flatten",
            "Gather",
            "GatherElements",
            "GatherND",
            "Identity",
        ),
        *("Pad", "Reshape", "ReverseSequence", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose"),
        *("Trilu", "Unsqueeze", "Where"),
    }
)
"""Data movement: every number in the output stood in an input of the same type, or is a padding zero."""

TYPE_CHANGES = frozenset({"Cast", "ConstantOfShape", "DequantizeLinear", "QuantizeLinear"})
"""Have a type of their own on either side."""

FLEXIBLE = MOVES | TYPE_CHANGES | {"Constant", "Shape", "Size"}
"""Compute nothing in floating point, so that they take whatever type surrounds them."""

SELECTS = frozenset(
    {"Abs", "Clip", "GlobalMaxPool", "Max", "MaxPool", "Min", "Neg", "ReduceMax", "ReduceMin", "Relu", "Sign"}
)
"""Arithmetic that makes no new numbers, but for a sign: rounded inputs give rounded outputs."""

PRODUCTS = frozenset({"Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul"})
"""Sums of products."""
