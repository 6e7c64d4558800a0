"""From servo process to servo process: start it without homing, turn keys into small chunks, park the arm."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np

from libra_edge.cli.jog_keys import Action, decode_keys
from libra_edge.cli.quieted_log import quieted_log
from libra_edge.errors import ProcessError
from libra_edge.messages import Float64
from libra_edge.robot import Robot
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Request
from libra_edge.runtime.governor import Fence
from libra_edge.runtime.jog_motion import Jog
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.servo_news import ServoNews
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import Event, State

LOOK_S = 0.02
FENCES_SHOWN_S = 1.0
"""What the governor did stays to be read for so long."""
HELD_UNTIL_START = {Event.HOLD, Event.PRESSED, Event.TORQUE_ON_HERE}


@dataclass(slots=True)
class JogSession:
    """One arm, moved from the keyboard; used from one event loop.

    Attributes:
        joint: index of the joint that the keys move.
        first, telemetry: of the servo process, at the start and now.
        measured: the joints, float64 [D] rad.
        ended: why it ended, empty before.
    """

    robot: Robot
    servo: ServoClient
    jog: Jog
    log: RunLog
    first: ServoTelemetry
    joint: int = 0
    telemetry: ServoTelemetry = field(init=False)
    measured: Float64 = field(init=False)
    ended: str = ""
    _news: ServoNews = field(init=False)
    _command: Command | None = None
    _fenced: list[tuple[int, Fence]] = field(init=False)
    _typed: bytes = b""
    _requests: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.telemetry, self._news = self.first, ServoNews(self.first)
        self.measured = self.servo.joint_state().position
        self._fenced = [(0, Fence.NONE)] * len(self.robot.joint)

    @property
    def held(self) -> bool:
        """The arm stands until it is told to go on."""
        return self.telemetry.state is State.HOLDING and self.telemetry.cause in HELD_UNTIL_START

    @property
    def goal(self) -> Float64 | None:
        """What the arm was told last, float64 [D] rad; None before the first time."""
        return None if self._command is None else self._command.goal

    @property
    def fences(self) -> list[Fence]:
        """By joint, what the governor did to its goal in the last second."""
        since_ns = self.log.clock.now_ns() - FENCES_SHOWN_S * 1e9
        return [fence if time_ns > since_ns else Fence.NONE for time_ns, fence in self._fenced]

    async def run(self) -> None:
        """Until somebody ends it. Raises ProcessError when the servo process has stopped by itself."""
        self._ask(Request.START)
        while not self.ended:
            self.look()
            if self.telemetry.state is State.FAULT or self.servo.exit_code not in {None, 0}:
                why = self.telemetry.fault or self.telemetry.state.value
                raise ProcessError(f"the servo process has stopped: {why}")
            if self.telemetry.state in {State.STOPPING, State.OFF}:
                self.end("stopped from elsewhere")
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Take over what the servo process has told since the last time."""
        self.telemetry = self.servo.telemetry()
        self._news.tell(self.telemetry, self.log)
        self.measured = self.servo.joint_state().position
        for command in self.servo.drain_commands():
            self._command = command
            self.log.command(command)
            for joint in np.flatnonzero(command.verdict.fences):
                self._fenced[joint] = command.time_ns, Fence(int(command.verdict.fences[joint]))

    def end(self, why: str) -> None:
        """Let `run` return."""
        self.ended = self.ended or why

    def received(self, typed: bytes) -> None:
        """Do what the keys ask for; empty bytes mean that the terminal has gone."""
        if not typed:
            self.end("the terminal has gone")
        keys, self._typed = decode_keys(self._typed + typed)
        for key in keys:
            self._press(key)

    def _press(self, key: Action | int) -> None:
        if isinstance(key, int):
            self.joint = key - 1 if key <= len(self.robot.joint) else self.joint
        elif key is Action.QUIT:
            self.end("stopped by you")
        elif key in {Action.PREVIOUS, Action.NEXT}:
            step = 1 if key is Action.NEXT else -1
            self.joint = (self.joint + step) % len(self.robot.joint)
        elif key in {Action.HOLD, Action.GO_ON}:
            self.jog.forget()
            self._ask(Request.HOLD if key is Action.HOLD else Request.START)
        else:
            self._move(1 if key is Action.PLUS else -1)

    def _move(self, direction: int) -> None:
        """Send the next piece of the way, unless the arm is held or not there."""
        self.look()
        if self.telemetry.state is not State.RUNNING:
            self.jog.forget()
        if self.ended or self.held or self.telemetry.state not in {State.RUNNING, State.HOLDING}:
            return
        if self._command is not None:
            now_ns = self.log.clock.now_ns()
            self.servo.send_chunk(self.jog.press(self.joint, direction, self._command.goal, now_ns))

    def _ask(self, request: Request) -> None:
        """Send a request without waiting for what comes of it."""
        task = asyncio.ensure_future(self._answered(request))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _answered(self, request: Request) -> None:
        try:
            reply = await self.servo.request(request)
        except ProcessError as error:
            self.log.note(f"{request.value!r} was asked for, but {error}")
            return
        if not reply.accepted:
            self.log.note(f"{request.value!r} was asked for, but {reply.problem}")


async def first_joints(servo: ServoClient, patience_s: float = 5.0) -> None:
    """Wait until the servo process has shown its joints. Raises ProcessError if it does not."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            servo.joint_state()
        except ProcessError:
            if servo.exit_code is not None or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(LOOK_S)
        else:
            return


def quiet_servo_log() -> AbstractContextManager[None]:
    """Keep the servo process's changes of state, one at each press of a key, out of the log; warnings stay."""
    return quieted_log("libra_edge.servo", logging.WARNING)
