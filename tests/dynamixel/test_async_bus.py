"""The bus in a program that has an event loop of its own, and what it learns from its answers."""

from __future__ import annotations

import asyncio
import contextlib
import select

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.dynamixel import answer_lengths
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.answer_delay import DEVIATIONS, FIRST_DEVIATION_S, LEAST_S, AnswerDelay
from libra_edge.drivers.dynamixel.async_bus import AsyncBus
from libra_edge.drivers.dynamixel.frame import Status
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.errors import CorruptPacketError, NoAnswerError, PortError
from tests.dynamixel.bench import IDS, PATIENCE_S, SwitchedTransmit, bus_on, emulated

SHORT_S = 0.05


def test_the_loop_goes_on_while_an_answer_is_awaited() -> None:
    async def both(port: SerialPort) -> int:
        bus, ticks = AsyncBus(port, 0.2, attempts=1), 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        beside = asyncio.create_task(tick())
        with pytest.raises(NoAnswerError):
            await bus.read(77, r.LED)
        assert await bus.read(3, r.MODEL_NUMBER) == 1200
        assert list(await bus.sync_read(IDS, 126, 10, fast=True)) == IDS
        beside.cancel()
        return ticks

    with emulated() as emulator:
        port = SerialPort(emulator.port, 1_000_000)
        port.open()
        try:
            assert asyncio.run(both(port)) > 10
        finally:
            port.close()


def test_unplugging_while_an_answer_is_awaited_ends_the_wait() -> None:
    async def pull(port: SerialPort, pulled: asyncio.Event) -> None:
        bus = AsyncBus(port, PATIENCE_S, attempts=1)
        asking = asyncio.create_task(bus.read(3, r.LED))
        await asyncio.sleep(0)
        pulled.set()
        with pytest.raises(PortError, match="unplugged"):
            await asking

    async def run() -> None:
        with emulated(lambda _: b"") as emulator:
            port, pulled = SerialPort(emulator.port, 1_000_000), asyncio.Event()
            port.open()
            try:
                work = asyncio.create_task(pull(port, pulled))
                await pulled.wait()
                emulator.stop()
                await work
            finally:
                port.close()

    asyncio.run(run())


def test_a_late_acknowledgement_is_not_taken_for_the_next_orders() -> None:
    """The first order's answer comes after the second one was sent, which is lost: only silence is true then."""
    held: list[bytes] = []

    def hold_back(packet: bytes) -> bytes:
        held.append(packet)
        return b""

    def late_then_lost(packet: bytes) -> bytes:
        late, held[:] = b"".join(held), []
        return late

    transmit = SwitchedTransmit(hold_back)
    with emulated(transmit) as emulator, bus_on(emulator, SHORT_S) as bus:
        with pytest.raises(NoAnswerError):
            bus.write(3, r.LED, 1)
        transmit.fault = late_then_lost
        with pytest.raises(NoAnswerError):
            bus.write(3, r.LED, 0)
        assert not held
        transmit.fault = bytes
        bus.write(3, r.LED, 1)
        assert emulator.peek(3, r.LED) == 1


def test_a_late_answer_is_not_taken_for_one_to_another_question() -> None:
    """It has three bytes, and so has the answer to a question for one that is asked for two more."""
    held: list[bytes] = []

    def hold_back(packet: bytes) -> bytes:
        held.append(packet)
        return b""

    transmit = SwitchedTransmit(hold_back)
    with emulated(transmit) as emulator, bus_on(emulator, SHORT_S) as bus:
        with pytest.raises(NoAnswerError):
            bus.read_block(3, r.PRESENT_VOLTAGE.address, 3)
        transmit.fault = lambda _packet: b""
        with pytest.raises(NoAnswerError):
            bus.read(3, r.LED)
        transmit.fault = lambda packet: held.pop() + packet
        assert bus.read(3, r.LED) == 0
        assert bus.counts.late == 1


def test_the_rest_of_an_answer_that_comes_too_late_is_counted_once() -> None:
    transmit = SwitchedTransmit(lambda packet: packet[:6])
    with emulated(transmit) as emulator, bus_on(emulator, SHORT_S) as bus:
        with pytest.raises(NoAnswerError):
            bus.read(3, r.LED)
        emulator.send(bytes(6))
        transmit.fault = bytes
        assert select.select([bus.port.fileno()], [], [], PATIENCE_S)[0]
        assert [bus.read(3, r.LED) for _ in range(2)] == [0, 0]
        assert (bus.counts.corrupt, bus.counts.unanswered) == (1, 1)


def test_faults_are_counted_by_kind() -> None:
    def flipped(packet: bytes) -> bytes:
        return packet[:-1] + bytes([packet[-1] ^ 1])

    transmit = SwitchedTransmit(flipped)
    with emulated(transmit) as emulator, bus_on(emulator, SHORT_S, attempts=2) as bus:
        for fault in (flipped, lambda _: b"", lambda packet: Status(9, 0, b"").encode() + packet):
            transmit.fault = fault
            with contextlib.suppress(NoAnswerError, CorruptPacketError):
                bus.read(3, r.LED)
        counts = bus.counts
        assert (counts.corrupt, counts.unanswered, counts.late, counts.repeated, counts.asked) == (2, 2, 1, 2, 5)


@given(st.floats(0.0, 0.1), st.lists(st.booleans(), min_size=60, max_size=60))
def test_the_margin_covers_an_adapter_that_takes_one_of_two_times(slow_s: float, slow: list[bool]) -> None:
    """As one does that looks at its answers every millisecond."""
    delay = AnswerDelay()
    for is_slow in slow:
        delay.took(slow_s if is_slow else 0.0)
    assert LEAST_S <= delay.margin_s <= slow_s + DEVIATIONS * max(slow_s, LEAST_S)
    if sum(slow[-6:]) in range(2, 5):
        assert delay.margin_s >= slow_s


def test_the_margin_forgets_one_slow_answer_and_grows_with_late_ones() -> None:
    delay = AnswerDelay()
    for seconds in [*[0.0001] * 50, 0.01]:
        delay.took(seconds)
    assert delay.margin_s > 0.01
    for _ in range(20):
        delay.took(0.0001)
    assert delay.margin_s < 2 * LEAST_S
    delay.came_too_late()
    assert delay.margin_s > DEVIATIONS * FIRST_DEVIATION_S


def test_a_question_is_a_byte_longer_only_as_long_as_an_answer_may_still_be_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transmit, sizes = SwitchedTransmit(), list[int]()

    def noted(packet: bytes) -> bytes:
        sizes.append(len(packet))
        return packet

    monkeypatch.setattr(answer_lengths, "LATEST_S", PATIENCE_S)
    with emulated(transmit) as emulator, bus_on(emulator, SHORT_S) as bus:
        transmit.fault = noted
        bus.read(3, r.PRESENT_POSITION)
        transmit.fault = lambda _packet: b""
        with pytest.raises(NoAnswerError):
            bus.read(3, r.PRESENT_POSITION)
        transmit.fault = noted
        bus.read(3, r.PRESENT_POSITION)
        monkeypatch.setattr(answer_lengths, "LATEST_S", 0.0)
        bus.read(3, r.PRESENT_POSITION)
    assert [size - sizes[0] for size in sizes] == [0, 1, 0]
