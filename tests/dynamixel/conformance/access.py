"""Checks: who may write what and when, and what a servo answers at all."""

from __future__ import annotations

import dynamixel_sdk as sdk  # type: ignore[import-untyped]

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import Refusal
from libra_edge.drivers.simulation.servos import control_table as t
from tests.dynamixel.conformance.client import Client
from tests.dynamixel.conformance.rule import PROTOCOL, XL330, XL430, Chapter

access = Chapter("Access, ranges and limits")
answers = Chapter("Answers, ids and speeds")


@access.rule("an XL430 comes with the initial values of its table", XL430, "Control Table of RAM Area")
def _(client: Client) -> None:
    items = (r.POSITION_P, r.POSITION_I, r.POSITION_D, t.VELOCITY_P, t.VELOCITY_I, r.VELOCITY_LIMIT, r.SHUTDOWN)
    assert [client.read(1, item) for item in items] == [640, 0, 4000, 100, 1000, 265, 52]
    assert [client.read(1, item) for item in (r.MIN_VOLTAGE, r.MAX_VOLTAGE, r.TEMPERATURE_LIMIT)] == [60, 140, 72]


@access.rule("an XL330 comes with the initial values of its own", XL330, "Control Table of RAM Area")
def _(client: Client) -> None:
    items = (r.POSITION_P, r.POSITION_I, r.POSITION_D, t.VELOCITY_P, t.VELOCITY_I, r.VELOCITY_LIMIT, r.SHUTDOWN)
    assert [client.read(3, item) for item in items] == [400, 0, 0, 180, 1600, 445, 53]
    assert [client.read(3, item) for item in (r.MIN_VOLTAGE, r.MAX_VOLTAGE, r.CURRENT_LIMIT)] == [35, 70, 1750]


@access.rule("a read-only item refuses with Access Error", PROTOCOL, "Error")
def _(client: Client) -> None:
    for item in (r.MODEL_NUMBER, r.HARDWARE_ERROR, r.PRESENT_POSITION, t.REGISTERED):
        assert client.write(3, item, 1) == Refusal.ACCESS


@access.rule("an address without an item refuses a write with Access Error", PROTOCOL, "Error")
def _(client: Client) -> None:
    assert client.write_raw(3, 72, b"\x01") == Refusal.ACCESS


@access.rule("an XL430 has no current items", XL430, "Control Table of RAM Area")
def _(client: Client) -> None:
    assert client.write(1, r.GOAL_CURRENT, 100) == client.write(1, r.CURRENT_LIMIT, 100) == Refusal.ACCESS
    assert client.write(3, r.GOAL_CURRENT, 100) == 0


@access.rule("fewer bytes than the item has are a Data Length Error", PROTOCOL, "Error")
def _(client: Client) -> None:
    assert client.write_raw(3, r.GOAL_POSITION.address, b"\x00\x01") == Refusal.LENGTH


@access.rule("torque on locks the EEPROM area: Access Error", XL430, "Torque Enable(64)")
def _(client: Client) -> None:
    client.set(1, (r.RETURN_DELAY, 3), (r.TORQUE_ENABLE, 1))
    assert client.write(1, r.RETURN_DELAY, 5) == client.write(1, r.OPERATING_MODE, 4) == Refusal.ACCESS
    assert client.read(1, r.RETURN_DELAY) == 3


@access.rule("torque off unlocks it again", XL430, "Torque Enable(64)")
def _(client: Client) -> None:
    client.set(1, (r.TORQUE_ENABLE, 1), (r.TORQUE_ENABLE, 0), (r.RETURN_DELAY, 5))
    assert client.read(1, r.RETURN_DELAY) == 5


@access.rule("a value out of range is a Data Range Error and changes nothing", PROTOCOL, "Error")
def _(client: Client) -> None:
    for item, value in ((r.PWM_LIMIT, 886), (r.BUS_WATCHDOG, 128), (r.TORQUE_ENABLE, 2), (r.POSITION_P, 16_384)):
        before = client.read(3, item)
        assert client.write(3, item, value) == Refusal.RANGE
        assert client.read(3, item) == before


@access.rule("the velocity limit goes to 1,023 in an XL430", XL430, "Velocity Limit(44)")
def _(client: Client) -> None:
    assert client.write(1, r.VELOCITY_LIMIT, 1024) == Refusal.RANGE
    assert client.write(1, r.VELOCITY_LIMIT, 1023) == 0


@access.rule("the velocity limit goes to 2,047 in an XL330", XL330, "Velocity Limit(44)")
def _(client: Client) -> None:
    assert client.write(3, r.VELOCITY_LIMIT, 2048) == Refusal.RANGE
    assert client.write(3, r.VELOCITY_LIMIT, 2047) == 0


@access.rule("the homing offset goes from -1,044,479 to 1,044,479", XL430, "Homing Offset(20)")
def _(client: Client) -> None:
    assert client.write(1, r.HOMING_OFFSET, -1_044_479) == client.write(1, r.HOMING_OFFSET, 1_044_479) == 0
    assert client.write(1, r.HOMING_OFFSET, 1_044_480) == Refusal.RANGE


@access.rule("an operating mode that the model lacks is refused", XL430, "Operating Mode(11)")
def _(client: Client) -> None:
    assert [client.write(1, r.OPERATING_MODE, mode) for mode in (0, 2, 5)] == [Refusal.RANGE] * 3
    assert [client.write(3, r.OPERATING_MODE, mode) for mode in (0, 1, 3, 4, 5, 16)] == [0] * 6


