"""From `--backend` to systems on TensorRT and back: what is chosen, what is refused, what is given back."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.cli import replay, run_backend
from libra_edge.cli.main import run_command
from libra_edge.cli.run_backend import chosen_backend, load_on, target_of
from libra_edge.clock import SimulatedClock
from libra_edge.cuda_device import first_cuda_device
from libra_edge.errors import EngineError, MissingDependencyError, PolicyFilesError
from libra_edge.messages import ActionChunk
from libra_edge.policy_files import PolicyFiles
from libra_edge.runtime.cuda.library import CudaLibrary, load_cuda
from libra_edge.runtime.load_systems import Systems, load_systems
from libra_edge.runtime.recording import read_messages, read_metadata
from libra_edge.runtime.recording_messages import CHUNK
from tests.cuda.software_device import Device, loaded_on, write_plans
from tests.cuda.software_jetson import software_jetson
from tests.models import write_tiny_bundle
from tests.runtime_policy.fakes import an_observation

TASK = "touch the red cube"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Device:
    return software_jetson(monkeypatch, tmp_path / "cache")


def chunk_of(systems: Systems) -> ActionChunk:
    policy = systems.policy(TASK, clock=SimulatedClock(), seed=1)
    plan = policy.make_plan(an_observation(), 0, 0)
    return policy.make_chunk(an_observation(), plan, plan.tokens[:5], 0)


@pytest.mark.parametrize(
    ("asked", "on_a_jetson", "found"),
    [
        ("auto", True, "tensorrt"),
        ("auto", False, "onnxruntime"),
        ("onnxruntime", True, "onnxruntime"),
        ("tensorrt", False, "tensorrt"),
    ],
)
def test_a_jetson_gets_tensorrt_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str, on_a_jetson: bool, found: str
) -> None:
    release = tmp_path / "nv_tegra_release"
    if on_a_jetson:
        release.touch()
    monkeypatch.setattr(run_backend, "JETSON", release)
    assert chosen_backend(asked) == found


def test_each_backend_runs_the_graphs_that_were_made_for_it() -> None:
    assert (target_of("onnxruntime"), target_of("tensorrt")) == ("cpu", "tensorrt")


def test_engines_are_built_loaded_announced_and_given_back(bundle: Bundle, device: Device) -> None:
    reference = chunk_of(load_systems(bundle.policy_files("tensorrt")))
    systems = load_on("tensorrt", bundle)
    assert systems.runs_on == "TensorRT 10.3.0, Orin"
    np.testing.assert_array_equal(chunk_of(systems).positions, reference.positions)
    lowest, highest = device.cuda.faults.priorities
    assert [stream.priority for stream in device.cuda.streams.values()] == [lowest, highest]
    systems.close()
    for left in (device.cuda.memory.blocks, device.cuda.streams, device.cuda.events, device.cuda.graphs):
        assert not left
    assert device.cuda.violations == []
    with pytest.raises(EngineError, match="the GPU was given back"):
        chunk_of(systems)


def test_what_is_missing_is_said_before_anything_is_built(
    bundle: Bundle, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> CudaLibrary:
        raise MissingDependencyError("pycuda", "install it")

    device.faults.on_build = partial(pytest.fail, "an engine was built that nothing can run")
    monkeypatch.setattr(run_backend, "load_cuda", missing)
    with pytest.raises(MissingDependencyError, match="'pycuda' cannot be imported"):
        load_on("tensorrt", bundle)


def without_gpu(name: str) -> ModuleType:
    raise ImportError(f"no {name}")


@pytest.mark.parametrize(("lacking", "package"), [("pycuda.driver", "pycuda"), ("cuda.bindings", "cuda-bindings")])
def test_a_package_that_is_not_there_is_named_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, lacking: str, package: str
) -> None:
    def imported(name: str) -> ModuleType:
        return without_gpu(name) if name.startswith(lacking) else ModuleType(name)

    monkeypatch.setattr("libra_edge.runtime.cuda.library.importlib.import_module", imported)
    with pytest.raises(
        MissingDependencyError, match=rf"'{package}' cannot be imported; .*libra-edge\[jetson\]"
    ) as told:
        load_cuda()
    assert told.value.exit_code == 2


def no_driver(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")


def test_without_a_gpu_the_command_ends_in_one_sentence(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("libra_edge.cuda_device.first_cuda_device.__defaults__", (no_driver,))
    arguments = ["run", "--robot", "koch-sim", "--model", str(bundle.path), "--task", TASK, "--backend", "tensorrt"]
    assert run_command(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("libra-edge: no NVIDIA GPU: its driver's libcuda.so.1")


def other_steps(files: PolicyFiles) -> PolicyFiles:
    policy = files.spec.policy.model_copy(update={"bins": files.spec.policy.bins + 2})
    return replace(files, spec=files.spec.model_copy(update={"policy": policy}))


def test_engines_that_are_not_what_the_record_says_are_refused(bundle: Bundle, device: Device, tmp_path: Path) -> None:
    files = bundle.policy_files("tensorrt")
    plans = write_plans(files, tmp_path)
    with pytest.raises(PolicyFilesError, match="planner output 'logits' should be float32"):
        load_systems(other_steps(files), plans)
    with pytest.raises(PolicyFilesError, match="there is no engine of refiner_step"):
        load_systems(files, {name: plan for name, plan in plans.items() if name != "refiner_step"})
    assert device.cuda.memory.blocks == {}


def refuse_execution(device: Device) -> None:
    device.faults.refuses_execution = True


def break_the_runtime(device: Device) -> None:
    device.faults.no_runtime = TypeError("pybind11::init(): factory function returned nullptr")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (refuse_execution, "planner: TensorRT cannot execute it: cannot be executed here"),
        (break_the_runtime, "planner: TensorRT 10.3.0 cannot start: .*factory function returned nullptr"),
    ],
)
def test_what_tensorrt_refuses_or_raises_is_one_sentence(
    bundle: Bundle, device: Device, tmp_path: Path, spoil: Callable[[Device], None], sentence: str
) -> None:
    spoil(device)
    with pytest.raises(EngineError, match=sentence):
        load_systems(bundle.policy_files("tensorrt"), write_plans(bundle.policy_files("tensorrt"), tmp_path))
    assert device.cuda.memory.blocks == {}


def assert_ended(may_end: threading.Event) -> None:
    assert may_end.wait(60)


def test_nothing_is_taken_away_from_a_gpu_that_hangs(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device, may_end = Device(), threading.Event()
    with loaded_on(device, bundle.policy_files("tensorrt"), tmp_path) as loaded:
        device.faults.on_execute = lambda graph: assert_ended(may_end)
        loaded.planner._job._patience_s = 0.01
        inputs = {name: np.zeros(shape, dtype) for name, (dtype, shape) in loaded.planner.inputs.items()}
        with pytest.raises(EngineError, match="has not finished"):
            loaded.planner.run(inputs)
        held = set(device.cuda.memory.blocks)
        with caplog.at_level(logging.WARNING):
            loaded.gpu.close()
        assert set(device.cuda.memory.blocks) == held
        assert "its memory is given back when the process ends" in caplog.text
        may_end.set()
        loaded.planner._job._completion.settle(30.0)
    assert device.cuda.memory.blocks == {}


def test_a_whole_run_goes_through_tensorrt_and_its_recording_says_so(
    bundle: Bundle, device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recording = tmp_path / "run.mcap"
    arguments = ["run", "--robot", "koch-sim", "--model", str(bundle.path), "--task", TASK, "--backend", "tensorrt"]
    with caplog.at_level(logging.INFO):
        assert run_command([*arguments, "--duration", "1", "--no-status", "--record", str(recording)]) == 0
    assert "on TensorRT 10.3.0, Orin" in caplog.text
    metadata = read_metadata(recording)["run"]
    assert (metadata["backend"], metadata["tensorrt"]) == ("tensorrt", "10.3.0")
    assert list(read_messages(recording, lambda topic: topic == CHUNK))
    assert device.cuda.violations == []
    assert device.cuda.memory.blocks == {}


@pytest.fixture
def replayed(bundle: Bundle, device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The command that replays a run on TensorRT; it was seen to come out the same there."""
    recording = tmp_path / "run.mcap"
    arguments = ["run", "--robot", "koch-sim", "--model", str(bundle.path), "--task", TASK, "--backend", "tensorrt"]
    assert run_command([*arguments, "--duration", "1", "--no-status", "--record", str(recording)]) == 0
    command = ["replay", str(recording), "--bundle", str(bundle.path), "--json"]
    capsys.readouterr()
    assert run_command(command) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["backend"], told["identical"]) == ("tensorrt", True)
    assert device.cuda.memory.blocks == {}
    return command


def test_a_run_on_tensorrt_is_replayed_on_onnxruntime_where_there_is_no_gpu_and_that_is_said(
    replayed: list[str],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "first_cuda_device", lambda: first_cuda_device(no_driver))
    with caplog.at_level(logging.WARNING):
        assert run_command([*replayed, "--max-difference-deg", "90"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["backend"] == "onnxruntime"
    assert "TensorRT cannot be had here (no NVIDIA GPU" in caplog.text
    assert "it was made on tensorrt and is replayed on onnxruntime: expect differences" in caplog.text
    assert run_command([*replayed, "--backend", "tensorrt"]) == 2
