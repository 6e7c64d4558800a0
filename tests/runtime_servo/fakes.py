"""An arm without a wire and a loop without a thread: logic alone, on a clock that the test moves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from libra_edge.clock import SimulatedClock
from libra_edge.errors import BusError
from libra_edge.messages import ActionChunk, Float64, JointState
from libra_edge.robot import Robot, open_robot
from libra_edge.runtime.channel import PolicyChannel, ServoChannel
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply
from libra_edge.runtime.servo_loop import OnExit, ServoLoop
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import Event, State

ROBOT: Robot = open_robot("koch-sim")
JOINTS = len(ROBOT.joint)
STEP_NS = 100_000_000
CHUNK_STEPS = 5


@dataclass(slots=True)
class FakeArm:
    """Joints that stand wherever the last goal was. `read_faults` and `write_fault` are raised instead of answering.

    Once lost it is found after `steps_to_recover` steps; `recover_fault` is raised instead.
    """

    clock: SimulatedClock
    position: Float64 = field(default_factory=ROBOT.rest.copy)
    joint_names: tuple[str, ...] = ROBOT.joint_names
    torque: bool = False
    closed: bool = False
    goals: list[Float64] = field(default_factory=list)
    read_faults: list[BusError] = field(default_factory=list)
    write_fault: BusError | None = None
    steps_to_recover: int = 0
    recover_fault: BusError | None = None
    current: Float64 | None = None
    told_while_lost: list[Float64] = field(default_factory=list)

    def open(self) -> None:
        pass

    def enable_torque(self) -> None:
        self.torque = True

    def read(self) -> JointState:
        if self.read_faults:
            raise self.read_faults.pop(0)
        return JointState(self.position.copy(), np.zeros(JOINTS), self.clock.now_ns(), self.current)

    def write(self, goal: Float64) -> None:
        if self.write_fault is not None:
            raise self.write_fault
        self.goals.append(goal)
        self.position = goal.copy()

    def recover(self, goal: Float64) -> Float64 | None:
        if self.recover_fault is not None:
            raise self.recover_fault
        if self.steps_to_recover > 0:
            self.steps_to_recover -= 1
            self.told_while_lost.append(goal)
            return None
        self.write_fault = None
        found: Float64 = self.position.copy()
        return found

    def missing(self) -> str:
        return "no answer from servo 3 (elbow_flex)"

    def disable_torque(self) -> None:
        self.torque = False

    def close(self) -> None:
        self.closed = True


class Bench:
    """A servo loop over a fake arm, with the policy's end of the channel, ticked by hand."""

    def __init__(
        self, pose: Float64 | None = None, on_exit: OnExit = OnExit.HOLD, first: Event = Event.TORQUE_ON
    ) -> None:
        self.clock = SimulatedClock(1_000_000_000)
        self.arm = FakeArm(self.clock)
        if pose is not None:
            self.arm.position = pose.copy()
        self.directory = Path(tempfile.mkdtemp(prefix="libra-edge-test-"))
        channel = ServoChannel(self.directory, JOINTS)
        self.policy = PolicyChannel(self.directory, JOINTS)
        self.loop = ServoLoop(self.arm, ROBOT, channel, self.clock, on_exit)
        self.loop.open(first)

    def tick(self, times: int = 1) -> None:
        """Let a period pass and tick, unless the loop has finished."""
        for _ in range(times):
            if not self.loop.finished:
                self.clock.advance(self.loop.period_ns)
                self.loop.tick(self.clock.now_ns(), 0)

    def happen(self, event: Event) -> Reply:
        """Post an event, tick once, and say what came of it."""
        reply = self.loop.post(event)
        self.tick()
        return reply.result(timeout=0)

    def send(self, rows: Float64, chunk_id: int = 1, late_ns: int = 0) -> ActionChunk:
        """A chunk that starts now, or that should have started `late_ns` ago."""
        start_ns = self.clock.now_ns() - late_ns
        chunk = ActionChunk(chunk_id, rows, 0, start_ns, STEP_NS, 3, 2, start_ns - 40_000_000)
        self.policy.send_chunk(chunk)
        return chunk

    def state(self) -> State:
        return self.loop.state

    def finished(self) -> bool:
        return self.loop.finished

    def telemetry(self) -> ServoTelemetry:
        telemetry = self.policy.telemetry()
        assert telemetry is not None
        return telemetry

    def commands(self) -> list[Command]:
        return self.policy.drain_commands()


def running_bench(on_exit: OnExit = OnExit.HOLD) -> Bench:
    """At rest, started, not yet given a chunk."""
    bench = Bench(on_exit=on_exit)
    bench.tick()
    assert bench.happen(Event.START).accepted
    return bench


def rows_towards(offset_rad: float, steps: int = CHUNK_STEPS) -> Float64:
    """Goals that lead every joint from rest by `offset_rad`, in even steps."""
    return ROBOT.rest + offset_rad * np.arange(1, steps + 1)[:, None] / steps
