"""What can go wrong on the bus, each injected at the wire or in an emulated servo."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import count

from libra_edge.drivers.dynamixel.frame import Status
from tests.faults.servo_side import Expected, ServoCase, ServoSide

Fault = Callable[[bytes], bytes]
EVERY = 12
LASTS_S = 1.2
SECOND_CHAIN = (3, 4, 5, 6)
"""The XL330s, behind the step-down."""
OVERLOAD, OVERHEAT, UNDERVOLTAGE = 0x20, 0x04, 0x01
"""Bits of register 70."""


def now_and_then(fault: Fault) -> Fault:
    """One status packet in twelve gets it."""
    numbers = count(1)
    return lambda packet: fault(packet) if next(numbers) % EVERY == 0 else packet


def on_the_wire(fault: Callable[[ServoSide], Fault]) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        side.transmit.fault = now_and_then(fault(side))
        await asyncio.sleep(LASTS_S)
        side.transmit.fault = bytes

    return inject


def late(side: ServoSide) -> Fault:
    """It arrives while the next question is being answered."""

    def fault(packet: bytes) -> bytes:
        threading.Timer(0.008, side.emulator.send, [packet]).start()
        return b""

    return fault


def corrupt(packet: bytes) -> bytes:
    return packet[:-5] + bytes([packet[-5] ^ 0x10]) + packet[-4:]


def of_another(packet: bytes) -> bytes:
    """A packet that checks, from a servo that nobody asked."""
    return Status(77, 0, packet[9:-2]).encode()


def missing(servo_ids: tuple[int, ...], seconds: float) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        with side.servos() as servos:
            taken = {servo_id: servos.pop(servo_id) for servo_id in servo_ids}
        await asyncio.sleep(seconds)
        with side.servos() as servos:
            # In the order of the wire.
            servos.update(dict(sorted({**servos, **taken}.items())))

    return inject


def restarted(servo_ids: tuple[int, ...]) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        with side.servos() as servos:
            for servo_id in servo_ids:
                servos[servo_id].reboot()

    return inject


async def watchdogs_tripped(side: ServoSide) -> None:
    with side.servos() as servos:
        for servo in servos.values():
            servo.trip_watchdog()


async def unplugged(side: ServoSide) -> None:
    side.unplug()
    await asyncio.sleep(0.7)
    side.plug_in()
    restart = restarted(tuple(side.emulator._servos))
    await restart(side)  # type: ignore[misc]


async def unplugged_for_good(side: ServoSide) -> None:
    side.unplug()


def alert(error: int) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        side.emulator.raise_hardware_error(3, error)

    return inject


def case(name: str, expected: Expected, inject: Callable[[ServoSide], object], within_ms: float = 1000.0) -> ServoCase:
    return ServoCase("Bus", name, expected, inject, within_ms)  # type: ignore[arg-type]


CASES = (
    case("status packets lost", Expected.GOES_ON, on_the_wire(lambda side: lambda packet: b"")),
    case("status packets late", Expected.GOES_ON, on_the_wire(late)),
    case("status packets corrupt", Expected.GOES_ON, on_the_wire(lambda side: corrupt)),
    case("status packets truncated", Expected.GOES_ON, on_the_wire(lambda side: lambda packet: packet[:-4])),
    case("status packets duplicated", Expected.GOES_ON, on_the_wire(lambda side: lambda packet: packet * 2)),
    case("status packets of a wrong id", Expected.GOES_ON, on_the_wire(lambda side: of_another)),
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
