"""What a servo's control table makes of its motor: orders to the plant, and what the sensors say."""

from __future__ import annotations

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.simulation.servos import control_table as t
from libra_edge.drivers.simulation.servos.control_table import ControlTable
from libra_edge.drivers.simulation.servos.plant import ACCELERATION_TICKS_S2, TICKS_A_SECOND, ServoPlant
from libra_edge.drivers.simulation.servos.set_point import timed_profile
from libra_edge.robot import TICKS_PER_TURN

VELOCITY_MODE, POSITION_MODE, CURRENT_BASED_MODE, PWM_MODE = 1, 3, 5, 16
POSITION_MODES = {POSITION_MODE, 4, CURRENT_BASED_MODE}
REVERSED, TIMED, TORQUE_BY_GOAL = 0b0001, 0b0100, 0b1000
"""Bits of the drive mode."""
HOMING_IN_POSITION_MODE = 1024
"""In position mode a homing offset beyond this is ignored (e-Manual, "Homing Offset(20)")."""
IN_POSITION, PROFILE_ONGOING, TRAPEZOID, RECTANGLE = 0x01, 0x02, 0x30, 0x10
"""Bits of the moving status."""
ARRIVED_TICKS = 10
FAR_TICKS = 10**8
"""A goal for somebody who turns for ever."""
FULL_PWM = 885


class ServoMotion:
    """Turns between the plant's ticks and those of the table: direction, lost turns, homing offset."""

    def __init__(self, servo_id: int, table: ControlTable, plant: ServoPlant) -> None:
        """`servo_id`: the plant's name for it, whatever id it has on the bus."""
        self._id = servo_id
        self._table = table
        self._plant = plant
        self._turn_offset = 0

    @property
    def moving(self) -> bool:
        """Whether it turns faster than the moving threshold."""
        return abs(self._table[r.PRESENT_VELOCITY]) > self._table[t.MOVING_THRESHOLD]

    def fold(self) -> int:
        """Forget whole turns: the position lies within one turn again, before the homing offset.

        Returns by how much all positions have changed.
        """
        before = self._turn_offset
        tick = self._direction * self._plant.measure(self._id).position_tick
        self._turn_offset = tick % TICKS_PER_TURN - tick
        return self._turn_offset - before

    def measure(self) -> None:
        """Put position, velocity and current into the table."""
        measurement, table = self._plant.measure(self._id), self._table
        table[r.PRESENT_POSITION] = self._direction * measurement.position_tick + self._shift
        table[r.PRESENT_VELOCITY] = self._direction * measurement.velocity_raw
        table[r.PRESENT_CURRENT] = self._direction * measurement.current_raw

    def report(self, now_ns: int) -> None:
        """Put what follows from the sensors into the table: moving, status, trajectory, PWM, clock."""
        table, gone = self._table, self._table[r.GOAL_POSITION] - self._table[r.PRESENT_POSITION]
        positioned = bool(table[r.TORQUE_ENABLE]) and table[r.OPERATING_MODE] in POSITION_MODES
        arrived = positioned and abs(gone) <= ARRIVED_TICKS
        shape = 0 if not table[r.PROFILE_VELOCITY] else TRAPEZOID if table[r.PROFILE_ACCELERATION] else RECTANGLE
        ongoing = positioned and not arrived
        table[t.MOVING] = int(self.moving)
        table[t.MOVING_STATUS] = arrived * IN_POSITION | ongoing * (PROFILE_ONGOING | shape)
        table[t.VELOCITY_TRAJECTORY] = table[r.PRESENT_VELOCITY]
        table[t.POSITION_TRAJECTORY] = table[r.PRESENT_POSITION]
        limit = table[r.PWM_LIMIT]
        table[t.PRESENT_PWM] = max(-limit, min(limit, table[r.PRESENT_CURRENT])) if table[r.TORQUE_ENABLE] else 0
        table[t.REALTIME_TICK] = now_ns // 1_000_000 % 32_768

    def set_torque(self) -> None:
        """Tell the plant what the table says."""
        self._plant.set_torque(self._id, bool(self._table[r.TORQUE_ENABLE]))

    def hold(self) -> None:
        """Stay here, and call that the goal."""
        self._plant.stop(self._id)
        self.rest()

    def rest(self) -> None:
        """The goals are where it is, and no speed."""
        self.measure()
        self._table[r.GOAL_POSITION] = self._table[r.PRESENT_POSITION]
        self._table[r.GOAL_VELOCITY] = 0

    def go(self) -> None:
        """Follow the goal of the operating mode, if there is torque. Mode 0 (current) moves nothing."""
        mode = self._table[r.OPERATING_MODE]
        if not self._table[r.TORQUE_ENABLE]:
            return
        if mode in POSITION_MODES:
            tick = self._direction * (self._table[r.GOAL_POSITION] - self._shift)
            self._plant.set_goal(self._id, tick, *self._profile())
        elif mode == VELOCITY_MODE:
            self._turn(self._table[r.GOAL_VELOCITY])
        elif mode == PWM_MODE:
            self._turn(round(self._table[r.GOAL_PWM] / FULL_PWM * self._table[r.VELOCITY_LIMIT]))

    def _turn(self, velocity: int) -> None:
        if velocity == 0:
            self._plant.stop(self._id)
            return
        acceleration = 0 if self._table[r.DRIVE_MODE] & TIMED else self._table[r.PROFILE_ACCELERATION]
        ahead = FAR_TICKS if velocity * self._direction > 0 else -FAR_TICKS
        tick = self._plant.measure(self._id).position_tick + ahead
        self._plant.set_goal(self._id, tick, abs(velocity), acceleration)

    def _profile(self) -> tuple[float, float]:
        """Top speed (0.229 rpm, never 0) and acceleration (214.577 rpm a minute, 0 for at once)."""
        limit = self._table[r.VELOCITY_LIMIT]
        velocity, acceleration = self._table[r.PROFILE_VELOCITY], self._table[r.PROFILE_ACCELERATION]
        if not self._table[r.DRIVE_MODE] & TIMED:
            return min(velocity or limit, limit), acceleration
        distance = self._table[r.GOAL_POSITION] - self._table[r.PRESENT_POSITION]
        speed, gain = timed_profile(distance, velocity / 1e3, acceleration / 1e3)
        at_once = gain == float("inf")
        return max(min(speed / TICKS_A_SECOND, limit), 1e-6), 0.0 if at_once else gain / ACCELERATION_TICKS_S2

    @property
    def _direction(self) -> int:
        return -1 if self._table[r.DRIVE_MODE] & REVERSED else 1

    @property
    def _shift(self) -> int:
        """What is added to the plant's ticks: lost turns and homing offset, whose sign never turns round."""
        offset = self._table[r.HOMING_OFFSET]
        ignored = self._table[r.OPERATING_MODE] == POSITION_MODE and abs(offset) > HOMING_IN_POSITION_MODE
        return self._turn_offset + (0 if ignored else offset)
