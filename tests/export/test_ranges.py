"""How far INT8 ranges reach: what is observed, and what every method keeps to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from onnx import TensorProto, helper

from libra_edge.export.graph import Graph
from libra_edge.export.progress import SilentProgress
from libra_edge.export.ranges import BINS, LEVELS, Activation, Method, Watch, observe, range_of
from libra_edge.export.session import GraphSession
from tests.export.small_graphs import Feed, graph_of, layered, random
from tests.graph_builder import GraphBuilder

FEEDS: list[Feed] = [{"image": size * random(1, 3, 8, 8, size)[..., 0]} for size in (1, 3, 2)]
METHODS: tuple[Method, ...] = ("min-max", "percentile", "entropy")
Values = NDArray[np.float32]

magnitudes = hnp.arrays(np.float32, st.integers(1, 200), elements=st.floats(0, 2**20, width=32, allow_subnormal=False))


def seen(values: NDArray[Any]) -> Activation:
    """An activation that took these values."""
    largest = float(np.abs(values).max())
    histogram = np.histogram(np.abs(values), BINS, (0.0, largest or 1.0))[0].astype(np.int64)
    return Activation(largest, np.abs(values).reshape(-1, values.shape[-1]).max(axis=0), histogram)


def outputs_of(name: str) -> list[Values]:
    """Every sample's value of a tensor of `layered`, from a session that gives out nothing else."""
    graph = layered()
    graph.outputs = [helper.make_empty_tensor_value_info(name)]
    session = GraphSession(graph)
    return [np.asarray(session.run(feed)[name]) for feed in FEEDS]


@pytest.mark.parametrize("tensor", ["transpose_3", "conv_0", "image"])
def test_observing_one_sample_after_the_other_sees_what_all_at_once_show(tensor: str) -> None:
    found = observe(layered(), {"it": Watch(tensor)}, FEEDS, SilentProgress())["it"]
    values = np.stack([feed["image"] for feed in FEEDS] if tensor == "image" else outputs_of(tensor))
    expected = seen(values)
    assert found.largest == expected.largest
    np.testing.assert_array_equal(found.largest_by_channel, expected.largest_by_channel)
    np.testing.assert_array_equal(found.histogram, expected.histogram)
    assert found.histogram.sum() == values.size


def test_a_convolution_is_observed_without_its_bias() -> None:
    graph = layered()
    bias = graph.weights["constant_1"].read()
    found = observe(graph, {"product": Watch("conv_0", bias)}, FEEDS, SilentProgress())["product"]
    values = np.stack(outputs_of("conv_0")) - bias[:, np.newaxis, np.newaxis]
    assert found.largest == pytest.approx(float(np.abs(values).max()), rel=1e-6)
    assert found.largest != observe(graph, {"it": Watch("conv_0")}, FEEDS, SilentProgress())["it"].largest


def scaled(factor: float) -> Graph:
    graph = GraphBuilder("scaled")
    x = graph.input("x", TensorProto.FLOAT, [1, 4])
    graph.output("out", graph.node("Log", graph.node("Mul", x, np.float32(factor))), [1, 4])
    return graph_of(graph.model())


def test_what_is_not_finite_is_named() -> None:
    feeds: list[Feed] = [{"x": np.array([[1, 2, value, 1]], np.float32)} for value in (1, 0, 3)]
    with pytest.raises(ValueError, match=r"^gives 'log_1' that is not finite for a calibration sample$"):
        observe(scaled(1.0), {"it": Watch("log_1")}, feeds, SilentProgress())


@pytest.mark.parametrize("factor", [0.0, 1e-40, 1e-44])
def test_an_activation_that_is_nothing_has_a_range_all_the_same(factor: float) -> None:
    feeds: list[Feed] = [{"x": np.ones((1, 4), np.float32)}]
    found = observe(scaled(factor), {"it": Watch("mul_0")}, feeds, SilentProgress())["it"]
    assert found.histogram.sum() == 4
    for method in METHODS:
        assert 0 <= range_of(found, method, 99.9) <= found.largest


@given(values=magnitudes, percentile=st.floats(50.1, 100))
def test_no_method_reaches_beyond_the_largest(values: Values, percentile: float) -> None:
    activation = seen(values)
    for method in METHODS:
        assert 0 <= range_of(activation, method, percentile) <= activation.largest
    assert range_of(activation, "min-max", percentile) == activation.largest


@given(values=magnitudes)
def test_the_whole_of_a_percentile_is_min_max(values: Values) -> None:
    assert range_of(seen(values), "percentile", 100) == seen(values).largest


@given(values=magnitudes, percentile=st.floats(50.1, 100))
def test_a_percentile_covers_that_share_and_no_bin_more(values: Values, percentile: float) -> None:
    activation = seen(values)
    reach = range_of(activation, "percentile", percentile)
    if not activation.largest:
        return
    bins = round(reach / activation.largest * BINS)
    share = np.cumsum(activation.histogram) / activation.histogram.sum()
    assert share[bins - 1] >= percentile / 100
    assert bins == 1 or share[bins - 2] < percentile / 100


@settings(max_examples=25, deadline=None)
@given(values=magnitudes)
def test_entropy_keeps_at_least_as_many_bins_as_there_are_levels(values: Values) -> None:
    activation = seen(values)
    reach = range_of(activation, "entropy", 100)
    assert activation.largest * LEVELS / BINS <= reach <= activation.largest


@settings(max_examples=25, deadline=None)
@given(values=magnitudes, power=st.integers(-20, 20), method=st.sampled_from(METHODS))
def test_a_range_grows_as_its_activation_does(values: Values, power: int, method: Method) -> None:
    """Powers of two are exact, so that every value stays in its bin."""
    factor = 2.0**power
    grown = range_of(seen((values * factor).astype(np.float32)), method, 99.0)
    assert grown == pytest.approx(factor * range_of(seen(values), method, 99.0), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(values=magnitudes, zeros=st.integers(1, 100_000))
def test_zeros_tell_entropy_nothing(values: Values, zeros: int) -> None:
    """Behind a Relu half of all values are 0, and need no level of their own."""
    activation = seen(values)
    silent = Activation(activation.largest, activation.largest_by_channel, activation.histogram.copy())
    silent.histogram[0] += zeros
    assert range_of(silent, "entropy", 100) == range_of(activation, "entropy", 100)


def test_entropy_gives_up_a_lonely_outlier_and_keeps_what_is_spread_evenly() -> None:
    bell = np.random.default_rng(0).standard_normal(200_000).astype(np.float32)
    alone = range_of(seen(np.append(bell, np.float32(100))), "entropy", 100)
    assert np.abs(bell).max() / 3 < alone < 10
    even = np.linspace(0, 1, 100_000, dtype=np.float32)
    assert range_of(seen(even), "entropy", 100) == pytest.approx(1.0, abs=0.01)
