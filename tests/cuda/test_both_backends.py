"""One suite over both backends: what planner and refiner give does not depend on what computes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.bundle import open_bundle
from libra_edge.chunk_noise import chunk_noise
from libra_edge.errors import EngineError
from libra_edge.messages import Int64, Observation
from libra_edge.policy_files import PolicyFiles
from libra_edge.protocols import Engine
from libra_edge.runtime.denoiser import Denoiser, EngineDenoiser
from libra_edge.runtime.engine_onnxruntime import load_onnxruntime_engines
from libra_edge.runtime.graph_inputs import camera_inputs, state_input
from libra_edge.runtime.planner import EnginePlanner
from libra_edge.runtime.refiner import EngineRefiner
from tests.cuda.software_cuda import SoftwareCuda
from tests.cuda.software_device import Device, loaded_on
from tests.models import write_tiny_bundle
from tests.runtime_policy.fakes import an_observation

INSTRUCTION: Int64 = np.array([[2, 6, 7, 11, 0, 0, 0, 0]])
SHAPE = (1, 5, 6)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PolicyFiles:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")).policy_files("cpu")


@dataclass
class Backend:
    planner: Engine
    denoiser: Denoiser


@pytest.fixture(params=["onnxruntime", "tensorrt, own memory", "tensorrt, shared memory"])
def backend(request: pytest.FixtureRequest, files: PolicyFiles, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "onnxruntime":
        yield on_onnxruntime(files)
        return
    device = Device(SoftwareCuda(integrated="shared" in request.param))
    with loaded_on(device, files, tmp_path) as loaded:
        yield Backend(loaded.planner, loaded.denoiser)
    assert device.cuda.violations == []
    assert device.cuda.memory.blocks == {}


def on_onnxruntime(files: PolicyFiles) -> Backend:
    engines = load_onnxruntime_engines(files)
    steps = files.spec.policy.denoising_steps
    return Backend(engines.planner, EngineDenoiser(engines.refiner_encoder, engines.refiner_step, steps))


def observations() -> list[Observation]:
    """Two that differ in pictures and joints."""
    seen = an_observation()
    darker = {name: replace(frame, image=frame.image // 4) for name, frame in seen.frames.items()}
    return [seen, Observation(darker, replace(seen.joints, position=seen.joints.position + 0.1))]


def planner_inputs(files: PolicyFiles) -> dict[str, Any]:
    spec, seen = files.spec, an_observation()
    inputs: dict[str, Any] = {**camera_inputs(seen, spec.cameras_of("planner"), "planner"), "instruction": INSTRUCTION}
    return {**inputs, "state": state_input(seen, spec)} if "state" in spec.inputs.planner else inputs


def test_both_give_the_same_tokens_and_chunks_to_the_bit(backend: Backend, files: PolicyFiles) -> None:
    reference, spec = on_onnxruntime(files), files.spec
    planner, refiner = EnginePlanner(backend.planner, spec), EngineRefiner(backend.denoiser, spec)
    known_planner, known_refiner = EnginePlanner(reference.planner, spec), EngineRefiner(reference.denoiser, spec)
    chunks = []
    for number, seen in enumerate(observations()):
        tokens = planner.plan(seen, INSTRUCTION)
        np.testing.assert_array_equal(tokens, known_planner.plan(seen, INSTRUCTION))
        noise = chunk_noise(3, number, SHAPE)
        chunks.append(refiner.refine(seen, tokens[:5], 2, noise))
        np.testing.assert_array_equal(chunks[-1], known_refiner.refine(seen, tokens[:5], 2, noise))
    assert not np.array_equal(chunks[0], chunks[1])


def test_what_was_given_out_does_not_change_with_the_next_run(backend: Backend, files: PolicyFiles) -> None:
    inputs = planner_inputs(files)
    first = backend.planner.run(inputs)["logits"]
    kept = first.copy()
    darker = {name: array // 4 if name.startswith("image") else array for name, array in inputs.items()}
    assert not np.array_equal(backend.planner.run(darker)["logits"], kept)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (None, "input 'instruction' is missing"),
        (INSTRUCTION.astype(np.int32), "int32 .* the graph takes int64"),
        (INSTRUCTION[:, :3], r"\[1, 3\], the graph takes int64 \[1, 8\]"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(backend: Backend, files: PolicyFiles, spoilt: Any, sentence: str) -> None:
    inputs = planner_inputs(files)
    del inputs["instruction"]
    if spoilt is not None:
        inputs["instruction"] = spoilt
    with pytest.raises(EngineError, match=sentence):
        backend.planner.run(inputs)