@access.rule("in position mode a goal beyond the position limits is refused", XL430, "Min/Max Position Limit(48, 52)")
def _(client: Client) -> None:
    client.set(1, (r.MIN_POSITION, 1000), (r.MAX_POSITION, 3000))
    assert client.write(1, r.GOAL_POSITION, 3001) == client.write(1, r.GOAL_POSITION, 999) == Refusal.LIMIT
    assert client.write(1, r.GOAL_POSITION, 3000) == 0


@access.rule("in extended position mode the position limits are not used", XL430, "Min/Max Position Limit(48, 52)")
def _(client: Client) -> None:
    client.set(1, (r.MAX_POSITION, 3000), (r.OPERATING_MODE, 4))
    assert client.write(1, r.GOAL_POSITION, -5000) == 0


@access.rule("in current-based position mode they are not used either", XL330, "Min/Max Position Limit(48, 52)")
def _(client: Client) -> None:
    client.set(3, (r.MAX_POSITION, 3000), (r.OPERATING_MODE, 5))
    assert client.write(3, r.GOAL_POSITION, 5000) == 0


@access.rule("an extended goal lies within 1,048,575 ticks of zero", XL430, "Goal Position(116)")
def _(client: Client) -> None:
    client.set(1, (r.OPERATING_MODE, 4))
    assert client.write(1, r.GOAL_POSITION, 1_048_576) == Refusal.RANGE
    assert client.write(1, r.GOAL_POSITION, -1_048_575) == 0


@access.rule("goal velocity, PWM and current stay within the limits set", XL330, "Goal Velocity(104)")
def _(client: Client) -> None:
    client.set(3, (r.VELOCITY_LIMIT, 100), (r.PWM_LIMIT, 200), (r.CURRENT_LIMIT, 300))
    for item, limit in ((r.GOAL_VELOCITY, 100), (r.GOAL_PWM, 200), (r.GOAL_CURRENT, 300)):
        assert client.write(3, item, -limit - 1) == Refusal.LIMIT
        assert client.write(3, item, -limit) == 0


@access.rule("EEPROM addresses cannot be assigned to indirect addresses", XL430, "Indirect Address")
def _(client: Client) -> None:
    assert client.write_raw(1, 168, (63).to_bytes(2, "little")) == Refusal.RANGE


@answers.rule("Status Return Level 2: everything is answered", XL430, "Status Return Level(68)")
def _(client: Client) -> None:
    assert client.read(1, r.STATUS_RETURN_LEVEL) == 2
    assert client.write(1, r.LED, 1) == 0


@answers.rule("Status Return Level 1: reads and pings are answered", XL430, "Status Return Level(68)")
def _(client: Client) -> None:
    client.set(1, (r.STATUS_RETURN_LEVEL, 1))
    assert client.is_silent(lambda: client.packets.write1ByteTxRx(client.port, 1, r.LED.address, 1))
    assert client.read(1, r.LED) == 1


@answers.rule("Status Return Level 0: pings alone are answered", XL430, "Status Return Level(68)")
def _(client: Client) -> None:
    client.set(1, (r.STATUS_RETURN_LEVEL, 0))
    assert client.is_silent(lambda: client.packets.read1ByteTxRx(client.port, 1, r.LED.address))
    assert client.error_of_ping(1) == 0


@answers.rule("a new id counts at once, and the old one is gone", XL430, "ID(7)")
def _(client: Client) -> None:
    client.set(2, (r.SERVO_ID, 77))
    assert client.read(77, r.SERVO_ID) == 77
    assert client.is_silent(lambda: client.packets.ping(client.port, 2))


@answers.rule("ids end at 252", XL430, "ID(7)")
def _(client: Client) -> None:
    assert client.write(2, r.SERVO_ID, 253) == Refusal.RANGE
    assert client.write(2, r.SERVO_ID, 252) == 0


@answers.rule("two servos with one id spoil each other's answers", XL430, "ID(7)")
def _(client: Client) -> None:
    client.set(4, (r.SERVO_ID, 1))
    with client.impatient():
        assert client.packets.ping(client.port, 1)[1] != sdk.COMM_SUCCESS


@answers.rule("a new baud rate counts at once, for this servo alone", XL430, "Baud Rate(8)")
def _(client: Client) -> None:
    client.set(2, (r.BAUD, 5))
    assert client.is_silent(lambda: client.packets.ping(client.port, 2))
    assert client.port.setBaudRate(3_000_000)
    assert client.read(2, r.BAUD) == 5


@answers.rule("an XL430 has eight speeds, an XL330 seven", XL330, "Baud Rate(8)")
def _(client: Client) -> None:
    assert client.write(1, r.BAUD, 8) == client.write(3, r.BAUD, 7) == Refusal.RANGE


@answers.rule("the return delay is 250 (500 us) as shipped, at most 254", XL430, "Return Delay Time(9)")
def _(client: Client) -> None:
    assert client.read(1, r.RETURN_DELAY) == 250
    assert client.write(1, r.RETURN_DELAY, 255) == Refusal.RANGE


@answers.rule("the realtime tick counts milliseconds up to 32,767", XL430, "Realtime Tick(120)")
def _(client: Client) -> None:
    client.pass_time(1.5)
    assert client.read(1, t.REALTIME_TICK) == 1500
    client.pass_time(32.768)
    assert client.read(1, t.REALTIME_TICK) == 1500
