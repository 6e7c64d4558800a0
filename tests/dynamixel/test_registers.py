"""What a model has no register for, or would refuse, is stopped on our side; what it has, has a unit."""

from __future__ import annotations

import itertools

import pytest

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.register_access import checked_bytes
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import MODELS, XL330_M077, XL330_M288, XL430_W250
from libra_edge.drivers.dynamixel.units import LOAD, unit_of
from libra_edge.errors import RegisterError
from tests.dynamixel.bench import ROBOT, emulated

MODELS_OF_KOCH = {joint.id: MODELS[joint.servo] for joint in ROBOT.joint}


def test_nothing_goes_out_to_a_register_that_the_model_lacks() -> None:
    with emulated() as emulator:
        port = SerialPort(emulator.port, 1_000_000)
        port.open()
        try:
            bus = Bus(port, models=MODELS_OF_KOCH)
            for ask in (
                lambda: bus.write(1, r.GOAL_CURRENT, 100),
                lambda: bus.read(2, r.CURRENT_LIMIT),
                lambda: bus.sync_write(r.GOAL_CURRENT, {6: 100, 1: 100}),
            ):
                with pytest.raises(RegisterError, match=r"xl430-w250 has no (goal current|current limit) .* sent"):
                    ask()
            assert emulator.ledger.packets == 0
            bus.write(6, r.GOAL_CURRENT, 100)
            assert emulator.peek(6, r.GOAL_CURRENT) == 100
        finally:
            port.close()


@pytest.mark.parametrize(
    ("register", "value", "problem"),
    [
        (r.PRESENT_POSITION, 0, "cannot be told its present position"),
        (r.BUS_WATCHDOG, 128, r"takes a bus watchdog of 0 \.\. 127, not 128"),
        (r.MAX_VOLTAGE, 140, r"takes a max voltage limit of 31 \.\. 70, not 140"),
        (r.GOAL_POSITION, -1_048_576, "takes a goal position of"),
    ],
)
def test_values_that_the_model_would_refuse(register: Register, value: int, problem: str) -> None:
    with pytest.raises(RegisterError, match=f"xl330-m288 {problem}"):
        checked_bytes(XL330_M288, register, value)


def test_of_an_unknown_model_only_the_size_is_known() -> None:
    assert checked_bytes(None, r.BUS_WATCHDOG, 255) == b"\xff"
    with pytest.raises(RegisterError, match="a servo takes a bus watchdog of 1 bytes, which 256 is not"):
        checked_bytes(None, r.BUS_WATCHDOG, 256)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_registers_of_a_model_do_not_overlap_and_have_units(model: object) -> None:
    registers = sorted(model.registers, key=lambda item: item.address)  # type: ignore[attr-defined]
    assert all(before.end <= after.address for before, after in itertools.pairwise(registers))
    for register in registers:
        assert register.low <= register.initial <= register.high or not register.writable
        assert unit_of(model, register).scale > 0.0  # type: ignore[arg-type]


def test_what_differs_between_models() -> None:
    assert unit_of(XL430_W250, r.PRESENT_CURRENT) == LOAD
    assert unit_of(XL330_M288, r.PRESENT_CURRENT).symbol == "mA"
    with pytest.raises(KeyError, match="xl430-w250 has no register 102"):
        unit_of(XL430_W250, r.GOAL_CURRENT)
    assert XL330_M077.initial(r.MODEL_NUMBER) == XL330_M077.number == 1190
    assert [model.initial(r.VELOCITY_LIMIT) for model in (XL430_W250, XL330_M288, XL330_M077)] == [265, 445, 1620]
