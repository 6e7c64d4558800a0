"""A stop switch on a GPIO line, with a software gpiod that has the real one's shape (2.5)."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from libra_edge.cli.servo import _switch
from libra_edge.drivers.stop_switch.gpio_line import GpioLine
from libra_edge.errors import MissingHardwareError
from libra_edge.robot import StopLineSection, open_robot
from tests.runtime_servo.test_stop_switch import wait_for

CHIP, LINE = "/dev/gpiochip0", 85


class Value(enum.Enum):
    INACTIVE = 0
    ACTIVE = 1


class Bias(enum.Enum):
    PULL_UP = 4
    PULL_DOWN = 5


class Direction(enum.Enum):
    INPUT = 2


class Edge(enum.Enum):
    BOTH = 4


@dataclass(frozen=True)
class LineSettings:
    direction: Direction
    edge_detection: Edge
    bias: Bias
    active_low: bool
    debounce_period: timedelta


@dataclass
class SoftwareLine:
    """A pin: `high` is its level; without anybody who drives it, what pulls it."""

    driven: bool | None = None
    settings: LineSettings | None = None
    released: bool = False
    broken: bool = False
    pipe: tuple[int, int] = field(default_factory=os.pipe)

    def drive(self, high: bool | None) -> None:
        self.driven = high
        os.write(self.pipe[1], b"e")

    @property
    def fd(self) -> int:
        return self.pipe[0]

    def get_value(self, line: int) -> Value:
        assert line == LINE
        assert self.settings is not None
        if self.broken:
            raise OSError("No such device")
        high = self.settings.bias is Bias.PULL_UP if self.driven is None else self.driven
        return Value(int(high != self.settings.active_low))

    def read_edge_events(self) -> list[Any]:
        return [None] * len(os.read(self.fd, 100))

    def release(self) -> None:
        self.released = True


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> SoftwareLine:
    pin = SoftwareLine(driven=False)

    def request_lines(path: str, config: dict[int, LineSettings], consumer: str) -> SoftwareLine:
        if path != CHIP:
            raise FileNotFoundError(2, "No such file or directory")
        pin.settings = config[LINE]
        assert consumer
        return pin

    gpiod = ModuleType("gpiod")
    names = {"Direction": Direction, "Edge": Edge, "Bias": Bias, "Value": Value}
    parts = {"line": SimpleNamespace(**names), "LineSettings": LineSettings, "request_lines": request_lines}
    for name, part in parts.items():
        setattr(gpiod, name, part)
    monkeypatch.setitem(sys.modules, "gpiod", gpiod)
    return pin


def told_by(switch: GpioLine, *steps: Callable[[], None]) -> list[bool]:
    """What is told at the start and after each step, one word a step."""
    told: list[bool] = []
    with switch.watch(told.append):
        wait_for(lambda: len(told) == 1)
        for number, step in enumerate(steps, start=2):
            step()
            wait_for(lambda number=number: len(told) == number)  # type: ignore[misc]
    return told


def test_a_press_a_release_and_a_broken_wire(line: SoftwareLine) -> None:
    press, release, tear = (partial(line.drive, level) for level in (True, False, None))
    assert told_by(GpioLine(CHIP, LINE, "high"), press, release, tear) == [False, True, False, True]
    assert line.released


def test_a_switch_that_is_pressed_at_the_start_is_told(line: SoftwareLine) -> None:
    line.driven = True
    assert told_by(GpioLine(CHIP, LINE, "high")) == [True]


def test_a_switch_that_pulls_down_is_the_other_way_round(line: SoftwareLine) -> None:
    line.driven = True
    switch = GpioLine(CHIP, LINE, "low")
    assert told_by(switch, partial(line.drive, False)) == [False, True]
    assert told_by(switch, partial(line.drive, None)) == [True, True]


def test_a_line_that_fails_is_a_press(line: SoftwareLine) -> None:
    def fail() -> None:
        line.broken = True
        line.drive(False)

    assert told_by(GpioLine(CHIP, LINE, "high"), fail) == [False, True]


def test_a_chip_that_is_not_there_is_one_sentence(line: SoftwareLine) -> None:
    assert not line.released
    with (
        pytest.raises(MissingHardwareError, match=r"line 85 of /dev/gpiochip7, cannot be had .*gpioinfo"),
        GpioLine("/dev/gpiochip7", LINE, "high").watch(lambda _down: None),
    ):
        pass


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(MissingHardwareError, match="pip install gpiod"), GpioLine(CHIP, LINE, "high").watch(print):
        pass


def test_the_robot_file_chooses_the_switch() -> None:
    robot = open_robot("koch")
    assert _switch(robot) is None
    section = StopLineSection(chip=CHIP, line=LINE)
    assert isinstance(_switch(robot.model_copy(update={"stop_line": section})), GpioLine)
