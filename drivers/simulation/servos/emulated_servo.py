"""One emulated servo: what may be written when, what else then changes, its bus watchdog."""

from __future__ import annotations

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import Refusal
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED, WATCHDOG_UNIT_MS
from libra_edge.drivers.simulation.servos import control_table as t
from libra_edge.drivers.simulation.servos.control_table import BAUDS, FACTORY_BAUD, ControlTable
from libra_edge.drivers.simulation.servos.plant import ServoPlant
from libra_edge.drivers.simulation.servos.servo_motion import (
    POSITION_MODE,
    REVERSED,
    TIMED,
    TORQUE_BY_GOAL,
    ServoMotion,
)
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec
from libra_edge.protocols import Clock

FACTORY_ID = 1
GOALS = {r.GOAL_PWM, r.GOAL_CURRENT, r.GOAL_VELOCITY, r.GOAL_POSITION}
HEALTH_LIMITS = {r.TEMPERATURE_LIMIT, r.MAX_VOLTAGE, r.MIN_VOLTAGE}
RESET_BY_MODE = (
    t.VELOCITY_I,
    t.VELOCITY_P,
    r.POSITION_P,
    r.POSITION_I,
    r.POSITION_D,
    t.FEEDFORWARD_1,
    t.FEEDFORWARD_2,
    r.PROFILE_ACCELERATION,
    r.PROFILE_VELOCITY,
)
INPUT_VOLTAGE, OVERHEATING = 0b0000_0001, 0b0000_0100
"""Bits of the hardware error status that the servo finds out by itself; the others come from `raise_hardware_error`."""
STARTUP_TORQUE = 0b01
DRIVE_MODE_BITS = REVERSED | TIMED | TORQUE_BY_GOAL


