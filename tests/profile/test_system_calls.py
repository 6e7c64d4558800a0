"""Calls of the two systems are timed where they happen, and a watch changes nothing of what they give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from libra_edge.bundle import open_bundle
from libra_edge.errors import EngineError
from libra_edge.messages import Float64
from libra_edge.policy_files import PolicyFiles
from libra_edge.profiling.path import parts_of
from libra_edge.profiling.side_by_side import (
    MIN_CALLS,
    WARM_UP_CALLS,
    Calls,
    Exercise,
    made_up_observation,
    overlapping,
)
from libra_edge.profiling.system_calls import COPY_OUT, DEVICE, LAUNCH, UPDATE, SystemCall, SystemCalls
from libra_edge.runtime.load_systems import Systems, load_systems
from tests.cuda.software_device import Device, loaded_on
from tests.models import write_tiny_bundle

TASK = "touch the red cube"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PolicyFiles:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")).policy_files("cpu")


def chunk_of(systems: Systems, calls: SystemCalls | None = None) -> Float64:
    refiner = systems.refiner if calls is None else calls.refiner(systems.refiner)
    tokens, noise = np.ones((5, 6), np.int64), np.full((1, 5, 6), 0.25, np.float32)
    return refiner.refine(made_up_observation(systems.spec), tokens, 1, noise)


def test_a_watch_changes_nothing_of_what_the_systems_give(files: PolicyFiles) -> None:
    calls = SystemCalls()
    assert np.array_equal(chunk_of(load_systems(files)), chunk_of(load_systems(files, watch=calls), calls))
    (call,) = calls.calls["refiner"]
    assert [part.name for part in call.parts] == ["refiner_encoder", *["refiner_step"] * 5]
    times = [call.began_ns, *(t for part in call.parts for t in (part.began_ns, part.ended_ns)), call.ended_ns]
    assert times == sorted(times)
    assert sum(parts_of(call).values()) == pytest.approx(call.ms)


def test_a_gpus_call_is_told_apart_into_input_launch_device_and_output(files: PolicyFiles, tmp_path: Path) -> None:
    calls, observation = SystemCalls(), made_up_observation(files.spec)
    with loaded_on(Device(), files, tmp_path) as loaded:
        planner, denoiser = calls.engine(loaded.planner), calls.denoiser(loaded.denoiser)
        systems = load_systems(files)
        instruction = systems.words.encode(TASK)
        began = calls.begin("planner")
        planner.run(
            {
                "instruction": instruction,
                "state": np.zeros((1, 6), np.float32),
                **{f"image_{name}": frame.image[np.newaxis] for name, frame in observation.frames.items()},
            }
        )
        calls.end("planner", began)
        began = calls.begin("refiner")
        denoiser.denoise(
            {
                "state": np.zeros((1, 6), np.float32),
                "tokens": np.zeros((1, 5, 6), np.int64),
                **{f"image_{name}": frame.image[np.newaxis] for name, frame in observation.frames.items()},
            },
            np.zeros((1, 5, 6), np.float32),
        )
        calls.end("refiner", began)
    for system in ("planner", "refiner"):
        (call,) = calls.calls[system]
        assert [part.name for part in call.parts] == [UPDATE, LAUNCH, DEVICE, COPY_OUT]
        ends = [part.ended_ns for part in call.parts]
        assert [part.began_ns for part in call.parts[1:]] == ends[:-1], "one begins where the other ends"
        times = [call.began_ns, call.parts[0].began_ns, *ends, call.ended_ns]
        assert times == sorted(times)


def test_systems_are_called_alone_and_then_both_at_once(files: PolicyFiles) -> None:
    calls = SystemCalls()
    side = Exercise(load_systems(files, watch=calls), calls, TASK).measure(0.3)
    assert (len(side.warm_up.planner), len(side.warm_up.refiner)) == (WARM_UP_CALLS, WARM_UP_CALLS)
    planned, refined = side.alone.planner, side.alone.refiner
    assert min(len(planned), len(refined)) >= MIN_CALLS
    assert planned[-1].ended_ns <= refined[0].began_ns, "alone is alone"
    begin = max(side.both.planner[0].began_ns, side.both.refiner[0].began_ns)
    end = min(side.both.planner[-1].ended_ns, side.both.refiner[-1].ended_ns)
    assert begin < end, "both is both"


def test_calls_that_the_other_system_did_not_see_are_not_side_by_side() -> None:
    planner = tuple(SystemCall("planner", begin, begin + 10, ()) for begin in (100, 120, 140))
    refiner = tuple(SystemCall("refiner", begin, begin + 30, ()) for begin in (0, 60, 101, 145, 200))
    kept = overlapping(Calls(planner, refiner))
    assert [call.began_ns for call in kept.planner] == [100, 120, 140]
    assert [call.began_ns for call in kept.refiner] == [101, 145]
    assert overlapping(Calls((), refiner)) == Calls((), refiner)


def test_a_planner_that_breaks_beside_the_refiner_is_heard_of(
    files: PolicyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = SystemCalls()
    exercise = Exercise(load_systems(files, watch=calls), calls, TASK)
    monkeypatch.setattr(exercise, "plan", broken)
    with pytest.raises(EngineError, match="it broke"):
        exercise._both(0.05)


def broken() -> None:
    raise EngineError("planner", "it broke")
