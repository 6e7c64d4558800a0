"""The synthetic model: it fits the contract, has the size asked for, is the same every time, and listens and sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from libra_edge.calibration.samples import CalibrationSamples, read_samples
from libra_edge.errors import LibraEdgeError
from libra_edge.export.graphs import load_graphs
from libra_edge.export.policy_graphs import PlannerGraph, RefinerGraphs
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import ModelDirectory, open_model_directory
from training.streamed_graph import INLINE_BYTES
from training.synthetic_model import write_synthetic_model
from training.synthetic_planner import planner_size
from training.synthetic_refiner import HINT, NOISE_SHARE

ASKED = 1e6


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "model"
    write_synthetic_model(out, ASKED)
    return out


@pytest.fixture(scope="module")
def directory(written: Path) -> ModelDirectory:
    return open_model_directory(written)


@pytest.fixture(scope="module")
def samples(directory: ModelDirectory) -> CalibrationSamples:
    return read_samples(directory.calibration, directory.spec)


@pytest.fixture(scope="module")
def planner(directory: ModelDirectory) -> PlannerGraph:
    return PlannerGraph(directory.graph("planner"), directory.spec, LibraEdgeError)


@pytest.fixture(scope="module")
def refiner(directory: ModelDirectory) -> RefinerGraphs:
    encoder, step = directory.graph("refiner_encoder"), directory.graph("refiner_step")
    return RefinerGraphs(encoder, step, directory.spec, LibraEdgeError)


def tokens(planner: PlannerGraph, samples: CalibrationSamples, **rows: int) -> NDArray[np.int64]:
    """Tokens of sample 0, with the inputs named in `rows` taken from other samples."""
    feed = samples.feed(0, planner.inputs)
    for name, row in rows.items():
        feed.update(samples.feed(row, [name]))
    found: NDArray[np.int64] = planner.logits(feed).argmax(-1)
    return found


def test_it_is_a_model_directory(directory: ModelDirectory) -> None:
    counted = load_graphs(directory, SilentProgress()).parameters["planner"]
    assert counted == pytest.approx(ASKED, rel=0.1)


def test_samples_are_as_many_of_each_kind_as_asked_for(samples: CalibrationSamples) -> None:
    assert np.count_nonzero(samples.holdout) == np.count_nonzero(~samples.holdout) == 16


@pytest.mark.parametrize("asked", [1e6, 1e7, 1e8, 3e8, 1e9, 2.2e9])
def test_a_size_is_near_what_was_asked_for_and_shaped_like_a_planner(asked: float) -> None:
    size = planner_size(asked)
    assert size.parameters == pytest.approx(asked, rel=0.1)
    assert 30 <= size.width / size.depth <= 170


def test_the_size_promised_is_the_size_written(directory: ModelDirectory) -> None:
    counted = load_graphs(directory, SilentProgress()).parameters["planner"]
    assert counted == pytest.approx(planner_size(ASKED).parameters, rel=0.002)


def test_too_few_parameters_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no planner of 1000 parameters"):
        write_synthetic_model(tmp_path / "out", 1000)
    assert list(tmp_path.iterdir()) == []


def test_the_same_arguments_give_the_same_bytes_and_another_seed_does_not(written: Path, tmp_path: Path) -> None:
    write_synthetic_model(tmp_path / "again", ASKED)
    write_synthetic_model(tmp_path / "other", ASKED, seed=1)
    first, again, other = (
        {file.name: file.read_bytes() for file in folder.iterdir()}
        for folder in (written, tmp_path / "again", tmp_path / "other")
    )
    assert again == first
    assert other["planner.onnx.data"] != first["planner.onnx.data"]
    assert other["calibration.npz"] != first["calibration.npz"]


def test_large_weights_lie_beside_the_graph_each_on_a_page(written: Path) -> None:
    graph = onnx.load(written / "planner.onnx", load_external_data=False).graph
    places = [
        {entry.key: entry.value for entry in tensor.external_data}
        for tensor in graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    ]
    assert len(places) > 10
    assert {place["location"] for place in places} == {"planner.onnx.data"}
    assert all(int(place["offset"]) % 4096 == 0 for place in places)
    assert max(len(tensor.raw_data) for tensor in graph.initializer) < INLINE_BYTES


def test_onnx_runtime_maps_the_weights_and_computes_the_same(
    written: Path, planner: PlannerGraph, samples: CalibrationSamples
) -> None:
    options = ort.SessionOptions()
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    feed = samples.feed(0, planner.inputs)
    plain = ort.InferenceSession(str(written / "planner.onnx"), options).run(None, feed)[0][0]
    np.testing.assert_allclose(planner.logits(feed), plain, atol=1e-2)


def test_the_plan_follows_words_picture_and_step(planner: PlannerGraph, samples: CalibrationSamples) -> None:
    words = samples.arrays["instruction"]
    other = next(row for row in range(len(words)) if not np.array_equal(words[row], words[0]))
    said = tokens(planner, samples)
    assert np.mean(tokens(planner, samples, instruction=other) != said) > 0.2
    seen = [tokens(planner, samples, image_front=row) for row in range(1, 9)]
    assert np.mean(np.stack(seen)[..., ::2] != said[..., ::2]) > 0.15
    assert len(np.unique(said, axis=0)) > 1


def test_margins_are_decisive_and_activations_sane(planner: PlannerGraph, samples: CalibrationSamples) -> None:
    """A bin's middle is half a unit of logit ahead of its neighbours."""
    logits = np.stack([planner.logits(samples.feed(row, planner.inputs)) for row in range(16)])
    ordered = np.sort(logits, axis=-1)
    assert np.mean(ordered[..., -1] - ordered[..., -2] > 0.1) > 0.9
    assert np.abs(logits).max() < 100


def test_the_refiner_heeds_the_plan_and_the_noise(refiner: RefinerGraphs, samples: CalibrationSamples) -> None:
    feed = samples.feed(0, refiner.inputs)
    hinted = HINT * ((feed["tokens"][0] + 0.5) / 10 * 2 - 1)
    actions = refiner.actions(feed)
    left = NOISE_SHARE / (1 + NOISE_SHARE)
    expected = hinted + left * (feed["sample"][0] - hinted)
    assert 0 < np.abs(actions - expected).max() <= 0.05 + 1e-5
