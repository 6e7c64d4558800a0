"""Checks: how a servo moves, and what it says about where it is."""

from __future__ import annotations

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.simulation.servos import control_table as t
from libra_edge.drivers.simulation.servos.plant import ACCELERATION_TICKS_S2, TICKS_A_SECOND
from tests.dynamixel.conformance.client import START_TICK, Client
from tests.dynamixel.conformance.rule import XL330, XL430, Chapter

motion = Chapter("Motion")
REVERSE, TIMED, TORQUE_BY_GOAL = 1, 4, 8
LONG_S = 30.0
SETTLED_S = 0.3
"""After so long the servo moves as its profile says, in spite of its mass."""


@motion.rule("a goal moves the servo when torque is on, not before", XL430, "Torque Enable(64)")
def _(client: Client) -> None:
    client.set(1, (r.GOAL_POSITION, 3000))
    client.pass_time(LONG_S)
    assert client.read(1, r.PRESENT_POSITION) == START_TICK
    client.set(1, (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 3000))
    client.pass_time(LONG_S)
    assert client.read(1, r.PRESENT_POSITION) == 3000


@motion.rule("it goes no faster than Profile Velocity", XL430, "Profile Velocity(112)")
def _(client: Client) -> None:
    client.set(1, (r.PROFILE_VELOCITY, 30), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 4000))
    client.pass_time(SETTLED_S)
    first = client.read(1, r.PRESENT_POSITION)
    assert client.read(1, r.PRESENT_VELOCITY) == 30
    client.pass_time(1.0)
    assert abs(client.read(1, r.PRESENT_POSITION) - first - 30 * TICKS_A_SECOND) <= 1.0


