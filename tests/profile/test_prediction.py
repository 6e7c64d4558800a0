"""From work and peaks to times: bounds that hold, boards that are known, and what a reader is told of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.errors import ConfigError
from libra_edge.profiling.boards import all_boards, chosen_boards, this_board
from libra_edge.profiling.cost_model import (
    Coefficients,
    CostModel,
    expected_seconds,
    ideal_seconds,
    least_seconds,
    onnxruntime_costs,
)
from libra_edge.profiling.document import PredictionEntry
from libra_edge.profiling.executed_work import Task
from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.layer_entries import layer_fields
from libra_edge.profiling.layer_headline import layer_headline
from libra_edge.profiling.peaks import Peaks
from libra_edge.profiling.prediction import predicted_on
from libra_edge.profiling.roofline import bound_of, stage_roof
from libra_edge.profiling.side_by_side import Calls
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.profiling.stage_prediction import StagePrediction, by_system
from libra_edge.profiling.system_calls import Span, SystemCall
from tests.profile.made_document import PREDICTED, made_document, made_layers
from tests.profile.made_log import MS, made_side
from tests.profile.small_graphs import attention_graph, int8_product_graph, product_graph

PEAKS = Peaks({"fp32": 1e11, "int8": 4e11}, ((1_000, 1e11), (1_000_000, 1e10)))
FLAT = Peaks({"fp32": 1e11}, ((1, 1e10),))


def task(kind: str = "product", **fields: object) -> Task:
    known = {"flops": 1000, "rows": 4, "elements": 10, "weight_bytes": 100, "tensor_bytes": 100}
    return Task("a task", kind, precision="fp32", **{**known, **fields})  # type: ignore[arg-type]


def test_bandwidth_lies_between_those_of_two_sizes_and_is_constant_beyond_them() -> None:
    assert PEAKS.bytes_per_s(10) == PEAKS.bytes_per_s(1_000) == 1e11
    assert PEAKS.bytes_per_s(1e9) == PEAKS.bytes_per_s(1_000_000) == 1e10
    assert PEAKS.bytes_per_s(31_623) == pytest.approx((1e11 + 1e10) / 2, rel=1e-4), "halfway by the logarithm"
    assert FLAT.bytes_per_s(1e6) == 1e10


def test_a_precision_that_was_not_measured_is_bounded_by_the_fastest() -> None:
    assert (PEAKS.flops_per_s("fp32"), PEAKS.flops_per_s("fp64")) == (1e11, 4e11)


@given(flops=st.floats(0, 1e12), size=st.floats(0, 1e9), calls=st.integers(1, 10))
def test_a_layer_is_bound_by_what_takes_longer(flops: float, size: float, calls: int) -> None:
    bound = bound_of(Layer("s", "n", "MatMul", "fp32", 1.0, flops, size), PEAKS, calls)
    assert bound is not None
    compute_ms, memory_ms = 1e3 * flops / 1e11, 1e3 * size / PEAKS.bytes_per_s(size / calls)
    assert bound.ms == pytest.approx(max(compute_ms, memory_ms))
    assert bound.by == ("compute" if compute_ms > memory_ms else "memory")


def test_a_stage_is_held_against_what_is_known_of_its_layers() -> None:
    layers = (
        Layer("s", "fast", "MatMul", "fp32", 2.0, 1e8, 10.0),
        Layer("s", "moves", "Transpose", "fp32", 3.0, 0.0, 1e7),
        Layer("s", "unknown", "Custom", "fp32", 9.0, None, None),
        Layer("s", "untimed", "MatMul", "fp32", None, 1e8, 10.0),
    )
    roof = stage_roof(StageLayers("s", layers, calls=1, run_ms=14.0, profiler_us=0.0), PEAKS)
    assert (roof.layers_ms, roof.memory_ms) == (5.0, 3.0)
    assert roof.bound_ms == pytest.approx(1.0 + 1.0)


def test_times_are_added_on_one_core_and_overlap_on_a_gpu() -> None:
    lost = Coefficients(compute=2.0, weights=3.0, tensors=4.0, constant_us=1.0)
    one = task(flops=10**6, weight_bytes=10**5, tensor_bytes=10**5)
    ideal = ideal_seconds(one, FLAT, 10**5)
    assert (ideal.compute, ideal.weights, ideal.tensors) == (1e-5, 1e-5, 1e-5)
    added = CostModel(combine="sum", run_us=5.0, kinds={"product.fp32": lost})
    assert expected_seconds([one], FLAT, added) == pytest.approx(9e-5 + 1e-6 + 5e-6)
    longest = CostModel(combine="longest", kinds={"product.fp32": lost})
    assert expected_seconds([one], FLAT, longest) == pytest.approx(7e-5 + 1e-6)


def test_work_that_is_no_product_counts_its_elements_and_its_weights_as_tensors() -> None:
    ideal = ideal_seconds(task("softmax", elements=1000, weight_bytes=50, tensor_bytes=50), FLAT, 10**9)
    assert (ideal.compute, ideal.weights, ideal.tensors) == (1e-8, 0.0, 1e-8)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=5))
def test_nothing_is_expected_below_the_least(works: list[tuple[int, int, int]]) -> None:
    tasks = [task(flops=f, weight_bytes=w, tensor_bytes=t) for f, w, t in works]
    outside = sum(one.tensor_bytes for one in tasks)
    for board in all_boards().values():
        least = least_seconds(tasks, board.peaks, outside)
        assert expected_seconds(tasks, board.peaks, board.costs) >= least


def test_every_kind_of_work_has_its_losses_on_every_machine() -> None:
    kinds = ("pointwise", "function", "softmax", "norm", "reduce", "quantise", "turned", "cut", "view")
    products = ("product", "batched", "convolution")
    for costs in (onnxruntime_costs(), *(board.costs for board in all_boards().values())):
        for kind in (*kinds, *products):
            assert costs.seconds(task(kind), PEAKS, 100) >= 0
        int8 = Task("t", "product", "int8", 10**9, 4, 10, 0, 0)
        assert costs.seconds(int8, PEAKS, 0) > 0


def test_boards_are_found_by_name_once_each_and_others_are_refused() -> None:
    chosen = chosen_boards(" orin-nx-16, orin-agx-64,orin-nx-16")
    assert [board.name for board in chosen] == ["orin-nx-16", "orin-agx-64"]
    assert chosen_boards("") == ()
    with pytest.raises(ConfigError, match="no board 'pi-5'; known are orin-agx-64, orin-nx-16, orin-nano-super"):
        chosen_boards("orin-nx-16,pi-5")


def test_a_board_knows_itself(tmp_path: Path) -> None:
    model = tmp_path / "model"
    assert this_board(model) is None
    for text, name in (
        ("NVIDIA Jetson AGX Orin Developer Kit\0", "orin-agx-64"),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit\0", "orin-nx-16"),
        ("NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0", "orin-nano-super"),
    ):
        model.write_text(text, encoding="utf-8")
        board = this_board(model)
        assert board is not None
        assert board.name == name
    model.write_text("Raspberry Pi 5", encoding="utf-8")
    assert this_board(model) is None


def test_published_efficiencies_give_the_published_rates() -> None:
    board = all_boards()["orin-agx-64"]
    large = 10**12
    for precision, published in (("int8", 38.7e12), ("fp16", 29.9e12)):
        product = Task("t", "product", precision, large, 4096, 10, 0, 0)
        assert large / board.costs.seconds(product, board.peaks, 0) == pytest.approx(published, rel=0.01)
    moved = Task("t", "cut", "fp16", 0, 0, 10, 0, large)
    assert large / board.costs.seconds(moved, board.peaks, 0) == pytest.approx(97e9, rel=0.01)


def test_a_small_graph_costs_its_layers_on_a_board(tmp_path: Path) -> None:
    board = all_boards()["orin-agx-64"]
    graph = StageGraph("a_stage", "plan", int8_product_graph(tmp_path / "g.onnx"), 3)
    (stage,) = predicted_on(board, [graph])
    assert stage.expected_ms == pytest.approx(3 * 2 * 3e-3, rel=0.01), "two tasks of 3 us, three times"
    outside, weights = 4 * (4 * 8 + 4 * 16), 8 * 16 + 4 * 16 + 5  # a scale and a zero point
    assert stage.least_ms == pytest.approx(3 * 1e3 * (outside + weights) / 204.8e9)


def test_plan_and_chunk_are_the_sums_of_their_engines(tmp_path: Path) -> None:
    assert by_system(PREDICTED) == {"plan": (1.0, 4.0), "chunk": (2.5, 5.0)}
    graphs = [
        StageGraph("one", "chunk", product_graph(tmp_path / "a.onnx"), 1),
        StageGraph("two", "chunk", attention_graph(tmp_path / "b.onnx"), 1),
    ]
    stages = predicted_on(all_boards()["orin-nx-16"], graphs)
    sums = by_system(stages)["chunk"]
    assert sums == (sum(stage.least_ms for stage in stages), sum(stage.expected_ms for stage in stages))
    assert isinstance(stages[0], StagePrediction)


def test_the_document_says_how_far_off_the_guess_for_this_machine_is() -> None:
    document = made_document()
    here, board = document.predictions["this-machine"], document.predictions["a-board"]
    measured = here.stages["planner_engine"].measured_ms
    assert measured is not None
    assert here.plan.error_percent == pytest.approx(100 * (4.0 / measured - 1))
    assert (board.plan.measured_ms, board.plan.error_percent) == (None, None)
    assert any("A Board" in line.text and line.look == "open" for line in document.headline)


def test_the_document_holds_layers_against_their_stage_and_the_machine() -> None:
    document = made_document()
    (sums,) = document.layer_sums
    assert sums.layers_ms == pytest.approx(4.65)
    assert sums.difference_percent == pytest.approx(100 * abs(4.65 - sums.stage_ms) / sums.stage_ms)
    assert sum(layer.share or 0 for layer in document.layers) == pytest.approx(1.0)
    assert document.roofline is not None
    assert document.roofline.stages["planner_engine"].bound_ms == pytest.approx(30 * 1e-3)
    assert document.layers[0].bound_by == "compute"


@pytest.mark.parametrize(("measured_ms", "look"), [(1.3, "good"), (1.5, "warn")])
def test_a_prediction_that_is_far_off_is_a_warning(measured_ms: float, look: str) -> None:
    off = 100 * (1.0 / measured_ms - 1)
    near = {"least_ms": 0.1, "expected_ms": 1.0, "measured_ms": 1.0, "error_percent": 0.0}
    far = {**near, "measured_ms": measured_ms, "error_percent": off}
    one = PredictionEntry.model_validate({"title": "this machine", "plan": near, "chunk": far, "stages": {}})
    (line,) = layer_headline((), None, {"this-machine": one})
    assert line.look == look


def test_layers_are_held_against_calls_in_turns_with_them_where_there_were_any() -> None:
    call = SystemCall("planner", 0, 6 * MS, (Span("planner", 0, 5 * MS),))
    found = replace(made_layers(), in_turns=Calls((call,), ()))
    (sums,) = layer_fields(found, made_side().alone)["layer_sums"]
    assert sums.stage_ms == 5.0
    (apart,) = layer_fields(made_layers(), made_side().alone)["layer_sums"]
    assert apart.stage_ms != 5.0


def test_layers_that_were_not_timed_are_announced() -> None:
    document = made_document(layers=None, why_no_layers="the Python package 'onnx' is not installed")
    assert (document.layers, document.roofline, document.predictions) == ((), None, {})
    assert any("not timed, the Python package 'onnx'" in line.text for line in document.headline)
