"""The emulated control table: what may be written when, and what else then changes."""

from __future__ import annotations

import pytest

from libra_edge.clock import SimulatedClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import Refusal
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED, XL330_M288, XL430_W250, ServoModel
from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo
from libra_edge.drivers.simulation.servos.plant import TICKS_A_SECOND, KinematicPlant
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec

MS = 1_000_000


class Bench:
    """One servo at a start tick, on a simulated clock."""

    def __init__(self, model: ServoModel = XL330_M288, start_tick: int = 2048) -> None:
        self.clock = SimulatedClock()
        self.plant = KinematicPlant(self.clock, {1: start_tick})
        self.servo = EmulatedServo(ServoSpec(1, model, 0, 4095), self.plant, self.clock)

    def write(self, register: Register, value: int) -> Refusal:
        return self.servo.write(register.address, register.encode(value))

    def read(self, register: Register) -> int:
        data = self.servo.read(register.address, register.size)
        assert data is not None
        return register.decode(data)


def test_a_servo_comes_as_shipped() -> None:
    for model, number, gains in ((XL430_W250, 1060, (640, 0, 4000)), (XL330_M288, 1200, (400, 0, 0))):
        bench = Bench(model)
        assert bench.read(r.MODEL_NUMBER) == number
        assert tuple(bench.read(gain) for gain in (r.POSITION_P, r.POSITION_I, r.POSITION_D)) == gains
        assert (bench.read(r.RETURN_DELAY), bench.read(r.OPERATING_MODE), bench.read(r.TORQUE_ENABLE)) == (250, 3, 0)


def test_eeprom_is_locked_under_torque() -> None:
    bench = Bench()
    assert bench.write(r.RETURN_DELAY, 0) == Refusal.NONE
    bench.write(r.TORQUE_ENABLE, 1)
    assert bench.write(r.RETURN_DELAY, 5) == Refusal.ACCESS
    assert bench.read(r.RETURN_DELAY) == 0


@pytest.mark.parametrize("register", [r.MODEL_NUMBER, r.HARDWARE_ERROR, r.PRESENT_POSITION])
def test_read_only_registers_refuse(register: Register) -> None:
    assert Bench().write(register, 1) == Refusal.ACCESS


@pytest.mark.parametrize(
    ("register", "value"),
    [(r.PWM_LIMIT, 886), (r.BUS_WATCHDOG, 128), (r.TORQUE_ENABLE, 2), (r.OPERATING_MODE, 2), (r.POSITION_P, 16384)],
)
def test_values_out_of_range_are_refused_and_change_nothing(register: Register, value: int) -> None:
    bench = Bench()
    before = bench.read(register)
    assert bench.write(register, value) == Refusal.RANGE
    assert bench.read(register) == before


def test_the_xl430_has_no_current_registers() -> None:
    bench = Bench(XL430_W250)
    assert bench.write(r.GOAL_CURRENT, 100) == Refusal.ACCESS
    assert bench.write(r.CURRENT_LIMIT, 100) == Refusal.ACCESS
    assert Bench(XL330_M288).write(r.GOAL_CURRENT, 100) == Refusal.NONE
    assert bench.write(r.OPERATING_MODE, 5) == Refusal.RANGE


def test_half_a_register_is_refused() -> None:
    bench = Bench()
    assert bench.servo.write(r.GOAL_POSITION.address, b"\x00\x00") == Refusal.LENGTH
    assert bench.servo.write(r.GOAL_POSITION.address + 1, b"\x00" * 4) == Refusal.LENGTH


def test_one_write_may_cover_several_registers() -> None:
    bench = Bench()
    assert bench.servo.write(r.POSITION_D.address, bytes([1, 0, 2, 0, 3, 0])) == Refusal.NONE
    assert [bench.read(gain) for gain in (r.POSITION_D, r.POSITION_I, r.POSITION_P)] == [1, 2, 3]


@pytest.mark.parametrize(("mode", "refusal"), [(3, Refusal.LIMIT), (4, Refusal.NONE), (5, Refusal.NONE)])
def test_position_limits_hold_in_mode_3_alone(mode: int, refusal: Refusal) -> None:
    bench = Bench()
    bench.write(r.OPERATING_MODE, mode)
    bench.write(r.MAX_POSITION, 3000)
    assert bench.write(r.GOAL_POSITION, 3500) == refusal
    assert bench.write(r.GOAL_POSITION, 2500) == Refusal.NONE


def test_a_mode_switch_resets_gains_profile_and_goal_current() -> None:
    bench = Bench()
    for register, value in ((r.POSITION_P, 1500), (r.PROFILE_VELOCITY, 100), (r.GOAL_CURRENT, 500)):
        bench.write(register, value)
    bench.write(r.OPERATING_MODE, 5)
    assert bench.read(r.POSITION_P) == 400
    assert bench.read(r.PROFILE_VELOCITY) == 0
    assert bench.read(r.GOAL_CURRENT) == bench.read(r.CURRENT_LIMIT) == 1750


