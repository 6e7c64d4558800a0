"""One weight of a graph, read when it is needed: a planner of billions of weights never lies in memory whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class FilePart:
    """Where a weight's bytes lie in an external data file, little-endian and without padding."""

    path: Path
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """An initialiser.

    Attributes:
        dtype, shape: of the array; bfloat16 is that of `ml_dtypes`.
        read: makes the array anew at each call; it may be mapped from a file and must not be written to.
        part: where the very same bytes lie in an external data file, if they do.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    read: Callable[[], Array]
    part: FilePart | None = None

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


def of_array(array: Array) -> Weight:
    """A weight that lies in memory; for small ones."""
    kept = np.ascontiguousarray(array).reshape(array.shape)
    return Weight(kept.dtype, kept.shape, lambda: kept)


def of_tensor(tensor: TensorProto) -> Weight:
    """A weight whose bytes lie inside the graph's file."""
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    return Weight(dtype, tuple(tensor.dims), lambda: numpy_helper.to_array(tensor))


def of_file(dtype: np.dtype[Any], shape: tuple[int, ...], part: FilePart) -> Weight:
    """A weight mapped from its file at each reading, so that its pages are free again afterwards."""

    def read() -> Array:
        if not math.prod(shape):
            return np.zeros(shape, dtype)
        return np.memmap(part.path, dtype, "r", part.offset, shape)

    return Weight(dtype, shape, read, part)


def derived(weight: Weight, function: Callable[[Array], Array]) -> Weight:
    """`function` of a weight, of the same dtype and shape, computed when it is read."""
    return Weight(weight.dtype, weight.shape, lambda: function(weight.read()))


def transposed(weight: Weight) -> Weight:
    """A matrix with its two axes swapped."""
    rows, columns = weight.shape
    return Weight(weight.dtype, (columns, rows), lambda: np.ascontiguousarray(weight.read().T))