class EmulatedServo:
    """What the e-Manual says a servo does with its registers; the plant does the moving."""

    def __init__(self, spec: ServoSpec, plant: ServoPlant, clock: Clock) -> None:
        self.spec = spec
        self._clock = clock
        self._table = ControlTable(spec.model)
        self._motion = ServoMotion(spec.servo_id, self._table, plant)
        self._registered: tuple[int, bytes] | None = None
        self._heard_ns = clock.now_ns()
        self._table[r.SERVO_ID] = spec.servo_id
        for register, value in spec.eeprom.items():
            self._table[register] = value
        self._power_on()

    def __getitem__(self, register: Register) -> int:
        return self._table[register]

    def __setitem__(self, register: Register, value: int) -> None:
        self._table[register] = value

    @property
    def servo_id(self) -> int:
        """Its id on the bus, which may have been changed."""
        return self[r.SERVO_ID]

    @property
    def baud(self) -> int:
        """Speed at which it listens."""
        return BAUDS[self[r.BAUD]]

    @property
    def alert(self) -> bool:
        """Whether its answers carry the alert bit."""
        return self[r.HARDWARE_ERROR] != 0

    @property
    def knows_fast_sync_read(self) -> bool:
        """Depends on its firmware."""
        return self.spec.firmware >= self.spec.model.fast_sync_read_since

    def in_group(self, servo_id: int) -> bool:
        """Whether `servo_id` is its secondary id: it then obeys without an answer (e-Manual, "Secondary ID(12)")."""
        return servo_id == self[t.SECONDARY_ID] <= 252 and servo_id != self.servo_id

    def read(self, address: int, size: int) -> bytes | None:
        """`size` bytes with fresh sensors; None beyond the table and where no register is."""
        self._motion.measure()
        self._motion.report(self._clock.now_ns())
        return self._table.read(address, size)

    def write(self, address: int, data: bytes) -> Refusal:
        """Write whole registers; the first one refused ends it."""
        position, end = address, address + len(data)
        while position < end:
            place = self._table.resolve(position)
            register = self._table.at(place)
            if register is None:
                return Refusal.ACCESS
            places = [self._table.resolve(byte) for byte in range(position, position + register.size)]
            whole = places == list(range(register.address, register.end))
            if not whole or position + register.size > end:
                return Refusal.LENGTH
            value = register.decode(data[position - address : position - address + register.size])
            if refusal := self._put(register, value):
                return refusal
            position += register.size
        return Refusal.NONE

    def register_write(self, address: int, data: bytes) -> Refusal:
        """Keep a write for `act`."""
        self._registered = (address, data)
        self[t.REGISTERED] = 1
        return Refusal.NONE

    def act(self) -> tuple[int, bytes] | None:
        """The write that was kept, which is then forgotten; None if there is none."""
        kept, self._registered = self._registered, None
        self[t.REGISTERED] = 0
        return kept

    def stands_at(self) -> int:
        """Its present position, ticks."""
        self._motion.measure()
        return self[r.PRESENT_POSITION]

    def clear_turns(self) -> Refusal:
        """Forget whole turns; the goal stays where it is in space. RESULT while it moves."""
        self._motion.measure()
        if self._motion.moving:
            return Refusal.RESULT
        goal = self[r.GOAL_POSITION] + self._motion.fold()
        self[r.GOAL_POSITION] = max(-r.MULTI_TURN_TICKS, min(r.MULTI_TURN_TICKS, goal))
        return Refusal.NONE

    def reboot(self) -> None:
        """As after power-on: RAM registers, torque and the turn count are lost, EEPROM stays."""
        self._table.reset(tuple(item for item in self._table.registers if item.address >= r.EEPROM_END))
        self._motion.set_torque()
        self._registered = None
        self._power_on()

    def factory_reset(self, keep_id: bool, keep_baud: bool) -> None:
        """Every register as shipped, then a reboot."""
        servo_id, baud = self.servo_id, self[r.BAUD]
        self._table.reset(self._table.registers)
        self[r.SERVO_ID] = servo_id if keep_id else FACTORY_ID
        self[r.BAUD] = baud if keep_baud else FACTORY_BAUD
        self.reboot()

    def raise_hardware_error(self, error: int) -> None:
        """Set bits of the hardware error status; those in the shutdown register end the torque."""
        self[r.HARDWARE_ERROR] = self[r.HARDWARE_ERROR] | error
        if error & self[r.SHUTDOWN] and self[r.TORQUE_ENABLE]:
            self[r.TORQUE_ENABLE] = 0
            self._motion.set_torque()

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
        self._motion.hold()

    def _power_on(self) -> None:
        self[r.FIRMWARE] = self.spec.firmware
        self._motion.fold()
        self._motion.rest()
        self._look_at_health()
        if self[r.STARTUP] & STARTUP_TORQUE:
            self._put(r.TORQUE_ENABLE, 1)

    def _put(self, register: Register, value: int) -> Refusal:
        if refusal := self._refusal(register, value):
            return refusal
        self[register] = value
        self._react(register)
        return Refusal.NONE

    def _refusal(self, register: Register, value: int) -> Refusal:
        if not register.writable or (register.address < r.EEPROM_END and self[r.TORQUE_ENABLE]):
            return Refusal.ACCESS
        if register == r.TORQUE_ENABLE and value and self._shut_down:
            return Refusal.RESULT
        if self._out_of_range(register, value):
            return Refusal.RANGE
        return Refusal.NONE if self._within_own_limits(register, value) else Refusal.LIMIT

    def _out_of_range(self, register: Register, value: int) -> bool:
        """A tripped watchdog refuses every goal in this way (e-Manual, "Bus Watchdog(98)")."""
        if register in GOALS and self[r.BUS_WATCHDOG] == WATCHDOG_TRIPPED:
            return True
        if register == r.OPERATING_MODE:
            return value not in self.spec.model.modes
        if register == r.DRIVE_MODE:
            return bool(value & ~DRIVE_MODE_BITS)
        return not register.low <= value <= register.high

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
            self._switch_torque()
        elif register in GOALS:
            self._take_goal()
        elif register == r.DRIVE_MODE:
            self._motion.fold()
        elif register in HEALTH_LIMITS:
            self._look_at_health()

    def _switch_torque(self) -> None:
        if self[r.TORQUE_ENABLE] and self[r.OPERATING_MODE] == POSITION_MODE:
            self._motion.fold()
        self._motion.set_torque()
        self._motion.go()

    def _take_goal(self) -> None:
        if self[r.DRIVE_MODE] & TORQUE_BY_GOAL and not self[r.TORQUE_ENABLE] and not self._shut_down:
            self[r.TORQUE_ENABLE] = 1
            self._motion.set_torque()
        self._motion.go()

    def _reset_by_mode(self) -> None:
        """A mode switch puts gains and profile back to their defaults, goal PWM and current to their limits."""
        defaults = [self._table.at(register.address) for register in RESET_BY_MODE]
        self._table.reset(tuple(register for register in defaults if register is not None))
        self[r.GOAL_PWM] = self[r.PWM_LIMIT]
        if self.spec.model.has(r.GOAL_CURRENT):
            self[r.GOAL_CURRENT] = self[r.CURRENT_LIMIT]
        self._motion.fold()
        self._motion.rest()

    def _look_at_health(self) -> None:
        """Raise the errors that voltage and temperature amount to, by the limits in the table."""
        cold_enough = self[r.PRESENT_TEMPERATURE] <= self[r.TEMPERATURE_LIMIT]
        powered = self[r.MIN_VOLTAGE] <= self[r.PRESENT_VOLTAGE] <= self[r.MAX_VOLTAGE]
        error = (not cold_enough) * OVERHEATING | (not powered) * INPUT_VOLTAGE
        if error:
            self.raise_hardware_error(error)
