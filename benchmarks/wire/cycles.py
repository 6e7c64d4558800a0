"""One cycle of a servo loop, by our bus and by ROBOTIS' SDK, with the same instructions on the same wire.

A cycle reads current, velocity and position of every servo, decodes them, and writes a goal position to each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import dynamixel_sdk as sdk  # type: ignore[import-untyped]

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.answer_delay import AnswerDelay
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import MODELS
from libra_edge.drivers.dynamixel.state_reader import STATE_ADDRESS, STATE_BYTES, StateReader, values_in

READ = (r.PRESENT_CURRENT, r.PRESENT_VELOCITY, r.PRESENT_POSITION)
TICK = 2048
READ_WITHIN_S = 0.006
"""What `DynamixelArm` gives a read at 100 Hz."""
BITS_A_BYTE = 10
LATEST_S = 0.05
HEADER_TO_CRC, SYNC_PREFIX, STATUS_OVERHEAD, FAST_OVERHEAD, FAST_PREFIX = 10, 4, 11, 4, 8

Cycle = Callable[[], object]


def wire_us(servos: int, baud: int, *, fast: bool) -> float:
    """What the bytes of one cycle take, return delay 0, no USB."""
    question = HEADER_TO_CRC + SYNC_PREFIX + servos
    answer = FAST_PREFIX + servos * (STATE_BYTES + FAST_OVERHEAD) if fast else servos * (STATE_BYTES + STATUS_OVERHEAD)
    write = HEADER_TO_CRC + SYNC_PREFIX + servos * (1 + r.GOAL_POSITION.size)
    return (question + answer + write) * BITS_A_BYTE * 1e6 / baud


class OurBus:
    """The parts of `DynamixelArm` that a cycle needs."""

    def __init__(self, port: str, baud: int, servos: Mapping[int, str], *, fast: bool) -> None:
        """`servos`: id -> model."""
        self._port = SerialPort(port, baud)
        self._port.open()
        self._ids = list(servos)
        self.bus = Bus(self._port, models={servo_id: MODELS[servo] for servo_id, servo in servos.items()})
        self._state = StateReader(self.bus, self._ids)
        self._state.fast = fast
        self._delay = AnswerDelay()

    def cycle(self) -> list[int]:
        """Values of the servos that answered."""
        with self.bus.within(READ_WITHIN_S, 2, self._delay):
            answers = self._state.read()
        values = [value for status in answers.statuses.values() for value in values_in(status)]
        self.bus.sync_write(r.GOAL_POSITION, dict.fromkeys(self._ids, TICK))
        return values

    def close(self) -> None:
        """Close the port."""
        self._port.close()


class SdkBus:
    """GroupSyncRead and GroupSyncWrite."""

    def __init__(self, port: str, baud: int, servo_ids: Sequence[int], *, fast: bool) -> None:
        self.port = sdk.PortHandler(port)
        assert self.port.openPort()
        assert self.port.setBaudRate(baud)
        packets = sdk.PacketHandler(2.0)
        self._ids = servo_ids
        self._reads = sdk.GroupSyncRead(self.port, packets, STATE_ADDRESS, STATE_BYTES)
        self._writes = sdk.GroupSyncWrite(self.port, packets, r.GOAL_POSITION.address, r.GOAL_POSITION.size)
        goal = list(r.GOAL_POSITION.encode(TICK))
        assert all(self._reads.addParam(servo_id) and self._writes.addParam(servo_id, goal) for servo_id in servo_ids)
        self._goal = goal
        self._read = self._reads.fastSyncRead if fast else self._reads.txRxPacket

    def answered(self) -> bool:
        """One read; whether every servo answered it in time."""
        return bool(self._read() == sdk.COMM_SUCCESS)

    def settle(self) -> None:
        """Let what is late come, and drop it."""
        time.sleep(LATEST_S)
        self.port.clearPort()

    def cycle(self) -> list[int]:
        """Values of all servos if the read succeeded, else none."""
        values = []
        if self.answered():
            values = [
                self._reads.getData(servo_id, register.address, register.size)
                for servo_id in self._ids
                for register in READ
            ]
        for servo_id in self._ids:
            self._writes.changeParam(servo_id, self._goal)
        self._writes.txPacket()
        return values

    def close(self) -> None:
        """Close the port."""
        self.port.closePort()


def durations_us(cycle: Cycle, count: int) -> list[float]:
    """`count` cycles back to back, each from the end of the one before: the wire is never idle meanwhile."""
    cycle()
    taken, before_ns = [], time.perf_counter_ns()
    for _ in range(count):
        cycle()
        now_ns = time.perf_counter_ns()
        taken.append((now_ns - before_ns) / 1e3)
        before_ns = now_ns
    return taken


def cpu_share(cycle: Cycle, rate_hz: float, seconds: float) -> float:
    """CPU time of this process over the time that passed, with a cycle at each deadline."""
    began, cpu_s = time.monotonic(), time.process_time()
    for number in range(round(seconds * rate_hz)):
        time.sleep(max(0.0, began + number / rate_hz - time.monotonic()))
        cycle()
    return (time.process_time() - cpu_s) / (time.monotonic() - began)