def test_goals_move_only_under_torque_and_no_faster_than_the_profile() -> None:
    bench = Bench()
    bench.write(r.OPERATING_MODE, 4)
    bench.write(r.PROFILE_VELOCITY, 100)
    bench.write(r.GOAL_POSITION, 4048)
    bench.clock.advance(1000 * MS)
    assert bench.read(r.PRESENT_POSITION) == 2048
    bench.write(r.TORQUE_ENABLE, 1)
    bench.clock.advance(500 * MS)
    assert bench.read(r.PRESENT_POSITION) == round(2048 + 100 * TICKS_A_SECOND * 0.5)
    assert bench.read(r.PRESENT_VELOCITY) == 100
    bench.clock.advance(10_000 * MS)
    assert (bench.read(r.PRESENT_POSITION), bench.read(r.PRESENT_VELOCITY)) == (4048, 0)


def test_without_a_profile_the_velocity_limit_holds() -> None:
    bench = Bench()
    bench.write(r.OPERATING_MODE, 4)
    bench.write(r.TORQUE_ENABLE, 1)
    bench.write(r.GOAL_POSITION, -100_000)
    bench.clock.advance(100 * MS)
    assert bench.read(r.PRESENT_VELOCITY) == -445


def armed_and_moving() -> Bench:
    bench = Bench()
    for register, value in (
        (r.OPERATING_MODE, 4),
        (r.PROFILE_VELOCITY, 50),
        (r.BUS_WATCHDOG, 5),
        (r.TORQUE_ENABLE, 1),
        (r.GOAL_POSITION, 100_000),
    ):
        assert bench.write(register, value) == Refusal.NONE
    bench.servo.hear(bench.clock.now_ns())
    return bench


def test_the_watchdog_is_due_after_its_silence_and_any_packet_puts_it_off() -> None:
    bench = armed_and_moving()
    assert bench.servo.watchdog_due_ns() == 100 * MS
    bench.clock.advance(60 * MS)
    bench.servo.hear(bench.clock.now_ns())
    assert bench.servo.watchdog_due_ns() == 160 * MS


@pytest.mark.parametrize("register", [r.BUS_WATCHDOG, r.TORQUE_ENABLE])
def test_the_watchdog_sleeps_when_off_and_without_torque(register: Register) -> None:
    bench = armed_and_moving()
    bench.write(register, 0)
    assert bench.servo.watchdog_due_ns() is None


def test_a_tripped_watchdog_stops_the_servo_and_refuses_goals_until_cleared() -> None:
    bench = armed_and_moving()
    bench.clock.advance(100 * MS)
    bench.servo.trip_watchdog()
    stopped_at = bench.read(r.PRESENT_POSITION)
    bench.clock.advance(1000 * MS)
    assert bench.read(r.PRESENT_POSITION) == stopped_at > 2048
    assert bench.read(r.BUS_WATCHDOG) == WATCHDOG_TRIPPED
    assert bench.read(r.PROFILE_VELOCITY) == 0
    assert bench.write(r.GOAL_POSITION, 0) == Refusal.RANGE
    assert bench.write(r.BUS_WATCHDOG, 0) == Refusal.NONE
    assert bench.write(r.GOAL_POSITION, 0) == Refusal.NONE


def test_a_reboot_loses_ram_torque_and_turns_but_not_eeprom() -> None:
    bench = Bench(start_tick=2048)
    for register, value in ((r.OPERATING_MODE, 4), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 5000), (r.BUS_WATCHDOG, 5)):
        bench.write(register, value)
    bench.clock.advance(60_000 * MS)
    assert bench.read(r.PRESENT_POSITION) == 5000
    bench.servo.reboot()
    assert bench.read(r.PRESENT_POSITION) == bench.read(r.GOAL_POSITION) == 5000 - 4096
    assert [bench.read(reg) for reg in (r.OPERATING_MODE, r.TORQUE_ENABLE, r.BUS_WATCHDOG)] == [4, 0, 0]


def test_the_homing_offset_shifts_what_is_read_and_what_is_asked() -> None:
    bench = Bench(start_tick=1000)
    bench.write(r.OPERATING_MODE, 4)
    bench.write(r.HOMING_OFFSET, -300)
    assert bench.read(r.PRESENT_POSITION) == 700
    bench.write(r.TORQUE_ENABLE, 1)
    bench.write(r.GOAL_POSITION, 800)
    bench.clock.advance(10_000 * MS)
    assert bench.plant.measure(1).position_tick == 1100
    assert bench.read(r.PRESENT_POSITION) == 800


def test_an_overload_ends_the_torque_until_a_reboot() -> None:
    bench = Bench()
    bench.write(r.TORQUE_ENABLE, 1)
    bench.servo.raise_hardware_error(0b100000)
    assert bench.servo.alert
    assert bench.read(r.TORQUE_ENABLE) == 0
    assert bench.write(r.TORQUE_ENABLE, 1) == Refusal.RESULT
    bench.servo.reboot()
    assert bench.read(r.HARDWARE_ERROR) == 0
    assert bench.write(r.TORQUE_ENABLE, 1) == Refusal.NONE


def test_an_error_outside_the_shutdown_register_only_alerts() -> None:
    bench = Bench()
    bench.write(r.SHUTDOWN, 0)
    bench.write(r.TORQUE_ENABLE, 1)
    bench.servo.raise_hardware_error(0b100)
    assert bench.servo.alert
    assert bench.read(r.TORQUE_ENABLE) == 1


def test_beyond_the_table_there_is_nothing_to_read() -> None:
    assert Bench().servo.read(250, 10) is None
