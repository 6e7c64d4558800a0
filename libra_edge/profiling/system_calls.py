"""Each call of the two systems, with the parts inside it: times are taken around what the runtime calls anyway."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from libra_edge.messages import Float32, Float64, Int64, Observation
from libra_edge.protocols import Engine
from libra_edge.runtime.cuda.job_phases import JobPhases, Phased
from libra_edge.runtime.denoiser import Denoiser
from libra_edge.runtime.systems import Planner, Refiner

System = Literal["planner", "refiner"]
UPDATE, LAUNCH, DEVICE, COPY_OUT = "input_update", "launch", "device", "output_copy"
"""Parts of a call that a GPU computes: inputs to pinned memory, enqueueing, waiting for the GPU, outputs from it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took from `began_ns` to `ended_ns` of the one clock."""

    name: str
    began_ns: int
    ended_ns: int

    @property
    def ms(self) -> float:
        """Its length."""
        return (self.ended_ns - self.began_ns) / 1e6


@dataclass(frozen=True, slots=True)
class SystemCall:
    """One plan or one chunk being computed; `parts` are the engines inside it, in their order, with gaps between."""

    system: System
    began_ns: int
    ended_ns: int
    parts: tuple[Span, ...]

    @property
    def ms(self) -> float:
        """Its length."""
        return (self.ended_ns - self.began_ns) / 1e6


@dataclass(slots=True)
class SystemCalls:
    """Filled by each system from its own thread. As `EngineWatch` it stands before the engines of both.

    Attributes:
        calls: finished ones, by system, oldest first.
        engines: by name, those that it stands before.
    """

    calls: dict[System, list[SystemCall]] = field(default_factory=lambda: {"planner": [], "refiner": []})
    engines: dict[str, Engine] = field(default_factory=dict)
    _parts: dict[System, list[Span]] = field(default_factory=lambda: {"planner": [], "refiner": []})

    def engine(self, engine: Engine) -> Engine:
        """See `EngineWatch.engine`."""
        self.engines[engine.name] = engine
        return TimedEngine(engine, self._parts["planner" if engine.name == "planner" else "refiner"])

    def denoiser(self, denoiser: Denoiser) -> Denoiser:
        """See `EngineWatch.denoiser`. One that calls timed engines needs no watching itself."""
        return TimedDenoiser(denoiser, self._parts["refiner"]) if isinstance(denoiser, Phased) else denoiser

    def planner(self, planner: Planner) -> Planner:
        """The same planner, timed."""
        return TimedPlanner(planner, self)

    def refiner(self, refiner: Refiner) -> Refiner:
        """The same refiner, timed."""
        return TimedRefiner(refiner, self)

    def begin(self, system: System) -> int:
        """A call begins now, ns."""
        self._parts[system].clear()
        return time.monotonic_ns()

    def end(self, system: System, began_ns: int) -> None:
        """It has ended well."""
        call = SystemCall(system, began_ns, time.monotonic_ns(), tuple(self._parts[system]))
        self.calls[system].append(call)

    def forget(self) -> None:
        """What was called so far was a warm-up."""
        for calls in self.calls.values():
            calls.clear()


class TimedEngine:
    """An engine, and what each run of it took."""

    def __init__(self, engine: Engine, parts: list[Span]) -> None:
        self.name = engine.name
        self.inputs = engine.inputs
        self._engine, self._parts = engine, parts
        self._phased = engine if isinstance(engine, Phased) else None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See `Engine.run`."""
        began_ns = time.monotonic_ns()
        outputs = self._engine.run(inputs)
        ended_ns = time.monotonic_ns()
        phases = None if self._phased is None else self._phased.phases
        self._parts.extend([Span(self.name, began_ns, ended_ns)] if phases is None else spans_of(phases))
        return outputs


class TimedDenoiser:
    """A denoiser that is one job of a GPU, and what each of its runs took."""

    def __init__(self, denoiser: Denoiser, parts: list[Span]) -> None:
        self._denoiser, self._parts = denoiser, parts
        self._phased = denoiser if isinstance(denoiser, Phased) else None

    def denoise(self, inputs: Mapping[str, NDArray[Any]], noise: Float32) -> NDArray[Any]:
        """See `Denoiser.denoise`."""
        sample = self._denoiser.denoise(inputs, noise)
        phases = None if self._phased is None else self._phased.phases
        self._parts.extend([] if phases is None else spans_of(phases))
        return sample


class TimedPlanner:
    """A planner, and what each plan took."""

    def __init__(self, planner: Planner, calls: SystemCalls) -> None:
        self._planner, self._calls = planner, calls

    def plan(self, observation: Observation, instruction: Int64) -> Int64:
        """See `Planner.plan`."""
        began_ns = self._calls.begin("planner")
        tokens = self._planner.plan(observation, instruction)
        self._calls.end("planner", began_ns)
        return tokens


class TimedRefiner:
    """A refiner, and what each chunk took."""

    def __init__(self, refiner: Refiner, calls: SystemCalls) -> None:
        self._refiner, self._calls = refiner, calls

    def refine(self, observation: Observation, tokens: Int64, plan_age: int, noise: Float32) -> Float64:
        """See `Refiner.refine`."""
        began_ns = self._calls.begin("refiner")
        positions = self._refiner.refine(observation, tokens, plan_age, noise)
        self._calls.end("refiner", began_ns)
        return positions


def spans_of(phases: JobPhases) -> list[Span]:
    """A GPU job's phases as parts of the call that it was run for."""
    return [
        Span(UPDATE, phases.began_ns, phases.updated_ns),
        Span(LAUNCH, phases.updated_ns, phases.launched_ns),
        Span(DEVICE, phases.launched_ns, phases.done_ns),
        Span(COPY_OUT, phases.done_ns, phases.ended_ns),
    ]
