"""What the parts of one run share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from libra_edge.errors import ProcessError
from libra_edge.messages import ActionChunk, Frame, JointState
from libra_edge.protocols import Camera, Clock
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply, Request
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.sight import Sight


class Servo(Protocol):
    """What the policy side needs of the servo process."""

    @property
    def exit_code(self) -> int | None:
        """None while the servo process runs."""
        ...

    def send_chunk(self, chunk: ActionChunk) -> None:
        """Make `chunk` the newest one; never waits."""
        ...

    def joint_state(self) -> JointState:
        """The newest measured joints."""
        ...

    def telemetry(self) -> ServoTelemetry:
        """The newest telemetry."""
        ...

    def drain_commands(self) -> list[Command]:
        """Every command written since the last call, oldest first."""
        ...

    async def request(self, request: Request) -> Reply:
        """Ask the supervisor for something. Raises ProcessError if it does not answer."""
        ...


@dataclass(slots=True)
class Run:
    """One run; used on the event loop.

    Attributes:
        finished: asked every few milliseconds; a sentence ends the run.
        plan_every_steps: P, control steps between the beginnings of two plans in async mode.
        telemetry, first_telemetry: of the servo process, as last looked at and as it was at the start.
    """

    policy: Policy
    cameras: Sequence[Camera]
    sight: Sight
    servo: Servo
    log: RunLog
    clock: Clock
    finished: Callable[[], str | None]
    mode: Mode = Mode.ASYNC
    plan_every_steps: int = 1
    telemetry: ServoTelemetry | None = None
    first_telemetry: ServoTelemetry | None = None

    def show(self, frame: Frame) -> None:
        """Take a new picture in."""
        self.sight.show(frame)
        self.log.frame(frame)

    async def start(self) -> None:
        """The servo process listens from now on, and control step 0 begins. Raises ProcessError if it refuses."""
        reply = await self.servo.request(Request.START)
        if not reply.accepted:
            raise ProcessError(f"the servo process does not start: {reply.problem}")
        self.first_telemetry = self.servo.telemetry()
        self.policy.start()
        self.log.start_ns = self.policy.steps.start_ns

    def seconds_until(self, time_ns: int) -> float:
        """Seconds from now until `time_ns`, at least 0."""
        return max(0.0, (time_ns - self.clock.now_ns()) / 1e9)
