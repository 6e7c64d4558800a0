"""A recording in which everything is known: three seconds, a plan and a chunk each half second, two faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from libra_edge.messages import ActionChunk, Float64, Frame, Observation, Plan
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Fence, Verdict
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording_messages import (
    chunk_entry,
    command_entries,
    fault_entry,
    frame_entry,
    plan_entry,
)
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, a_spec, an_observation

START_NS, TICK_NS, STEP_NS, FRAME_NS = 50_000_000_000, 10_000_000, 100_000_000, 100_000_000
BEFORE, COMMANDS, FRAMES, CHUNKS = 20, 320, 30, 6
"""BEFORE: commands before control step 0."""
FIRST_FRAME = (1 << 32) - 5
"""The cameras' frame numbers pass the end of MCAP's 32 bits."""
FAULTS = ((1.0, "camera front shows nothing", "hold"), (2.25, "a plan took 1.2 s", "goes on"))
FIGURES = '{"ended": "task done", "seconds": 3.0, "limits_violated": 0, "deadline_misses": 0, "servo_hz": 100.0}'
FACTS = {
    "task": "push the blue cube",
    "robot": "koch-sim",
    "joints": " ".join(ROBOT.joint_names),
    "robot_file": ROBOT.model_dump_json(),
    "model": "fake",
    "model_file": a_spec().model_dump_json(),
    "mode": "async",
    "seed": "7",
    "backend": "onnxruntime",
    "bundle_sha256": "0123456789abcdef",
    "max_plan_age_steps": "5",
}
RESULT = {"success": "true", "success_s": "2.500", "start_ns": str(START_NS), "figures": FIGURES}


def goal_at(number: int) -> Float64:
    """float64 [6] rad."""
    goal: Float64 = POSE + 0.3 * np.sin(number / 50)
    return goal


def grey_at(frame: int) -> int:
    """Each picture has a grey of its own."""
    return 10 + 8 * frame


def record_run(
    path: Path,
    *,
    facts: Mapping[str, str] = FACTS,
    result: Mapping[str, str] = RESULT,
    faults: tuple[tuple[float, str, str], ...] = FAULTS,
    cameras: tuple[str, ...] = ("wrist", "front"),
    commands: int = COMMANDS,
    timed: bool = True,
    dropped: int = 0,
) -> Path:
    """Write it to `path`; `timed` says how long plans and chunks took, `dropped` messages the disk was too slow for."""
    recorder = Recorder(path, dict(facts))
    for number in range(commands):
        time_ns = START_NS + (number - BEFORE) * TICK_NS
        since = number - BEFORE
        if since >= 0 and since % 10 == 0:
            _record_pictures(recorder, cameras, since // 10, time_ns)
        if since >= 0 and since % 50 == 0 and since // 50 < CHUNKS:
            _record_decisions(recorder, since // 50, time_ns, timed)
        for time_s, kind, reaction in faults:
            if since == round(time_s * 100):
                recorder.put(fault_entry(time_ns, time_s, kind, reaction))
        for entry in command_entries(a_command(number), ROBOT.joint_names):
            recorder.put(entry)
    assert recorder.dropped == 0
    recorder.dropped = dropped
    recorder.close(dict(result))
    assert recorder.failure is None
    return path


def a_command(number: int) -> Command:
    """Of chunk `number` in steps of half a second; the governor acts on the first joint from 1.0 to 1.2 s."""
    since = number - BEFORE
    fences = np.zeros(6, np.uint8)
    fences[0] = Fence.VELOCITY if 100 <= since < 120 else 0
    followed = since >= 5
    state = State.HOMING if since < 0 else State.HOLDING if 100 <= since < 130 else State.RUNNING
    return Command(
        number=number,
        time_ns=START_NS + since * TICK_NS,
        goal=goal_at(number),
        measured=goal_at(number) - 0.01,
        chunk_id=max(since - 5, 0) // 50 if followed else None,
        plan_age_steps=1 + since % 50 // 10 if followed else None,
        captured_ns=START_NS + since // 50 * 50 * TICK_NS if followed else None,
        verdict=Verdict(fences),
        state=state,
        lateness_ns=60_000 + 1_000 * (since % 7),
    )


def _record_pictures(recorder: Recorder, cameras: tuple[str, ...], frame: int, time_ns: int) -> None:
    for camera in cameras:
        picture = np.full((180, 320, 3), grey_at(frame), np.uint8)
        recorder.put(frame_entry(Frame(camera, picture, FIRST_FRAME + frame, time_ns)))


def _record_decisions(recorder: Recorder, number: int, time_ns: int, timed: bool) -> None:
    """Plan `number` says token 2 + number everywhere, and chunk `number` follows its second step on."""
    seen: Observation = an_observation(time_ns=time_ns, number=FIRST_FRAME + 5 * number)
    first = 5 * number + 1
    plan = Plan(number, np.full((10, 6), 2 + number), first - 1, 0, time_ns, time_ns + 2 * TICK_NS)
    recorder.put(plan_entry(plan, seen, 12.5 + number if timed else None))
    goals = np.tile(goal_at(50 * number), (5, 1))
    chunk = ActionChunk(number, goals, first, time_ns + TICK_NS, STEP_NS, number, 1, time_ns)
    ready_ns = time_ns + 4 * TICK_NS
    recorder.put(chunk_entry(chunk, seen, ready_ns, *((15.0 + number, 17.0 + number) if timed else (None, None))))
