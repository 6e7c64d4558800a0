"""Recordings of a tiny model's runs, made with the runtime's own policy and recorder, and what really went in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from libra_edge.calibration.recording_samples import recording_samples
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.chunk_noise import chunk_noise
from libra_edge.clock import SimulatedClock
from libra_edge.instruction import InstructionEncoder
from libra_edge.messages import ActionChunk, Float32, Float64, Frame, Int64, JointState, Observation, UInt8
from libra_edge.model_spec import ModelSpec
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording_messages import chunk_entry, frame_entry, plan_entry
from libra_edge.runtime.systems import Planner, Refiner
from tests.calibration.scenes import scenes

TASK = "pick up the green cube"
Pictures = Callable[[int, int, int, int], UInt8]


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What the refiner was given for one chunk, and what came of it."""

    observation: Observation
    tokens: Int64
    noise: Float32
    chunk: ActionChunk


@dataclass
class NotingRefiner:
    """Notes the tokens and the noise on their way to the real refiner."""

    inner: Refiner
    noted: list[tuple[Int64, Float32]] = field(default_factory=list)

    def refine(self, observation: Observation, tokens: Int64, plan_age: int, noise: Float32) -> Float64:
        self.noted.append((tokens.copy(), noise.copy()))
        return self.inner.refine(observation, tokens, plan_age, noise)


def record_run(
    path: Path,
    systems: tuple[Planner, Refiner],
    spec: ModelSpec,
    encoder: InstructionEncoder,
    *,
    seed: int = 7,
    chunks: int = 40,
    task: str = TASK,
    pictures: Pictures = scenes,
    scale: int = 1,
    lost: frozenset[int] = frozenset(),
) -> list[Given]:
    """Play `chunks` chunks, a plan every two of them; returns what went in.

    After each observation another frame arrives before the chunk is ready, as on a robot. Pictures are `scale` times
    the model's size; the front frames of chunks in `lost` never reach the file.
    """
    clock, rng = SimulatedClock(1_000_000_000), np.random.default_rng(seed)
    refiner = NotingRefiner(systems[1])
    policy = Policy(systems[0], refiner, spec, encoder.encode(task), clock=clock, seed=seed)
    facts = {"task": task, "model": spec.name, "joints": " ".join(spec.action.joints), "seed": str(seed)}
    recorder = Recorder(path, facts)
    shots = {one.name: pictures(seed, 2 * chunks, scale * one.height, scale * one.width) for one in spec.camera}
    policy.start()
    given = []
    for number in range(chunks):
        joints = JointState(rng.uniform(spec.action.low, spec.action.high), np.zeros(6), clock.now_ns())
        seen = Observation(_frames(shots, 2 * number, clock.now_ns()), joints)
        _record_frames(recorder, seen.frames, without="front" if number in lost else "")
        _record_plan(recorder, policy, number, seen, scale)
        _record_frames(recorder, _frames(shots, 2 * number + 1, clock.now_ns() + 1))
        chunk = _record_chunk(recorder, policy, number, seen, scale)
        given.append(Given(seen, *refiner.noted[-1], chunk))
        clock.advance(spec.policy.chunk_steps * spec.policy.step_ns)
    recorder.close({})
    assert (recorder.failure, recorder.dropped) == (None, 0)
    np.testing.assert_array_equal(given[0].noise, chunk_noise(seed, 0, (1, 5, 6)))
    return given


def _record_frames(recorder: Recorder, frames: Mapping[str, Frame], without: str = "") -> None:
    for frame in frames.values():
        if frame.camera != without:
            recorder.put(frame_entry(frame))


def _record_plan(recorder: Recorder, policy: Policy, number: int, seen: Observation, scale: int) -> None:
    """A plan before every other chunk."""
    if number % 2 == 0:
        plan = policy.make_plan(_at_model_size(seen, scale), number * policy.chunk_steps, policy.buffer.task_id)
        policy.buffer.offer(plan)
        recorder.put(plan_entry(plan, seen))


def _record_chunk(recorder: Recorder, policy: Policy, number: int, seen: Observation, scale: int) -> ActionChunk:
    step = number * policy.chunk_steps
    found = policy.buffer.tokens_for(step)
    assert found is not None
    chunk = policy.make_chunk(_at_model_size(seen, scale), *found, step)
    recorder.put(chunk_entry(chunk, seen, chunk.start_ns))
    return chunk


def _frames(shots: dict[str, UInt8], number: int, time_ns: int) -> dict[str, Frame]:
    """Cameras count their frames each from another number, the wrist's over the end of 32 bits."""
    first = {"front": 100, "wrist": (1 << 32) - 9}
    return {name: Frame(name, shot[number], first[name] + number, time_ns) for name, shot in shots.items()}


def _at_model_size(seen: Observation, scale: int) -> Observation:
    frames = {
        name: Frame(name, frame.image[::scale, ::scale].copy(), frame.number, frame.captured_ns)
        for name, frame in seen.frames.items()
    }
    return Observation(frames, seen.joints)


def read(path: Path, spec: ModelSpec, encoder: InstructionEncoder, limit: int = 100) -> CalibrationSamples:
    """Its samples, drawn with seed 0."""
    return recording_samples(path, spec, encoder, seed=0, limit=limit)
