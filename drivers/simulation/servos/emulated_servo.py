"""One emulated servo: its control table with access rules, its side effects, its bus watchdog."""

from __future__ import annotations

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import Refusal
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED, WATCHDOG_UNIT_MS
from libra_edge.drivers.simulation.servos.plant import ServoPlant
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec
from libra_edge.protocols import Clock
from libra_edge.robot import TICKS_PER_TURN

TABLE_BYTES = 256
POSITION_MODE = 3
FIXED = {r.SERVO_ID, r.BAUD}
"""Registers that a real servo lets change, this one not."""
GOALS = {r.GOAL_PWM, r.GOAL_CURRENT, r.GOAL_VELOCITY, r.GOAL_POSITION}
RESET_BY_MODE = (r.POSITION_P, r.POSITION_I, r.POSITION_D, r.PROFILE_ACCELERATION, r.PROFILE_VELOCITY, r.GOAL_PWM)


class EmulatedServo:
    """What the e-Manual says a servo does with its registers; the plant does the moving."""

    def __init__(self, spec: ServoSpec, plant: ServoPlant, clock: Clock) -> None:
        self.spec = spec
        self._plant = plant
        self._clock = clock
        self._memory = bytearray(TABLE_BYTES)
        self._turn_offset = 0
        self._heard_ns = clock.now_ns()
        for register in spec.model.registers:
            self[register] = register.initial
        self[r.SERVO_ID] = spec.servo_id
        self[r.FIRMWARE] = spec.firmware
        for register, value in spec.eeprom.items():
            self[register] = value
        self._power_on()

    def __getitem__(self, register: Register) -> int:
        return register.decode(bytes(self._memory[register.address : register.end]))

    def __setitem__(self, register: Register, value: int) -> None:
        self._memory[register.address : register.end] = register.encode(value)

    @property
    def alert(self) -> bool:
        """Whether its answers carry the alert bit."""
        return self[r.HARDWARE_ERROR] != 0

    @property
    def knows_fast_sync_read(self) -> bool:
        """Depends on its firmware."""
        return self.spec.firmware >= self.spec.model.fast_sync_read_since

    def read(self, address: int, size: int) -> bytes | None:
        """`size` bytes with fresh sensors; None beyond the table. Gaps in the table read 0."""
        if address + size > TABLE_BYTES:
            return None
        self._measure()
        return bytes(self._memory[address : address + size])

    def write(self, address: int, data: bytes) -> Refusal:
        """Write whole registers; the first one refused ends it."""
        position, end = address, address + len(data)
        while position < end:
            register = self.spec.model.at(position)
            if register is None:
                return Refusal.ACCESS
            if register.address != position or register.end > end:
                return Refusal.LENGTH
            value = register.decode(data[position - address : register.end - address])
            if refusal := self._refusal(register, value):
                return refusal
            self[register] = value
            self._react(register)
            position = register.end
        return Refusal.NONE

    def stands_at(self) -> int:
        """Its present position, ticks."""
        self._measure()
        return self[r.PRESENT_POSITION]

    def reboot(self) -> None:
        """As after power-on: RAM registers, torque and the turn count are lost, EEPROM stays."""
        self._plant.set_torque(self.spec.servo_id, False)
        for register in self.spec.model.registers:
            if register.address >= r.EEPROM_END:
                self[register] = register.initial
        self._power_on()

    def raise_hardware_error(self, error: int) -> None:
        """Set bits of the hardware error status; those in the shutdown register end the torque."""
        self[r.HARDWARE_ERROR] = self[r.HARDWARE_ERROR] | error
        if error & self[r.SHUTDOWN] and self[r.TORQUE_ENABLE]:
            self[r.TORQUE_ENABLE] = 0
            self._plant.set_torque(self.spec.servo_id, False)

    def hear(self, now_ns: int) -> None:
        """An instruction packet, for whomever, was on the bus: it feeds the watchdog."""
        self._heard_ns = now_ns

    def watchdog_due_ns(self) -> int | None:
        """When the watchdog trips unless a packet comes; None while it is not armed, or torque is off."""
        units = self[r.BUS_WATCHDOG]
        if units in {0, WATCHDOG_TRIPPED} or not self[r.TORQUE_ENABLE]:
            return None
        return self._heard_ns + units * WATCHDOG_UNIT_MS * 1_000_000

    def trip_watchdog(self) -> None:
        """Stop here; goal registers refuse writes until register 98 is set to 0. The profile is gone."""
        self[r.BUS_WATCHDOG] = WATCHDOG_TRIPPED
        self[r.PROFILE_ACCELERATION] = self[r.PROFILE_VELOCITY] = 0
        self._plant.stop(self.spec.servo_id)
        self._measure()
        self[r.GOAL_POSITION] = self[r.PRESENT_POSITION]

    def _power_on(self) -> None:
        tick = self._plant.measure(self.spec.servo_id).position_tick
        self._turn_offset = tick % TICKS_PER_TURN - tick
        self._measure()
        self[r.GOAL_POSITION] = self[r.PRESENT_POSITION]

    def _measure(self) -> None:
        measurement = self._plant.measure(self.spec.servo_id)
        self[r.PRESENT_POSITION] = measurement.position_tick + self._shift
        self[r.PRESENT_VELOCITY] = measurement.velocity_raw
        self[r.PRESENT_CURRENT] = measurement.current_raw

    @property
    def _shift(self) -> int:
        """What the servo adds to the plant's ticks: homing offset and lost turns."""
        return self._turn_offset + self[r.HOMING_OFFSET]

    def _refusal(self, register: Register, value: int) -> Refusal:
        if not register.writable or (register.address < r.EEPROM_END and self[r.TORQUE_ENABLE]):
            return Refusal.ACCESS
        if register in FIXED or (register == r.TORQUE_ENABLE and value and self._shut_down):
            return Refusal.RESULT
        if register in GOALS and self[r.BUS_WATCHDOG] == WATCHDOG_TRIPPED:
            return Refusal.RANGE
        if register == r.OPERATING_MODE and value not in self.spec.model.modes:
            return Refusal.RANGE
        if not register.low <= value <= register.high:
            return Refusal.RANGE
        return Refusal.NONE if self._within_own_limits(register, value) else Refusal.LIMIT

    @property
    def _shut_down(self) -> bool:
        return bool(self[r.HARDWARE_ERROR] & self[r.SHUTDOWN])

    def _within_own_limits(self, register: Register, value: int) -> bool:
        """Limits that the servo holds itself: registers 48 and 52 only in position mode."""
        if register == r.GOAL_POSITION and self[r.OPERATING_MODE] == POSITION_MODE:
            return self[r.MIN_POSITION] <= value <= self[r.MAX_POSITION]
        if register == r.GOAL_CURRENT:
            return abs(value) <= self[r.CURRENT_LIMIT]
        if register == r.GOAL_PWM:
            return abs(value) <= self[r.PWM_LIMIT]
        return register != r.GOAL_VELOCITY or abs(value) <= self[r.VELOCITY_LIMIT]

    def _react(self, register: Register) -> None:
        if register == r.OPERATING_MODE:
            self._reset_by_mode()
        elif register == r.TORQUE_ENABLE:
            self._plant.set_torque(self.spec.servo_id, bool(self[r.TORQUE_ENABLE]))
            self._go()
        elif register == r.GOAL_POSITION:
            self._go()

    def _reset_by_mode(self) -> None:
        """A mode switch puts gains and profile back to their defaults, and the goal current to the current limit."""
        for register in RESET_BY_MODE:
            self[register] = self.spec.model.initial(register)
        if self.spec.model.has(r.GOAL_CURRENT):
            self[r.GOAL_CURRENT] = self[r.CURRENT_LIMIT]

    def _go(self) -> None:
        if not self[r.TORQUE_ENABLE]:
            return
        limit, profile = self[r.VELOCITY_LIMIT], self[r.PROFILE_VELOCITY]
        velocity = min(profile or limit, limit)
        self._plant.set_goal(self.spec.servo_id, self[r.GOAL_POSITION] - self._shift, velocity)
