"""What can go wrong on the bus, each injected at the wire or in an emulated servo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from libra_edge.drivers.simulation.servos import servo_faults
from libra_edge.drivers.simulation.servos.packet_faults import (
    Transmit,
    corrupt,
    duplicated,
    late,
    lost,
    of_wrong_id,
    one_in,
    truncated,
)
from tests.faults.servo_side import Expected, ServoCase, ServoSide

EVERY = 12
LASTS_S = 0.8
LATE_S = 0.008
"""A servo cycle or so: the packet arrives while the next question is being answered."""
ALL = (1, 2, 3, 4, 5, 6)
SECOND_CHAIN = (3, 4, 5, 6)
"""The XL330s, behind the step-down."""
OVERLOAD, OVERHEAT, UNDERVOLTAGE = 0x20, 0x04, 0x01
"""Bits of register 70."""


def on_the_wire(fault: Callable[[ServoSide], Transmit]) -> Callable[[ServoSide], object]:
    """One status packet in twelve gets it."""

    async def inject(side: ServoSide) -> None:
        side.emulator.transmit = one_in(EVERY, fault(side))
        await asyncio.sleep(LASTS_S)
        side.emulator.transmit = bytes

    return inject


def missing(servo_ids: tuple[int, ...], seconds: float) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        taken = servo_faults.take_out(side.emulator, servo_ids)
        await asyncio.sleep(seconds)
        servo_faults.put_back(side.emulator, taken)

    return inject


def restarted(servo_ids: tuple[int, ...]) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        servo_faults.restart(side.emulator, servo_ids)

    return inject


async def watchdogs_tripped(side: ServoSide) -> None:
    servo_faults.trip_watchdogs(side.emulator, ALL)


async def unplugged(side: ServoSide) -> None:
    side.unplug()
    await asyncio.sleep(0.7)
    side.plug_in()
    servo_faults.restart(side.emulator, ALL)


async def unplugged_for_good(side: ServoSide) -> None:
    side.unplug()


def alert(error: int) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        servo_faults.raise_errors(side.emulator, [3], error)

    return inject


def case(name: str, expected: Expected, inject: Callable[[ServoSide], object], within_ms: float = 1000.0) -> ServoCase:
    return ServoCase("Bus", name, expected, inject, within_ms)  # type: ignore[arg-type]


CASES = (
    case("status packets lost", Expected.GOES_ON, on_the_wire(lambda side: lost)),
    case("status packets late", Expected.GOES_ON, on_the_wire(lambda side: late(side.emulator.send_later, LATE_S))),
    case("status packets corrupt", Expected.GOES_ON, on_the_wire(lambda side: corrupt)),
    case("status packets truncated", Expected.GOES_ON, on_the_wire(lambda side: truncated)),
    case("status packets duplicated", Expected.GOES_ON, on_the_wire(lambda side: duplicated)),
    case("status packets of a wrong id", Expected.GOES_ON, on_the_wire(lambda side: of_wrong_id)),
    case("port unplugged and back", Expected.RECOVERS, unplugged),
    case("port unplugged for good", Expected.STOPS, unplugged_for_good, 7000.0),
    case("one servo missing for a second", Expected.RECOVERS, missing((5,), 1.0)),
    case("a whole daisy chain missing for a second", Expected.RECOVERS, missing(SECOND_CHAIN, 1.0)),
    case("one servo restarted", Expected.RECOVERS, restarted((4,)), 2000.0),
    case("step-down brown-out, four servos restarted", Expected.RECOVERS, restarted(SECOND_CHAIN), 2000.0),
    case("bus watchdog tripped", Expected.RECOVERS, watchdogs_tripped, 2000.0),
    case("overload alert", Expected.STOPS, alert(OVERLOAD)),
    case("overheat alert", Expected.STOPS, alert(OVERHEAT)),
    case("undervoltage alert", Expected.STOPS, alert(UNDERVOLTAGE)),
)
