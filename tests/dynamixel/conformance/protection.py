"""Checks: bus watchdog, alerts, shutdown."""

from __future__ import annotations

import dynamixel_sdk as sdk  # type: ignore[import-untyped]

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import ALERT_BIT, Refusal
from tests.dynamixel.conformance.client import START_TICK, Client
from tests.dynamixel.conformance.rule import PROTOCOL, XL430, Chapter

watchdog = Chapter("Bus watchdog")
shutdown = Chapter("Alerts and shutdown")
TRIPPED = 255
OVERLOAD, OVERHEATING, VOLTAGE = 0x20, 0x04, 0x01


def armed_and_moving(client: Client) -> None:
    """Servo 1 on a long way, stopped by 100 ms of silence."""
    client.set(1, (r.OPERATING_MODE, 4), (r.PROFILE_VELOCITY, 50), (r.PROFILE_ACCELERATION, 20))
    client.set(1, (r.TORQUE_ENABLE, 1), (r.BUS_WATCHDOG, 5), (r.GOAL_POSITION, 100_000))


def tripped(client: Client) -> None:
    armed_and_moving(client)
    client.pass_time(0.5)
    assert client.read(1, r.BUS_WATCHDOG) == TRIPPED


@watchdog.rule("silence for longer than 20 ms x Bus Watchdog trips it: it reads -1", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    armed_and_moving(client)
    client.pass_time(0.090)
    assert client.read(1, r.BUS_WATCHDOG) == 5
    client.pass_time(0.110)
    assert client.read(1, r.BUS_WATCHDOG) == TRIPPED


@watchdog.rule("any instruction packet on the bus puts it off", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    armed_and_moving(client)
    for _ in range(5):
        client.pass_time(0.090)
        client.error_of_ping(4)
    assert client.read(1, r.BUS_WATCHDOG) == 5


@watchdog.rule("it sleeps while torque is off", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    client.set(1, (r.BUS_WATCHDOG, 5))
    client.pass_time(10.0)
    assert client.read(1, r.BUS_WATCHDOG) == 5


@watchdog.rule("when it trips the servo stops", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    tripped(client)
    stopped_at = client.read(1, r.PRESENT_POSITION)
    client.pass_time(5.0)
    assert client.read(1, r.PRESENT_POSITION) == stopped_at > START_TICK
    assert client.read(1, r.TORQUE_ENABLE) == 1


@watchdog.rule("when it trips the profile is set to 0", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    tripped(client)
    assert [client.read(1, item) for item in (r.PROFILE_VELOCITY, r.PROFILE_ACCELERATION)] == [0, 0]


@watchdog.rule("once tripped, goals are refused with Data Range Error", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    tripped(client)
    assert [client.write(1, item, 0) for item in (r.GOAL_POSITION, r.GOAL_VELOCITY, r.GOAL_PWM)] == [Refusal.RANGE] * 3


@watchdog.rule("once tripped, a Sync Write of goals is lost without a word", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    tripped(client)
    before = client.read(1, r.GOAL_POSITION)
    group = sdk.GroupSyncWrite(client.port, client.packets, r.GOAL_POSITION.address, 4)
    group.addParam(1, [0, 0, 0, 0])
    assert client.is_silent(group.txPacket)
    client.pass_time(5.0)
    assert client.read(1, r.GOAL_POSITION) == client.read(1, r.PRESENT_POSITION) == before


@watchdog.rule("0 clears it, and goals count again", XL430, "Bus Watchdog(98)")
def _(client: Client) -> None:
    tripped(client)
    client.set(1, (r.BUS_WATCHDOG, 0), (r.GOAL_POSITION, START_TICK))
    client.pass_time(30.0)
    assert client.read(1, r.PRESENT_POSITION) == START_TICK


@shutdown.rule("an error sets the alert bit in every answer of that servo", PROTOCOL, "Error")
def _(client: Client) -> None:
    client.emulator.raise_hardware_error(4, OVERLOAD)
    assert client.error_of_ping(4) == ALERT_BIT
    assert client.read_raw(4, r.LED.address, 1) == ([0], ALERT_BIT)
    assert client.write(4, r.LED, 1) == ALERT_BIT
    assert client.error_of_ping(5) == 0


@shutdown.rule("Hardware Error Status says which", XL430, "Hardware Error Status(70)")
def _(client: Client) -> None:
    client.emulator.raise_hardware_error(1, OVERLOAD)
    assert client.read(1, r.HARDWARE_ERROR) == OVERLOAD


@shutdown.rule("an error named in Shutdown takes the torque", XL430, "Shutdown(63)")
def _(client: Client) -> None:
    client.set(1, (r.TORQUE_ENABLE, 1))
    client.emulator.raise_hardware_error(1, OVERLOAD)
    assert client.read(1, r.TORQUE_ENABLE) == 0


@shutdown.rule("an error not named in Shutdown only alerts", XL430, "Shutdown(63)")
def _(client: Client) -> None:
    client.set(1, (r.SHUTDOWN, 0), (r.TORQUE_ENABLE, 1))
    client.emulator.raise_hardware_error(1, OVERLOAD)
    assert (client.read(1, r.TORQUE_ENABLE), client.error_of_ping(1)) == (1, ALERT_BIT)


@shutdown.rule("after a shutdown torque cannot be switched on", XL430, "Shutdown(63)")
def _(client: Client) -> None:
    client.emulator.raise_hardware_error(1, OVERLOAD)
    assert client.write(1, r.TORQUE_ENABLE, 1) == ALERT_BIT | Refusal.RESULT
    assert client.read(1, r.TORQUE_ENABLE) == 0


@shutdown.rule("a reboot ends the shutdown", XL430, "Shutdown(63)")
def _(client: Client) -> None:
    client.emulator.raise_hardware_error(1, OVERLOAD)
    client.packets.reboot(client.port, 1)
    assert client.error_of_ping(1) == 0
    client.set(1, (r.TORQUE_ENABLE, 1))


@shutdown.rule("a temperature above Temperature Limit is overheating", XL430, "Temperature Limit(31)")
def _(client: Client) -> None:
    client.packets.write1ByteTxRx(client.port, 1, r.TEMPERATURE_LIMIT.address, 20)
    assert (client.read(1, r.HARDWARE_ERROR), client.error_of_ping(1)) == (OVERHEATING, ALERT_BIT)


@shutdown.rule("a voltage beyond its limits is an input voltage error", XL430, "Min/Max Voltage Limit(32, 34)")
def _(client: Client) -> None:
    client.packets.write2ByteTxRx(client.port, 1, r.MIN_VOLTAGE.address, 130)
    assert (client.read(1, r.HARDWARE_ERROR), client.error_of_ping(1)) == (VOLTAGE, ALERT_BIT)
