"""The space bar, on a pseudo-terminal in place of stdin."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import termios
from collections.abc import Iterator

import pytest

from libra_edge.cli import hold_key as hold_key_module
from libra_edge.cli import terminal_keys as module
from libra_edge.cli.hold_key import hold_key
from libra_edge.runtime.control_socket import Reply, Request
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import Event, State


class Servo:
    """Obeys, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.state, self.cause = State.RUNNING, Event.START

    def telemetry(self) -> ServoTelemetry:
        return ServoTelemetry(0, self.state, self.cause)

    async def request(self, request: Request) -> Reply:
        self.asked.append(request)
        self.state = State.HOLDING if request is Request.HOLD else State.RUNNING
        self.cause = Event(request.value)
        return Reply(self.state)


class Log:
    def note(self, text: str) -> None:
        self.last = text


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where keys are written; stdin is the terminal's other end."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield master
    os.close(master)


def pressing(keyboard: int, servo: Servo, *keys: bytes) -> None:
    async def press() -> None:
        run = Run.__new__(Run)
        run.servo, run.log = servo, Log()  # type: ignore[assignment]
        with hold_key(run) as listening:
            assert listening
            for key in keys:
                asked = len(servo.asked)
                os.write(keyboard, key)
                while key == b" " and len(servo.asked) == asked:
                    await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(press(), 30))


def test_space_holds_and_space_again_goes_on_and_other_keys_do_nothing(
    keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "in_foreground", lambda: True)
    monkeypatch.setattr(hold_key_module, "REPEATS_WITHIN_S", 0.0)
    before, servo = termios.tcgetattr(sys.stdin), Servo()
    pressing(keyboard, servo, b"x", b" ", b"\n", b" ")
    assert servo.asked == [Request.HOLD, Request.START]
    assert termios.tcgetattr(sys.stdin) == before


def test_a_space_bar_that_is_kept_down_holds_and_does_not_let_go_on(
    keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "in_foreground", lambda: True)
    monkeypatch.setattr(hold_key_module, "REPEATS_WITHIN_S", 60.0)
    looked: list[State] = []

    class Watched(Servo):
        def telemetry(self) -> ServoTelemetry:
            looked.append(self.state)
            return super().telemetry()

    async def keep_down(servo: Servo) -> None:
        run = Run.__new__(Run)
        run.servo, run.log = servo, Log()  # type: ignore[assignment]
        with hold_key(run):
            for presses in range(1, 6):
                os.write(keyboard, b" ")
                while len(looked) < presses:
                    await asyncio.sleep(0.001)

    servo = Watched()
    asyncio.run(asyncio.wait_for(keep_down(servo), 30))
    assert servo.asked == [Request.HOLD]


def test_after_a_hold_for_want_of_chunks_space_holds_for_good(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "in_foreground", lambda: True)
    servo = Servo()
    servo.state, servo.cause = State.HOLDING, Event.CHUNKS_STOPPED
    pressing(keyboard, servo, b" ")
    assert servo.asked == [Request.HOLD]


def test_without_a_terminal_in_the_foreground_nothing_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123 - stdin as `< /dev/null` gives it
        monkeypatch.setattr(sys, "stdin", nothing)

        async def listen() -> bool:
            with hold_key(Run.__new__(Run)) as listening:
                return listening

        assert not asyncio.run(listen())
