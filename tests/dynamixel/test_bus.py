"""The bus over a pseudo-terminal on which answers are lost, damaged, late, or somebody else's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.exchange import Exchange
from libra_edge.drivers.dynamixel.frame import HEADER, Status
from libra_edge.drivers.dynamixel.instruction_set import Refusal
from libra_edge.drivers.dynamixel.servo_model import XL330_M288
from libra_edge.drivers.dynamixel.stuffing import STUFFED_MARK
from libra_edge.drivers.simulation.servos.plant import ServoMeasurement
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec
from libra_edge.errors import BusError, CorruptPacketError, NoAnswerError, ServoError
from tests.dynamixel.bench import IDS, PATIENCE_S, StillPlant, SwitchedTransmit, bus_on, emulated, wait_until

STATE = (r.PRESENT_CURRENT.address, 10)
SHORT_S = 0.05
"""How long to wait where no answer will come."""
AMPLE_S = 1.0
"""How long to wait where the first answer will not come, but the second must."""


def lost(packet: bytes) -> bytes:
    return b""


def flipped(packet: bytes) -> bytes:
    return packet[:-1] + bytes([packet[-1] ^ 0x10])


def truncated(packet: bytes) -> bytes:
    return packet[:-3]


def from_another(packet: bytes) -> bytes:
    return Status(77, 0, packet[9:-2]).encode()


def once(fault: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The fault for the first packet, then none."""
    left = [fault]
    return lambda packet: left.pop()(packet) if left else packet


@pytest.mark.parametrize("fault", [lost, truncated, from_another])
def test_answers_that_never_come_end_the_wait(fault: Callable[[bytes], bytes]) -> None:
    with emulated(fault) as emulator, bus_on(emulator, SHORT_S, attempts=2) as bus:
        with pytest.raises(NoAnswerError, match="no answer from servo 3 within"):
            bus.read(3, r.PRESENT_POSITION)
        assert bus.repeated == 1


@pytest.mark.timeout(PATIENCE_S / 2)
def test_a_damaged_answer_is_shown_without_waiting_for_another() -> None:
    with emulated(flipped) as emulator, bus_on(emulator, attempts=2) as bus:
        with pytest.raises(CorruptPacketError, match="checksum does not hold"):
            bus.read(3, r.PRESENT_POSITION)
        assert bus.repeated == 1


@pytest.mark.parametrize("fault", [lost, flipped, truncated, from_another])
def test_a_fault_that_passes_costs_one_repetition(fault: Callable[[bytes], bytes]) -> None:
    with emulated(once(fault)) as emulator, bus_on(emulator, AMPLE_S, attempts=2) as bus:
        assert bus.read(3, r.MODEL_NUMBER) == 1200
        assert bus.repeated == 1


@pytest.mark.parametrize("noise", [b"\x00\xff\xff", HEADER, HEADER + b"\x03\xff\x03", instructions.ping(3).encode()])
def test_noise_and_echoes_before_the_answer_are_passed_over(noise: bytes) -> None:
    with emulated(lambda packet: noise + packet) as emulator, bus_on(emulator) as bus:
        assert bus.read(3, r.MODEL_NUMBER) == 1200


def test_an_answer_that_came_too_late_never_answers_the_next_question() -> None:
    transmit = SwitchedTransmit(lost)
    with emulated(transmit) as emulator, bus_on(emulator, SHORT_S) as bus:
        with pytest.raises(NoAnswerError):
            bus.read(3, r.MODEL_NUMBER)
        transmit.fault, bus.answer_margin_s = bytes, PATIENCE_S
        emulator.send(Status(3, 0, (4321).to_bytes(2, "little")).encode())
        assert bus.read(3, r.POSITION_P) == 400


def test_late_answers_of_another_size_or_servo_are_told_apart_even_after_the_question() -> None:
    stale = Status(3, 0, bytes(4)).encode() + Status(2, 0, bytes(2)).encode()
    with emulated(lambda packet: stale + packet) as emulator, bus_on(emulator) as bus:
        assert bus.read(3, r.POSITION_P) == 400