@motion.rule("without a profile the Velocity Limit holds", XL430, "Velocity Limit(44)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 4), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, -100_000))
    client.pass_time(1.0)
    assert client.read(1, r.PRESENT_VELOCITY) == -265


@motion.rule("it speeds up with Profile Acceleration", XL430, "Profile Acceleration(108)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 4), (r.PROFILE_ACCELERATION, 2), (r.PROFILE_VELOCITY, 200))
    client.set(1, (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 100_000))
    client.pass_time(SETTLED_S)
    first = client.read(1, r.PRESENT_VELOCITY)
    client.pass_time(1.0)
    gained = client.read(1, r.PRESENT_VELOCITY) - first
    assert abs(gained - 2 * ACCELERATION_TICKS_S2 / TICKS_A_SECOND) <= 1.0


@motion.rule("a time-based profile arrives after Profile Velocity milliseconds", XL430, "Profile Velocity(112)")
def _(client: Client) -> None:
    client.set(1, (r.DRIVE_MODE, TIMED), (r.PROFILE_VELOCITY, 2000), (r.PROFILE_ACCELERATION, 500))
    client.set(1, (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 3048))
    client.pass_time(1.0)
    assert abs(client.read(1, r.PRESENT_POSITION) - 2548) <= 40
    client.pass_time(0.7)
    assert client.read(1, r.PRESENT_POSITION) < 3030
    client.pass_time(SETTLED_S + SETTLED_S)
    assert abs(client.read(1, r.PRESENT_POSITION) - 3048) <= 1


@motion.rule("Moving and Moving Status tell that it moves, and that it has arrived", XL430, "Moving Status(123)")
def _(client: Client) -> None:
    client.set(1, (r.PROFILE_VELOCITY, 30), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 4000))
    client.pass_time(SETTLED_S)
    assert (client.read(1, t.MOVING), client.read(1, t.MOVING_STATUS) & 0x33) == (1, 0x12)
    client.pass_time(LONG_S)
    assert (client.read(1, t.MOVING), client.read(1, t.MOVING_STATUS) & 0x03) == (0, 0x01)


@motion.rule("velocity mode: it turns on at Goal Velocity, and stops at 0", XL430, "Goal Velocity(104)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 1), (r.TORQUE_ENABLE, 1), (r.GOAL_VELOCITY, -100))
    client.pass_time(LONG_S)
    assert client.read(1, r.PRESENT_VELOCITY) == -100
    assert client.read(1, r.PRESENT_POSITION) < -4096
    client.set(1, (r.GOAL_VELOCITY, 0))
    client.pass_time(LONG_S)
    assert client.read(1, r.PRESENT_VELOCITY) == 0


@motion.rule("PWM mode: it turns the way of Goal PWM", XL430, "Goal PWM(100)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 16), (r.TORQUE_ENABLE, 1), (r.GOAL_PWM, 442))
    client.pass_time(1.0)
    assert client.read(1, r.PRESENT_VELOCITY) > 0


@motion.rule("Present Position = actual position + Homing Offset", XL430, "Homing Offset(20)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 4), (r.HOMING_OFFSET, -1500))
    assert client.read(1, r.PRESENT_POSITION) == START_TICK - 1500


@motion.rule("goals count with the homing offset too", XL430, "Homing Offset(20)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 4), (r.HOMING_OFFSET, -1500), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 600))
    client.pass_time(LONG_S)
    client.set(1, (r.TORQUE_ENABLE, 0), (r.HOMING_OFFSET, 0))
    assert client.read(1, r.PRESENT_POSITION) == 2100


@motion.rule("in position mode an offset beyond 1,024 is ignored", XL430, "Homing Offset(20)")
def _(client: Client) -> None:
    client.set(1, (r.HOMING_OFFSET, 1025))
    assert client.read(1, r.PRESENT_POSITION) == START_TICK
    client.set(1, (r.HOMING_OFFSET, 1024))
    assert client.read(1, r.PRESENT_POSITION) == START_TICK + 1024


@motion.rule("reverse mode turns positions and goals round", XL430, "Drive Mode(10)")
def _(client: Client) -> None:
    client.set(1, (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 2548))
    client.pass_time(LONG_S)
    client.set(1, (r.TORQUE_ENABLE, 0), (r.DRIVE_MODE, REVERSE))
    assert client.read(1, r.PRESENT_POSITION) == 4096 - 2548
    client.set(1, (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 2000))
    client.pass_time(LONG_S)
    assert client.read(1, r.PRESENT_POSITION) == 2000
    client.set(1, (r.TORQUE_ENABLE, 0), (r.DRIVE_MODE, 0))
    assert client.read(1, r.PRESENT_POSITION) == 4096 - 2000


@motion.rule("reverse mode leaves the sign of the homing offset alone", XL430, "Homing Offset(20)")
def _(client: Client) -> None:
    client.set(1, (r.DRIVE_MODE, REVERSE), (r.HOMING_OFFSET, 100))
    assert client.read(1, r.PRESENT_POSITION) == 4096 - START_TICK + 100


@motion.rule("Torque On by Goal Update: a goal switches torque on", XL430, "Drive Mode(10)")
def _(client: Client) -> None:
    client.set(1, (r.DRIVE_MODE, TORQUE_BY_GOAL), (r.GOAL_POSITION, 2100))
    client.pass_time(LONG_S)
    assert (client.read(1, r.TORQUE_ENABLE), client.read(1, r.PRESENT_POSITION)) == (1, 2100)


@motion.rule("a change of mode resets gains, feedforward and profile", XL430, "Operating Mode(11)")
def _(client: Client) -> None:
    client.set(1, (r.POSITION_P, 1), (r.POSITION_D, 1), (t.FEEDFORWARD_1, 9), (r.PROFILE_VELOCITY, 50))
    client.set(1, (r.PROFILE_ACCELERATION, 5), (r.OPERATING_MODE, 4))
    items = (r.POSITION_P, r.POSITION_D, t.FEEDFORWARD_1, r.PROFILE_VELOCITY, r.PROFILE_ACCELERATION)
    assert [client.read(1, item) for item in items] == [640, 4000, 0, 0, 0]


@motion.rule("a change of mode puts Goal PWM to PWM Limit", XL430, "Operating Mode(11)")
def _(client: Client) -> None:
    client.set(1, (r.PWM_LIMIT, 700), (r.GOAL_PWM, 3), (r.OPERATING_MODE, 4))
    assert client.read(1, r.GOAL_PWM) == 700


@motion.rule("a change of mode puts Goal Current to Current Limit", XL330, "Operating Mode(11)")
def _(client: Client) -> None:
    client.set(3, (r.CURRENT_LIMIT, 900), (r.GOAL_CURRENT, 3), (r.OPERATING_MODE, 5))
    assert client.read(3, r.GOAL_CURRENT) == 900


@motion.rule("position mode brings the position back into one turn", XL430, "Present Position(132)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 4), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 9000))
    client.pass_time(LONG_S)
    assert client.read(1, r.PRESENT_POSITION) == 9000
    client.set(1, (r.TORQUE_ENABLE, 0), (r.OPERATING_MODE, 3))
    assert client.read(1, r.PRESENT_POSITION) == 9000 % 4096


@motion.rule("so does a reboot, whatever the mode", XL430, "Present Position(132)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 4), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, -3000))
    client.pass_time(LONG_S)
    client.packets.reboot(client.port, 1)
    assert client.read(1, r.PRESENT_POSITION) == -3000 % 4096


@motion.rule("Startup Torque On: there is torque after a reboot", XL430, "Startup Configuration(60)")
def _(client: Client) -> None:
    client.set(1, (r.STARTUP, 1))
    client.packets.reboot(client.port, 1)
    assert client.read(1, r.TORQUE_ENABLE) == 1
