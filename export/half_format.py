"""The two 16-bit floating-point types: FP16 has more digits, BF16 the range of FP32."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from onnx import TensorProto, helper

Half = Literal["fp16", "bf16"]


@dataclass(frozen=True, slots=True)
class HalfFormat:
    """One of them.

    Attributes:
        name: as the command line writes it, and as names of tensors end.
        onnx: element type in a graph.
        constraint: as an operator's schema writes it.
        dtype: of numpy, bfloat16 that of `ml_dtypes`.
        largest: the largest finite number.
    """

    name: Half
    onnx: int
    constraint: str
    dtype: np.dtype[Any]
    largest: float


def _dtype(onnx: int) -> np.dtype[Any]:
    return np.dtype(helper.tensor_dtype_to_np_dtype(onnx))


FP16 = HalfFormat("fp16", TensorProto.FLOAT16, "tensor(float16)", _dtype(TensorProto.FLOAT16), 65504.0)
BF16 = HalfFormat(
    "bf16", TensorProto.BFLOAT16, "tensor(bfloat16)", _dtype(TensorProto.BFLOAT16), float.fromhex("0x1.fep127")
)
FORMATS = MappingProxyType({"fp16": FP16, "bf16": BF16})
HALF_TYPES = frozenset(int(form.onnx) for form in FORMATS.values())
