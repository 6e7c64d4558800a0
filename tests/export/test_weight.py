"""Weights: where their bytes come from, and that they are read when they are wanted and not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from libra_edge.export.weight import FilePart, Weight, derived, of_array, of_file, of_tensor, transposed
from tests.export.small_graphs import random


def test_a_weight_in_memory_is_contiguous_and_keeps_its_shape() -> None:
    arrays: list[NDArray[Any]] = [random(3, 4).T, np.array(2, np.float32), np.zeros((0, 3), np.int64)]
    for array in arrays:
        weight = of_array(array)
        np.testing.assert_array_equal(weight.read(), array)
        assert weight.read().flags.c_contiguous
        assert (weight.shape, weight.size, weight.nbytes) == (array.shape, array.size, array.nbytes)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.bool_, np.int8, ml_dtypes.bfloat16])
def test_a_weight_within_a_graph(dtype: type) -> None:
    array: NDArray[Any] = (10 * random(2, 3)).astype(dtype)
    weight = of_tensor(numpy_helper.from_array(array, "w"))
    assert (weight.dtype, weight.shape, weight.part) == (array.dtype, (2, 3), None)
    np.testing.assert_array_equal(weight.read(), array)


@pytest.mark.parametrize("shape", [(2, 3), (), (0, 4)])
def test_a_weight_in_a_file_is_mapped(shape: tuple[int, ...], tmp_path: Path) -> None:
    array: NDArray[np.float32] = np.full(shape, 7, np.float32)
    (tmp_path / "data").write_bytes(b"12345" + array.tobytes())
    part = FilePart(tmp_path / "data", 5)
    weight = of_file(array.dtype, shape, part)
    assert weight.part == part
    np.testing.assert_array_equal(weight.read(), array)
    assert not array.size or not weight.read().flags.writeable


def test_what_is_derived_is_computed_when_it_is_read() -> None:
    calls = []

    def read() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        calls.append("read")
        return random(2, 3)

    weight = Weight(np.dtype(np.float32), (2, 3), read)
    negated, turned = derived(weight, np.negative), transposed(weight)
    assert (negated.shape, turned.shape, turned.nbytes) == ((2, 3), (3, 2), 24)
    assert not calls
    np.testing.assert_array_equal(negated.read(), -random(2, 3))
    np.testing.assert_array_equal(turned.read(), random(2, 3).T)
    assert turned.read().flags.c_contiguous
    assert len(calls) == 3
    assert negated.part is turned.part is None
