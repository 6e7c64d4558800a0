"""The two systems without a robot: each by itself, then both at once, each as often as it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from libra_edge.messages import Float32, Frame, Int64, JointState, Observation
from libra_edge.model_spec import ModelSpec
from libra_edge.profiling.system_calls import SystemCall, SystemCalls
from libra_edge.protocols import Engine
from libra_edge.runtime.load_systems import Systems

WARM_UP_CALLS = 3
MIN_CALLS = 3


@dataclass(frozen=True, slots=True)
class Calls:
    """Of each system, oldest first."""

    planner: tuple[SystemCall, ...] = ()
    refiner: tuple[SystemCall, ...] = ()

    def of(self, system: str) -> tuple[SystemCall, ...]:
        """Of the system with this name."""
        return self.planner if system == "planner" else self.refiner


@dataclass(frozen=True, slots=True)
class SideBySide:
    """`warm_up`: the first calls of all; `alone`: one system at work; `both`: both at work the whole time."""

    warm_up: Calls
    alone: Calls
    both: Calls


class Exercise:
    """Calls two systems with the same made-up observation again and again; their times do not depend on it.

    Attributes:
        engines: of both systems, by name, as the systems call them; empty where a system is one job of a GPU.
    """

    def __init__(self, systems: Systems, calls: SystemCalls, task: str) -> None:
        """Raises InstructionError."""
        spec = systems.spec
        self._calls, self._spec = calls, spec
        self.engines: Mapping[str, Engine] = calls.engines
        self._planner, self._refiner = calls.planner(systems.planner), calls.refiner(systems.refiner)
        self._instruction: Int64 = systems.words.encode(task)
        self._observation = made_up_observation(spec)
        rows = (spec.policy.chunk_steps, len(spec.action.joints))
        self._tokens: Int64 = np.zeros(rows, dtype=np.int64)
        self._noise: Float32 = np.random.default_rng(0).standard_normal((1, *rows)).astype(np.float32)

    def measure(self, seconds: float) -> SideBySide:
        """In a third of `seconds` each: the planner alone, the refiner alone, both. Raises EngineError."""
        for _ in range(WARM_UP_CALLS):
            self.plan()
            self.refine()
        warm_up, part_s = self.taken(), seconds / 3
        _repeat(self.plan, part_s)
        _repeat(self.refine, part_s)
        alone = self.taken()
        self._both(part_s)
        return SideBySide(warm_up, alone, overlapping(self.taken()))

    def plan(self) -> None:
        """Call the planner once. Raises EngineError."""
        self._planner.plan(self._observation, self._instruction)

    def refine(self) -> None:
        """Call the refiner once. Raises EngineError."""
        self._refiner.refine(self._observation, self._tokens, 0, self._noise)

    def taken(self) -> Calls:
        """The calls since they were last asked for."""
        taken = Calls(tuple(self._calls.calls["planner"]), tuple(self._calls.calls["refiner"]))
        self._calls.forget()
        return taken

    def _both(self, seconds: float) -> None:
        failures: list[BaseException] = []

        def planning() -> None:
            try:
                _repeat(self.plan, seconds)
            except Exception as error:  # noqa: BLE001 - raised again below, in the thread that waits for it
                failures.append(error)

        thread = threading.Thread(target=planning, name="planner")
        thread.start()
        try:
            _repeat(self.refine, seconds)
        finally:
            thread.join()
        if failures:
            raise failures[0]


def made_up_observation(spec: ModelSpec) -> Observation:
    """Noise as pictures (uint8, of the sizes that the model takes) and joints in the middle of their ranges."""
    noise, middle = np.random.default_rng(0), (np.array(spec.action.low) + np.array(spec.action.high)) / 2
    frames = {
        camera.name: Frame(camera.name, noise.integers(0, 256, (camera.height, camera.width, 3), np.uint8), 0, 0)
        for camera in spec.camera
    }
    return Observation(frames, JointState(middle, np.zeros_like(middle), 0))


def _repeat(call: Callable[[], Any], seconds: float) -> None:
    until, done = time.monotonic() + seconds, 0
    while done < MIN_CALLS or time.monotonic() < until:
        call()
        done += 1


def overlapping(calls: Calls) -> Calls:
    """Without the calls during which the other system had not begun yet or was done already."""
    if not calls.planner or not calls.refiner:
        return calls
    begin = max(calls.planner[0].began_ns, calls.refiner[0].began_ns)
    end = min(calls.planner[-1].ended_ns, calls.refiner[-1].ended_ns)
    both = (calls.planner, calls.refiner)
    return Calls(*(tuple(call for call in some if begin <= call.ended_ns and call.began_ns <= end) for some in both))