def test_an_answer_of_another_servo_does_not_end_the_wait() -> None:
    stray, answer = Status(2, 0, bytes(2)).encode(), Status(3, 0, (400).to_bytes(2, "little")).encode()
    exchange = Exchange(instructions.read(3, r.POSITION_P.address, 2), 2, [3])
    assert [exchange.feed(piece) for piece in (stray, answer[:5], answer[5:])] == [False, False, True]
    assert r.POSITION_P.decode(exchange.answers[3].parameters) == 400
    assert len(exchange.strays) == 1


def test_a_stale_sync_read_does_not_shift_the_ones_after_it() -> None:
    """Every answer of the first cycle comes in the second; the third must be fresh."""
    held: list[bytes] = []
    transmit = SwitchedTransmit(lambda packet: held.append(packet) or b"")  # type: ignore[func-returns-value]
    with emulated(transmit) as emulator, bus_on(emulator, SHORT_S) as bus:
        with pytest.raises(NoAnswerError):
            bus.sync_read(IDS, r.BUS_WATCHDOG.address, 1)
        transmit.fault, bus.answer_margin_s = bytes, PATIENCE_S
        for servo_id in IDS:
            bus.write(servo_id, r.BUS_WATCHDOG, 40 + servo_id)
        emulator.send(b"".join(held))
        answers = bus.sync_read(IDS, r.BUS_WATCHDOG.address, 1)
        assert [answers[servo_id].parameters[0] for servo_id in IDS] == [40 + servo_id for servo_id in IDS]


def test_a_missing_servo_is_named() -> None:
    present = [ServoSpec(servo_id, XL330_M288, 0, 4095) for servo_id in (1, 2, 3, 5)]
    plant = StillPlant(ServoMeasurement(0, 0, 0), [])
    with emulated(specs=present, plant=plant) as emulator, bus_on(emulator, AMPLE_S) as bus:
        with pytest.raises(NoAnswerError) as caught:
            bus.sync_read([1, 2, 3, 4, 5], *STATE)
        assert caught.value.servo_ids == (4, 5)
        with pytest.raises(NoAnswerError):
            bus.sync_read([1, 2, 3, 4, 5], *STATE, fast=True)
        with pytest.raises(NoAnswerError) as caught:
            bus.ping(4)
        assert caught.value.servo_ids == (4,)


@pytest.mark.timeout(PATIENCE_S / 2)
def test_one_damaged_answer_among_six_ends_the_wait_early() -> None:
    def third_flipped(packet: bytes) -> bytes:
        return flipped(packet) if packet[4] == 3 else packet

    with (
        emulated(third_flipped) as emulator,
        bus_on(emulator) as bus,
        pytest.raises(CorruptPacketError, match="checksum"),
    ):
        bus.sync_read(IDS, *STATE)


def test_a_refusal_says_which_servo_and_why() -> None:
    with emulated() as emulator, bus_on(emulator) as bus:
        with pytest.raises(ServoError, match=r"servo 3 .* out of range") as caught:
            bus.write(3, r.TORQUE_ENABLE, 2)
        assert (caught.value.servo_id, caught.value.code) == (3, Refusal.RANGE)


def test_a_refused_sync_read_is_not_taken_for_data() -> None:
    with emulated() as emulator, bus_on(emulator) as bus, pytest.raises(ServoError, match="servo 1"):
        bus.sync_read(IDS, 660, 10)


def test_a_reboot_is_answered_and_forgets_what_was_in_ram() -> None:
    with emulated() as emulator, bus_on(emulator) as bus:
        bus.write(3, r.LED, 1)
        bus.reboot(3)
        assert bus.read(3, r.LED) == 0


def marks_on_the_wire(servo_ids: list[int], ask: Callable[[Bus], dict[int, Status]]) -> tuple[list[bytes], list[bytes]]:
    """The parameters received and the raw packets sent, where velocity -1 before tick 253 spells the header's mark."""
    packets: list[bytes] = []
    plant = StillPlant(ServoMeasurement(position_tick=253, velocity_raw=-1, current_raw=0), [])
    with emulated(lambda packet: packets.append(packet) or packet, plant=plant) as emulator, bus_on(emulator) as bus:  # type: ignore[func-returns-value]
        answers = ask(bus)
    return [answers[servo_id].parameters for servo_id in servo_ids], packets


