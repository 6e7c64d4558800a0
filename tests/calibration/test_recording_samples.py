"""Samples from recordings: exactly what the refiner was given, or a sentence that says why not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.writer import Writer

from libra_edge.bundle import open_bundle
from libra_edge.calibration import recorded_run
from libra_edge.errors import CalibrationError
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec
from libra_edge.runtime import recording_messages
from libra_edge.runtime.denoiser import EngineDenoiser
from libra_edge.runtime.engine_onnxruntime import load_onnxruntime_engines
from libra_edge.runtime.engines import Engines
from libra_edge.runtime.planner import EnginePlanner
from libra_edge.runtime.refiner import EngineRefiner
from libra_edge.runtime.systems import Planner, Refiner
from tests.calibration.recorded import TASK, Given, read, record_run
from tests.calibration.scenes import noise
from tests.models import write_tiny_bundle
from tests.runtime_policy.fakes import FakePlanner, FakeRefiner

Systems = tuple[Planner, Refiner]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    bundle = open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))
    return load_onnxruntime_engines(bundle.policy_files("cpu"))


@pytest.fixture(scope="module")
def systems(engines: Engines, spec: ModelSpec) -> Systems:
    return EnginePlanner(engines.planner, spec), EngineRefiner(
        EngineDenoiser(engines.refiner_encoder, engines.refiner_step, spec.policy.denoising_steps), spec
    )


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, systems: Systems, spec: ModelSpec, encoder: InstructionEncoder
) -> tuple[Path, list[Given]]:
    path = tmp_path_factory.mktemp("recordings") / "run.mcap"
    return path, record_run(path, systems, spec, encoder)


@pytest.fixture
def quick(spec: ModelSpec) -> Systems:
    return FakePlanner(spec), FakeRefiner(spec)


def test_a_recording_gives_back_what_the_refiner_was_given(
    run: tuple[Path, list[Given]], spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    path, given = run
    arrays = read(path, spec, encoder).arrays
    for name in ("front", "wrist"):
        truth = np.array([one.observation.frames[name].image for one in given])
        np.testing.assert_array_equal(arrays[f"image_{name}"], truth)
    positions = np.array([one.observation.joints.position for one in given], np.float32)
    np.testing.assert_array_equal(arrays["state"], positions)
    np.testing.assert_array_equal(arrays["tokens"], np.array([one.tokens for one in given]))
    np.testing.assert_array_equal(arrays["sample"], np.array([one.noise[0] for one in given]))
    np.testing.assert_array_equal(arrays["instruction"], np.repeat(encoder.encode(TASK), len(given), axis=0))


def test_a_chunk_remade_from_its_sample_is_the_recorded_one_bit_for_bit(
    run: tuple[Path, list[Given]], engines: Engines, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    path, given = run
    samples = read(path, spec, encoder)
    assert {one.chunk.plan_age_steps for one in given} == {0, 5}
    for row in (0, 1, 17, 38, 39):
        features = engines.refiner_encoder.run(samples.feed(row, engines.refiner_encoder.inputs))["features"]
        sample = samples.feed(row, ["sample"])["sample"]
        for step in range(spec.policy.denoising_steps):
            inputs: dict[str, Any] = {"features": features, "sample": sample, "step": np.array([step])}
            sample = engines.refiner_step.run(inputs)["sample_next"]
        remade = spec.action_space.denormalise(np.clip(sample[0].astype(np.float64), -1, 1))
        np.testing.assert_array_equal(remade, given[row].chunk.positions)


def test_one_recording_is_halved_in_time(
    run: tuple[Path, list[Given]], spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    samples = read(run[0], spec, encoder, limit=16)
    assert samples.holdout.tolist() == [False] * 16 + [True] * 16


def test_of_two_recordings_one_is_held_out_whole(
    tmp_path: Path, quick: Systems, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    record_run(tmp_path / "a.mcap", quick, spec, encoder, chunks=16, task="touch the red cube")
    record_run(tmp_path / "b.mcap", quick, spec, encoder, chunks=17, seed=8)
    samples = read(tmp_path, spec, encoder)
    is_b = (samples.arrays["instruction"] == encoder.encode(TASK)).all(axis=1)
    assert is_b.tolist() == [False] * 16 + [True] * 17
    assert set(samples.holdout[:16]) != set(samples.holdout[16:])
    assert len(set(samples.holdout[:16])) == 1


def test_the_plans_age_comes_along_where_the_refiner_takes_it(
    tmp_path: Path, quick: Systems, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    aged = spec.model_copy(update={"inputs": spec.inputs.model_copy(update={"refiner": ("plan_age",)})})
    record_run(tmp_path / "run.mcap", quick, spec, encoder)
    assert read(tmp_path, aged, encoder).arrays["plan_age"].tolist() == [0, 5] * 20


def test_chunks_whose_frames_are_lost_are_left_out_and_counted(
    tmp_path: Path, quick: Systems, spec: ModelSpec, encoder: InstructionEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    given = record_run(tmp_path / "run.mcap", quick, spec, encoder, lost=frozenset({3, 11}))
    arrays = read(tmp_path / "run.mcap", spec, encoder).arrays
    kept = [one for number, one in enumerate(given) if number not in {3, 11}]
    truth = np.array([one.observation.frames["front"].image for one in kept])
    np.testing.assert_array_equal(arrays["image_front"], truth)
    assert "2 of 40 chunks are left out" in caplog.text


def test_a_recording_that_was_cut_off_still_serves(
    tmp_path: Path, run: tuple[Path, list[Given]], spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    content = run[0].read_bytes()
    (tmp_path / "cut.mcap").write_bytes(content[: len(content) * 9 // 10])
    samples = read(tmp_path / "cut.mcap", spec, encoder)
    assert 32 <= len(samples.holdout) < 40


def test_random_pictures_are_refused(
    tmp_path: Path, quick: Systems, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    record_run(tmp_path / "run.mcap", quick, spec, encoder, pictures=noise)
    with pytest.raises(CalibrationError, match="image_front is random noise; record real frames"):
        read(tmp_path / "run.mcap", spec, encoder)


def test_pictures_of_another_size_are_refused(
    tmp_path: Path, quick: Systems, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    record_run(tmp_path / "run.mcap", quick, spec, encoder, scale=2, chunks=4)
    with pytest.raises(CalibrationError, match=r"camera 'front' is 640x360 in run\.mcap, the model takes 320x180"):
        read(tmp_path / "run.mcap", spec, encoder)


def test_too_few_chunks_are_refused(
    tmp_path: Path, quick: Systems, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    record_run(tmp_path / "run.mcap", quick, spec, encoder, chunks=30)
    with pytest.raises(CalibrationError, match="15 samples for calibration, at least 16"):
        read(tmp_path / "run.mcap", spec, encoder)


def test_another_policys_recording_is_refused_and_another_models_announced(
    run: tuple[Path, list[Given]], spec: ModelSpec, encoder: InstructionEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    faster = spec.model_copy(update={"policy": spec.policy.model_copy(update={"rate_hz": 20.0})})
    with pytest.raises(CalibrationError, match=r"policy with \[100000000, 5, 10, 6\].*has \[50000000, 5, 10, 6\]"):
        read(run[0], faster, encoder)
    read(run[0], spec.model_copy(update={"name": "other"}), encoder)
    assert "recordings of model tiny calibrate model other" in caplog.text


def test_a_damaged_recording_is_refused(
    tmp_path: Path, run: tuple[Path, list[Given]], spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    content = bytearray(run[0].read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "run.mcap"
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match=rf"{re.escape(str(path))}: run\.mcap is damaged"):
        read(path, spec, encoder)


def test_a_file_of_another_program_is_refused(tmp_path: Path, spec: ModelSpec, encoder: InstructionEncoder) -> None:
    with (tmp_path / "run.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.finish()  # type: ignore[no-untyped-call]
    with pytest.raises(CalibrationError, match=r"run\.mcap is no recording of a run: metadata task: Field required"):
        read(tmp_path / "run.mcap", spec, encoder)


def test_the_topics_are_those_that_the_recorder_writes() -> None:
    ours = (recorded_run.CAMERA, recorded_run.PLAN, recorded_run.CHUNK, recorded_run.SEQUENCES)
    theirs = recording_messages
    assert ours == (theirs.CAMERA, theirs.PLAN, theirs.CHUNK, theirs.SEQUENCES)
