"""Lets faults befall an emulated bus at their times."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from libra_edge.drivers.dynamixel.servo_model import XL330_M288
from libra_edge.drivers.simulation.servos import servo_faults
from libra_edge.drivers.simulation.servos.fault_file import (
    BrownOut,
    Fault,
    HardwareError,
    LatePackets,
    MissingServos,
    RebootedServos,
    SpoiltPackets,
    TrippedWatchdogs,
)
from libra_edge.drivers.simulation.servos.packet_faults import PACKET_FAULTS, Transmit, late, one_in
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator

logger = logging.getLogger(__name__)

LOOK_S = 0.002


@dataclass(frozen=True, slots=True)
class _Event:
    at_s: float
    text: str
    act: Callable[[], object]


class FaultInjector:
    """While the context lasts, `faults` happen to the emulator's bus; each is told in the log.

    Their time begins with the first instruction packet that the servos hear. Whoever spoils status packets takes them
    in the order in which they began; what is lost to one does not come to the next.
    """

    def __init__(self, emulator: ServoBusEmulator, faults: Iterable[Fault]) -> None:
        self._emulator = emulator
        self._spoilers: dict[int, Transmit] = {}
        with emulator.servos() as servos:
            self._step_down = [servo_id for servo_id, servo in servos.items() if servo.spec.model == XL330_M288]
        events = [event for number, fault in enumerate(faults) for event in self._events(number, fault)]
        self._timeline = sorted(events, key=lambda event: event.at_s)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bus faults", daemon=True)

    def __enter__(self) -> FaultInjector:
        self._emulator.transmit = self._transmitted
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._emulator.ledger.packets:
            if self._ended.wait(LOOK_S):
                return
        began = time.monotonic()
        for event in self._timeline:
            if self._ended.wait(max(0.0, began + event.at_s - time.monotonic())):
                return
            event.act()
            logger.info("%.3f s: %s", event.at_s, event.text)

    def _transmitted(self, packet: bytes) -> bytes:
        for spoil in list(self._spoilers.values()):
            packet = spoil(packet) if packet else b""
        return packet

    def _events(self, number: int, fault: Fault) -> list[_Event]:
        if isinstance(fault, SpoiltPackets):
            return self._spoiling(number, fault, PACKET_FAULTS[fault.kind])
        if isinstance(fault, LatePackets):
            return self._spoiling(number, fault, late(self._emulator.send_later, fault.by_ms / 1e3))
        if isinstance(fault, MissingServos):
            return self._missing(fault)
        if isinstance(fault, BrownOut):
            return self._dark(fault, self._step_down if fault.servos is None else fault.servos)
        return [_Event(fault.at_s, f"{fault.kind}: {_listed(fault.servos)}", lambda: self._strike(fault))]

    def _strike(self, fault: RebootedServos | HardwareError | TrippedWatchdogs) -> None:
        if isinstance(fault, RebootedServos):
            servo_faults.restart(self._emulator, fault.servos)
        elif isinstance(fault, HardwareError):
            servo_faults.raise_errors(self._emulator, fault.servos, fault.bits)
        else:
            servo_faults.trip_watchdogs(self._emulator, fault.servos)

    def _spoiling(self, number: int, fault: SpoiltPackets | LatePackets, spoil: Transmit) -> list[_Event]:
        what = f"status packets {fault.kind}" + (f", one in {fault.every}" if fault.every > 1 else "")
        return [
            _Event(fault.at_s, what, lambda: self._spoilers.update({number: one_in(fault.every, spoil)})),
            _Event(fault.at_s + fault.for_s, f"{what}: over", lambda: self._spoilers.pop(number)),
        ]

    def _missing(self, fault: MissingServos) -> list[_Event]:
        what, taken = f"missing: {_listed(fault.servos)}", {}
        gone = _Event(fault.at_s, what, lambda: taken.update(servo_faults.take_out(self._emulator, fault.servos)))
        if fault.for_s is None:
            return [gone]
        back = _Event(fault.at_s + fault.for_s, f"{what}: back", lambda: servo_faults.put_back(self._emulator, taken))
        return [gone, back]

    def _dark(self, fault: BrownOut, servo_ids: Collection[int]) -> list[_Event]:
        """Torque goes with the power; whoever comes back is as after power-on."""
        what, taken = f"brown-out: {_listed(servo_ids)}", {}

        def lose_power() -> None:
            servo_faults.restart(self._emulator, servo_ids)
            taken.update(servo_faults.take_out(self._emulator, servo_ids))

        def come_back() -> None:
            servo_faults.put_back(self._emulator, taken)
            servo_faults.restart(self._emulator, servo_ids)

        return [
            _Event(fault.at_s, what, lose_power),
            _Event(fault.at_s + fault.for_s, f"{what}: power is back", come_back),
        ]


def _listed(servo_ids: Collection[int]) -> str:
    return f"servo {', '.join(str(servo_id) for servo_id in servo_ids)}"
