"""Planner and refiner over ONNX Runtime, with the tiny bundle: what goes in, what comes out, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.chunk_noise import chunk_noise
from libra_edge.errors import EngineError, PolicyFilesError
from libra_edge.messages import Float32, Int64, Observation
from libra_edge.model_spec import ModelSpec
from libra_edge.runtime.denoiser import EngineDenoiser
from libra_edge.runtime.engine_onnxruntime import OnnxRuntimeEngine, load_onnxruntime_engines
from libra_edge.runtime.engines import Engines
from libra_edge.runtime.planner import EnginePlanner
from libra_edge.runtime.refiner import EngineRefiner
from tests.models import write_tiny_bundle
from tests.runtime_policy.fakes import ROBOT, a_spec, an_observation

INSTRUCTION: Int64 = np.array([[2, 6, 7, 11, 0, 0, 0, 0]])
NOISE: Float32 = chunk_noise(3, 0, (1, 5, 6))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


@pytest.fixture(scope="module")
def engines(bundle: Bundle) -> Engines:
    return load_onnxruntime_engines(bundle.policy_files("cpu"))


def test_the_planner_gives_tokens_that_depend_on_words_and_pictures(bundle: Bundle, engines: Engines) -> None:
    planner = EnginePlanner(engines.planner, bundle.spec)
    tokens = planner.plan(an_observation(), INSTRUCTION)
    assert tokens.shape == (10, 6)
    assert tokens.dtype == np.int64
    assert 0 <= tokens.min() <= tokens.max() < bundle.spec.policy.bins
    colours = {
        planner.plan(an_observation(), INSTRUCTION + colour * (INSTRUCTION == 7)).tobytes() for colour in range(4)
    }
    assert len(colours) > 1
    darker = {name: replace(frame, image=frame.image // 4) for name, frame in an_observation().frames.items()}
    assert not np.array_equal(tokens, planner.plan(Observation(darker, an_observation().joints), INSTRUCTION))


def test_the_planner_is_handed_pixels_as_they_are_and_joints_in_radians() -> None:
    spec = a_spec()
    engine = ScriptedEngine({"logits": np.eye(10, dtype=np.float32)[np.arange(60) % 10].reshape(1, 10, 6, 10)})
    seen = an_observation(ROBOT.high)
    tokens = EnginePlanner(engine, spec).plan(seen, INSTRUCTION)
    np.testing.assert_array_equal(tokens.ravel(), np.arange(60) % 10)
    np.testing.assert_array_equal(engine.calls[0]["image_wrist"][0], seen.frames["wrist"].image)
    np.testing.assert_allclose(engine.calls[0]["state"], ROBOT.high[np.newaxis], rtol=1e-6)
    np.testing.assert_array_equal(engine.calls[0]["instruction"], INSTRUCTION)


def test_the_refiner_gives_goals_in_radians_that_follow_the_tokens_and_the_noise(
    bundle: Bundle, engines: Engines
) -> None:
    refiner = EngineRefiner(
        EngineDenoiser(engines.refiner_encoder, engines.refiner_step, bundle.spec.policy.denoising_steps), bundle.spec
    )
    space = bundle.spec.action_space
    for level in (2, 7):
        tokens = np.full((5, 6), level)
        goals = refiner.refine(an_observation(), tokens, 0, NOISE)
        assert goals.dtype == np.float64
        assert np.abs(space.tokens(space.normalise(goals)) - tokens).max() <= 1
        again = refiner.refine(an_observation(), tokens, 0, NOISE)
        np.testing.assert_array_equal(goals, again)
        assert not np.array_equal(goals, refiner.refine(an_observation(), tokens, 0, -NOISE))


@dataclass
class ScriptedEngine:
    """Gives what it is told to, and notes what it was given."""

    results: dict[str, NDArray[Any]]
    name: str = "scripted"
    inputs: Mapping[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    calls: list[dict[str, NDArray[Any]]] = field(default_factory=list)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.calls.append(dict(inputs))
        return self.results


def test_the_encoder_runs_once_and_the_step_k_times_each_on_the_last_sample() -> None:
    spec = a_spec()
    encoder = ScriptedEngine({"features": np.ones((1, 4), np.float32)})
    step = ScriptedEngine({"sample_next": np.full((1, 5, 6), 0.25, np.float32)})
    EngineRefiner(EngineDenoiser(encoder, step, 3), spec).refine(an_observation(), np.zeros((5, 6), np.int64), 3, NOISE)
    assert len(encoder.calls) == 1
    assert encoder.calls[0]["plan_age"].tolist() == [3]
    assert [call["step"].tolist() for call in step.calls] == [[0], [1], [2]]
    np.testing.assert_array_equal(step.calls[0]["sample"], NOISE)
    np.testing.assert_array_equal(step.calls[1]["sample"], np.full((1, 5, 6), 0.25, np.float32))


def test_a_model_without_plan_age_is_not_told_it() -> None:
    encoder = ScriptedEngine({"features": np.ones((1, 4), np.float32)})
    step = ScriptedEngine({"sample_next": NOISE * 0})
    EngineRefiner(EngineDenoiser(encoder, step, 3), a_spec(plan_age=False)).refine(
        an_observation(), np.zeros((5, 6), np.int64), 3, NOISE
    )
    assert set(encoder.calls[0]) == {"image_front", "image_wrist", "state", "tokens"}


def test_values_outside_the_action_range_are_clipped_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    spec = a_spec()
    step = ScriptedEngine({"sample_next": np.full((1, 5, 6), 1.5, np.float32)})
    refiner = EngineRefiner(EngineDenoiser(ScriptedEngine({"features": NOISE}), step, 3), spec)
    for _ in range(3):
        goals = refiner.refine(an_observation(), np.zeros((5, 6), np.int64), 0, NOISE)
    np.testing.assert_allclose(goals, np.tile(ROBOT.high, (5, 1)))
    assert refiner.chunks_clipped == 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_never_leave_the_systems(bad: float) -> None:
    spec = a_spec()
    sample = np.zeros((1, 5, 6), np.float32)
    sample[0, 2, 3] = bad
    refiner = EngineRefiner(
        EngineDenoiser(ScriptedEngine({"features": NOISE}), ScriptedEngine({"sample_next": sample}), 3), spec
    )
    with pytest.raises(EngineError, match="refiner: its chunk is not finite"):
        refiner.refine(an_observation(), np.zeros((5, 6), np.int64), 0, NOISE)
    logits = np.zeros((1, 10, 6, 10), np.float32)
    logits[0, 4, 1, 2] = bad
    with pytest.raises(EngineError, match="planner: its logits are not finite"):
        EnginePlanner(ScriptedEngine({"logits": logits}), spec).plan(an_observation(), INSTRUCTION)


def test_a_picture_of_another_size_and_a_missing_camera_are_refused(bundle: Bundle, engines: Engines) -> None:
    planner = EnginePlanner(engines.planner, bundle.spec)
    seen = an_observation()
    swapped = {**seen.frames, "front": seen.frames["wrist"]}
    with pytest.raises(EngineError, match="'front' gives 424x240 pixels, the model takes 320x180"):
        planner.plan(Observation(swapped, seen.joints), INSTRUCTION)
    with pytest.raises(EngineError, match="camera 'wrist', which the observation lacks"):
        planner.plan(Observation({"front": seen.frames["front"]}, seen.joints), INSTRUCTION)


def test_an_arm_with_another_number_of_joints_is_refused(bundle: Bundle, engines: Engines) -> None:
    with pytest.raises(EngineError, match="5 joints, the model has 6"):
        EnginePlanner(engines.planner, bundle.spec).plan(an_observation(ROBOT.high[:5]), INSTRUCTION)


def test_wrong_inputs_are_refused_by_name(engines: Engines) -> None:
    good = {name: np.zeros(shape, dtype) for name, (dtype, shape) in engines.refiner_step.inputs.items()}
    engines.refiner_step.run(good)
    with pytest.raises(EngineError, match="input 'step' is missing"):
        engines.refiner_step.run({name: array for name, array in good.items() if name != "step"})
    with pytest.raises(EngineError, match=r"input 'sample' is float64 \[1, 5, 6\], the graph takes float32"):
        engines.refiner_step.run({**good, "sample": np.zeros((1, 5, 6))})


def test_a_graph_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "planner.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(PolicyFilesError, match="ONNX Runtime cannot load it"):
        OnnxRuntimeEngine("planner", path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda model: model["policy"].update(bins=12), "planner output 'logits' should be float32 .*12"),
        (lambda model: model["inputs"].update(planner=()), "planner input 'state' should be absent"),
        (lambda model: model["inputs"].update(refiner=("plan_age",)), "input 'plan_age' should be int64 .* is absent"),
        (lambda model: model["camera"][0].update(width=640), "planner input 'image_front' should be uint8"),
        (lambda model: model["instruction"].update(max_tokens=9), "planner input 'instruction' should be int64"),
    ],
)
def test_a_policy_whose_graphs_are_not_what_its_record_says_is_refused(
    bundle: Bundle, change: Any, complaint: str
) -> None:
    model = bundle.spec.model_dump()
    change(model)
    files = replace(bundle.policy_files("cpu"), spec=ModelSpec.model_validate(model))
    with pytest.raises(PolicyFilesError, match=complaint):
        load_onnxruntime_engines(files)


def test_noise_is_a_function_of_seed_and_step() -> None:
    np.testing.assert_array_equal(chunk_noise(1, 5, (1, 5, 6)), chunk_noise(1, 5, (1, 5, 6)))
    for other in (chunk_noise(1, 6, (1, 5, 6)), chunk_noise(2, 5, (1, 5, 6))):
        assert not np.array_equal(chunk_noise(1, 5, (1, 5, 6)), other)
    assert chunk_noise(1, 5, (1, 5, 6)).dtype == np.float32