def test_answers_that_spell_the_header_are_stuffed_on_the_wire_and_read_as_meant() -> None:
    meant = bytes(2) + b"\xff" * 4 + b"\xfd\x00\x00\x00"
    received, packets = marks_on_the_wire(IDS, lambda bus: bus.sync_read(IDS, *STATE))
    assert received == [meant] * 6
    assert all(STUFFED_MARK in packet and len(packet) == 11 + 10 + 1 for packet in packets)
    received, packets = marks_on_the_wire(IDS, lambda bus: bus.sync_read(IDS, *STATE, fast=True))
    assert received == [meant] * 6
    assert [len(packet) for packet in packets] == [8 + 6 * 14]


def test_a_write_that_spells_the_header_is_stuffed_and_takes_effect() -> None:
    """Goal velocity -1 followed by profile acceleration 253, in one write."""
    data = r.GOAL_VELOCITY.encode(-1) + r.PROFILE_ACCELERATION.encode(253)
    order = instructions.write(3, r.GOAL_VELOCITY.address, data).encode()
    assert STUFFED_MARK in order
    with emulated() as emulator, bus_on(emulator) as bus:
        bus.port.send(order)
        wait_until(lambda: emulator.ledger.packets == 1)
        assert bus.read(3, r.GOAL_VELOCITY) == -1
        assert bus.read(3, r.PROFILE_ACCELERATION) == 253


def test_the_emulator_finds_the_next_instruction_after_garbage_and_counts_what_it_threw_away() -> None:
    damaged = bytearray(instructions.write(3, r.LED.address, b"\x01").encode())
    damaged[-1] ^= 1
    with emulated() as emulator, bus_on(emulator) as bus:
        bus.port.send(b"\x12\xff\xff" + bytes(damaged))
        assert bus.read(3, r.LED) == 0
        assert emulator.ledger.corrupt == 1


def test_a_host_at_another_speed_is_not_understood() -> None:
    with emulated(baud=57_600) as emulator, bus_on(emulator, SHORT_S) as bus, pytest.raises(NoAnswerError):
        bus.ping(1)


def test_unplugging_ends_in_one_sentence() -> None:
    with emulated() as emulator, bus_on(emulator) as bus:
        bus.ping(1)
        emulator.stop()
        with pytest.raises(BusError, match="unplugged"):
            bus.ping(1)


def test_servos_may_be_told_to_answer_less() -> None:
    with emulated() as emulator, bus_on(emulator) as bus:
        bus.write(3, r.STATUS_RETURN_LEVEL, 0)
        bus.answer_margin_s = SHORT_S
        with pytest.raises(NoAnswerError):
            bus.read(3, r.LED)
        bus.answer_margin_s = PATIENCE_S
        assert bus.ping(3).model_number == 1200


def polled(emulator: ServoBusEmulator, order: bytes, bus: Bus) -> None:
    bus.port.send(order)
    emulator.serve(timeout_s=PATIENCE_S)


def test_the_emulator_can_be_polled_instead_of_having_a_thread() -> None:
    emulator = ServoBusEmulator([ServoSpec(1, XL330_M288, 0, 4095)], plant := StillPlant(ServoMeasurement(0, 0, 0), []))
    with bus_on(emulator) as bus:
        polled(emulator, instructions.write(1, r.OPERATING_MODE.address, b"\x04").encode(), bus)
        polled(emulator, instructions.write(1, r.TORQUE_ENABLE.address, b"\x01").encode(), bus)
        polled(emulator, instructions.sync_write(116, {1: r.GOAL_POSITION.encode(5000)}).encode(), bus)
    emulator.stop()
    emulator.stop()
    assert plant.orders == [("torque on", 1), ("goal 0 at 445", 1), ("goal 5000 at 445", 1)]
    assert [(goal.tick, goal.accepted) for goal in emulator.ledger.goals] == [(5000, True)]
    assert emulator.ledger.limits_violated == 1
