"""ROBOTIS' own client on emulated servos: `dynamixel_sdk` as published, over a real pseudo-terminal.

The servos are as shipped (but for their ids and their speed, 1 Mbps) and move on a clock that only `pass_time`
advances, so that no check depends on how busy the machine is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dynamixel_sdk as sdk  # type: ignore[import-untyped]

from libra_edge.clock import SimulatedClock
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import XL330_M288, XL430_W250
from libra_edge.drivers.simulation.servos.second_order_plant import SecondOrderPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec

IDS = (1, 2, 3, 4, 5, 6)
XL430S = (1, 2)
OLD_FIRMWARE_ID = 6
OLD_FIRMWARE = 44
START_TICK = 2048
PATIENT_MS, IMPATIENT_MS = 3_000, 10
"""The SDK's allowance for an adapter's latency; it waits twice as long."""
MASKS = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFF_FFFF}


class Client:
    """The SDK's port, its packet handler, and what is needed around them."""

    def __init__(self, emulator: ServoBusEmulator, clock: SimulatedClock) -> None:
        self.emulator = emulator
        self.packets = sdk.PacketHandler(2.0)
        self.port = sdk.PortHandler(emulator.port)
        self.answers: list[bytes] = []
        self._clock = clock
        emulator.transmit = self._noted
        sdk.port_handler.LATENCY_TIMER = PATIENT_MS
        assert self.port.openPort()

    def write(self, servo_id: int, register: Register, value: int) -> int:
        """Write; returns the error byte of the answer."""
        ask = getattr(self.packets, f"write{register.size}ByteTxRx")
        result, error = ask(self.port, servo_id, register.address, value & MASKS[register.size])
        assert result == sdk.COMM_SUCCESS, self.packets.getTxRxResult(result)
        return int(error)

    def set(self, servo_id: int, *pairs: tuple[Register, int]) -> None:
        """Write, and expect no error."""
        for register, value in pairs:
            assert self.write(servo_id, register, value) == 0, register.name

    def read(self, servo_id: int, register: Register) -> int:
        """Read, and expect no refusal; the alert bit is allowed."""
        value, error = self.read_raw(servo_id, register.address, register.size)
        assert error & 0x7F == 0, register.name
        return register.decode(bytes(value))

    def read_raw(self, servo_id: int, address: int, size: int) -> tuple[list[int], int]:
        """Data and error byte."""
        data, result, error = self.packets.readTxRx(self.port, servo_id, address, size)
        assert result == sdk.COMM_SUCCESS, self.packets.getTxRxResult(result)
        return data, error

    def write_raw(self, servo_id: int, address: int, data: bytes) -> int:
        """Error byte of the answer."""
        result, error = self.packets.writeTxRx(self.port, servo_id, address, len(data), list(data))
        assert result == sdk.COMM_SUCCESS, self.packets.getTxRxResult(result)
        return int(error)

    def error_of_ping(self, servo_id: int) -> int:
        """Error byte; proves that the servo is there."""
        _, result, error = self.packets.ping(self.port, servo_id)
        assert result == sdk.COMM_SUCCESS, self.packets.getTxRxResult(result)
        return int(error)

    def is_silent(self, ask: Callable[[], Any], witness: int = 1) -> bool:
        """Whether nothing answers; servo `witness` is pinged afterwards, so that it is not mere slowness."""
        before = len(self.answers)
        with self.impatient():
            ask()
        self.port.is_using = False
        self.error_of_ping(witness)
        return len(self.answers) == before + 1

    def pass_time(self, seconds: float) -> None:
        """Let the servos' clock go on, without a packet on the bus; they notice how long that was."""
        self._clock.advance(round(seconds * 1e9))
        with self.emulator.servos():
            pass

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """The SDK gives up early."""
        sdk.port_handler.LATENCY_TIMER = IMPATIENT_MS
        try:
            yield
        finally:
            sdk.port_handler.LATENCY_TIMER = PATIENT_MS

    def _noted(self, packet: bytes) -> bytes:
        self.answers.append(packet)
        return packet


@contextmanager
def connected() -> Iterator[Client]:
    """A client on six new servos: 1 and 2 are XL430s, the others XL330s, the last of them with old firmware."""
    clock = SimulatedClock()
    specs = [ServoSpec(key, XL430_W250 if key in XL430S else XL330_M288, 0, 4095) for key in IDS[:-1]]
    specs.append(ServoSpec(OLD_FIRMWARE_ID, XL330_M288, 0, 4095, firmware=OLD_FIRMWARE))
    plant = SecondOrderPlant(clock, dict.fromkeys(IDS, START_TICK))
    patience = sdk.port_handler.LATENCY_TIMER
    with ServoBusEmulator(specs, plant, clock=clock) as emulator:
        client = Client(emulator, clock)
        try:
            yield client
        finally:
            client.port.closePort()
            sdk.port_handler.LATENCY_TIMER = patience
