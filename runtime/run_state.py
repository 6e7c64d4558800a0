"""What the parts of one run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from libra_edge.errors import ProcessError
from libra_edge.messages import ActionChunk, Frame, JointState
from libra_edge.protocols import Camera, Clock
from libra_edge.runtime.camera_thread import CameraReport
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply, Request
from libra_edge.runtime.loop_watch import LoopWatch
from libra_edge.runtime.picture_watch import PictureWatch
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.sight import Sight

PAUSE_NS = 500_000_000
"""After a standstill of this length what was seen before it is not acted on any more."""


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
        camera_hz: pictures a second that each camera's profile promises.
        pictures: counts of each camera's pictures, once it is read.
        loop_watch: notices standstills of the event loop.
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
    camera_hz: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, PictureWatch] = field(default_factory=dict)
    loop_watch: LoopWatch = field(init=False)

    def __post_init__(self) -> None:
        self.loop_watch = LoopWatch(self.clock, self._stood_still)

    def show(self, frame: Frame) -> None:
        """Take a new picture in."""
        self.sight.show(frame)
        self.log.frame(frame)

    def hear(self, report: CameraReport) -> None:
        """Take in how a camera fares."""
        if report.reaction is None:
            self.log.note(report.text)
        else:
            self.log.fault(report.text, report.reaction)

    def is_outdated(self, captured_ns: int) -> bool:
        """Whether what was seen at `captured_ns` is from before a pause of this process."""
        self.loop_watch.look()
        return captured_ns < self.sight.not_before_ns

    def _stood_still(self, length_ns: int) -> None:
        kind = f"the policy process stood still for {length_ns / 1e6:.0f} ms"
        if length_ns < PAUSE_NS:
            self.log.fault(kind, "goes on")
            return
        self.sight.not_before_ns = self.clock.now_ns()
        self.policy.buffer.flush()
        self.log.fault(kind, "what was seen and planned before is thrown away")

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
