"""What the log is told of the servo process."""

from __future__ import annotations

import pytest

from libra_edge.clock import SimulatedClock
from libra_edge.robot import open_robot
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.servo_news import ServoNews
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import Event, State

ROBOT = open_robot("koch-sim")


def told(*telemetries: ServoTelemetry) -> list[str]:
    log = RunLog(SimulatedClock(0), ROBOT.joint_names, LimitCheck(ROBOT))
    news = ServoNews(telemetries[0])
    for telemetry in telemetries[1:]:
        news.tell(telemetry, log)
    return [f"{fault.kind}: {fault.reaction}" for fault in log.faults]


RUNNING = ServoTelemetry(0, State.RUNNING, Event.START)
STARVED = ServoTelemetry(1, State.HOLDING, Event.CHUNKS_STOPPED)
HELD = ServoTelemetry(2, State.HOLDING, Event.HOLD)


@pytest.mark.parametrize("before", [[RUNNING], [RUNNING, STARVED]])
def test_a_hold_that_somebody_asked_for_is_told_once(before: list[ServoTelemetry]) -> None:
    assert told(*before, HELD, HELD) == ["somebody asked the arm to hold: hold, until start"]


def test_a_hold_for_want_of_chunks_is_none_of_them() -> None:
    assert told(RUNNING, STARVED) == []


def test_a_hold_while_the_arm_is_looked_for_does_not_say_that_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    lost = ServoTelemetry(3, State.RECOVERING, Event.ARM_LOST, recoveries=1, trouble="no answer")
    held = ServoTelemetry(4, State.RECOVERING, Event.HOLD, recoveries=1, trouble="no answer")
    caplog.set_level("INFO")
    assert told(RUNNING, lost, held) == ["no answer: the arm is held and looked for"]
    assert "back" not in caplog.text
