"""The servo process: bus, governor and supervisor, alone.

    chunk (shared memory) --> trajectory --> governor --> goal positions --> bus
    control socket, signals, the policy process's pipe --> supervisor
    bus --> joint state, telemetry, log of commands (shared memory)

The loop ticks in a thread of its own; the event loop here only hears what others want and hands it over.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from libra_edge.clock import MonotonicClock
from libra_edge.protocols import Arm, StopSwitch
from libra_edge.robot import Robot
from libra_edge.runtime.channel import ServoChannel
from libra_edge.runtime.control_socket import Reply, Request, control_socket
from libra_edge.runtime.realtime import set_up_realtime
from libra_edge.runtime.servo_directory import ServoDirectory, claim_directory
from libra_edge.runtime.servo_loop import OnExit, ServoLoop
from libra_edge.runtime.servo_thread import run_ticks
from libra_edge.runtime.supervisor import Event

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 1.5


@dataclass(frozen=True, slots=True)
class ServoOptions:
    """How to run: the arm's port (which names the lock), what to do at the end, and the pipe that tells of the policy
    process's death (a file descriptor, None without such a process).

    Attributes:
        stop_switch: holds the arm while it is pressed; None if there is none.
        homing: move to the rest pose at the start; without it the arm holds where it stands, until `start`.
    """

    port: str
    on_exit: OnExit = OnExit.HOLD
    policy_pipe: int | None = None
    stop_switch: StopSwitch | None = None
    homing: bool = True

    @property
    def first(self) -> Event:
        """What happens once the arm is under torque."""
        return Event.TORQUE_ON if self.homing else Event.TORQUE_ON_HERE


async def run_servo(arm: Arm, robot: Robot, options: ServoOptions, announce: Callable[[ServoDirectory], None]) -> None:
    """Drive `arm` until it is stopped; `announce` is called once it stands under torque.

    Raises InputError (arm taken, hardware missing) or, after making the arm safe, the BusError that ended the run.
    """
    events, clock = asyncio.get_running_loop(), MonotonicClock()
    logger.info("real time: %s", set_up_realtime())
    with claim_directory(robot.name, options.port) as directory:
        channel = ServoChannel(directory.path, len(robot.joint))
        servo = ServoLoop(arm, robot, channel, clock, options.on_exit)
        with ThreadPoolExecutor(1, "servo") as thread, _wishes(servo, options):
            async with control_socket(directory.socket, lambda request: _answer(servo, request)):
                opened = functools.partial(events.call_soon_threadsafe, announce, directory)
                await events.run_in_executor(thread, run_ticks, servo, clock, opened, options.first)
    if servo.fault is not None:
        raise servo.fault


@contextlib.contextmanager
def _wishes(servo: ServoLoop, options: ServoOptions) -> Iterator[None]:
    """Hear what others than the control socket want: signals, the policy process's end, a hand on the stop switch."""
    with _signals(servo), _policy_pipe(servo, options.policy_pipe), _stop_switch(servo, options.stop_switch):
        yield


async def _answer(servo: ServoLoop, request: Request) -> Reply:
    if request is Request.STATUS:
        return Reply(servo.state)
    try:
        return await asyncio.wait_for(asyncio.wrap_future(servo.post(Event(request.value))), ANSWER_WITHIN_S)
    except asyncio.TimeoutError:
        return Reply(servo.state, False, "the servo loop does not answer")


@contextlib.contextmanager
def _signals(servo: ServoLoop) -> Iterator[None]:
    """First SIGINT, SIGTERM or SIGHUP: controlled stop. A further one: leave at once, torque on. Ignored afterwards."""
    events, asked = asyncio.get_running_loop(), False

    def stop() -> None:
        nonlocal asked
        servo.post(Event.ABORT if asked else Event.STOP)
        asked = True

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        events.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            events.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _policy_pipe(servo: ServoLoop, pipe: int | None) -> Iterator[None]:
    """Post POLICY_GONE when the other end of `pipe` closes."""
    if pipe is None:
        yield
        return
    events = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(pipe, 4096):
            events.remove_reader(pipe)
            servo.post(Event.POLICY_GONE)

    events.add_reader(pipe, readable)
    try:
        yield
    finally:
        events.remove_reader(pipe)
        os.close(pipe)


def _stop_switch(servo: ServoLoop, switch: StopSwitch | None) -> contextlib.AbstractContextManager[None]:
    """Post each press and release. Raises MissingHardwareError once entered."""
    if switch is None:
        return contextlib.nullcontext()

    def pressed(down: bool) -> None:
        servo.post(Event.PRESSED if down else Event.RELEASED)

    return switch.watch(pressed)
