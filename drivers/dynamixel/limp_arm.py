"""An arm that a person moves by hand: its servos read, and their calibration registers written, without torque."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.dynamixel_arm import ANSWER_MARGIN_S, ATTEMPTS
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_search import find_servos
from libra_edge.drivers.dynamixel.servo_settings import ServoSettings, settings_of
from libra_edge.drivers.dynamixel.servo_setup import REVERSE_BIT, restart, torque_off_everywhere
from libra_edge.drivers.dynamixel.state_reader import StateReader, values_in
from libra_edge.errors import BusError
from libra_edge.robot import TICKS_PER_TURN, Robot

logger = logging.getLogger(__name__)

COUNTING_MODES = {4, 5}
"""Operating modes that count turns and add the whole homing offset (e-Manual, "Homing Offset(20)")."""


@dataclass(frozen=True, slots=True)
class ServoMemory:
    """What one servo holds of a calibration; ticks of 4096 a turn.

    Attributes:
        drive_mode: register 10, all its bits.
        homing_offset: register 20; present position = encoder + homing offset.
        range_min, range_max: registers 52 and 48.
        mode: operating mode, register 11.
    """

    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int
    mode: int


class LimpArm:
    """Servos of a robot file on one bus, by joint name. Used from one thread."""

    def __init__(self, robot: Robot, port: str) -> None:
        """`port` is a device path. Raises ConfigError for a joint that its servo cannot be."""
        self._servos = {servo.joint: servo for servo in settings_of(robot)}
        ids = [servo.servo_id for servo in self._servos.values()]
        models = {servo.servo_id: servo.model for servo in self._servos.values()}
        self._bus = Bus(SerialPort(port, robot.bus.baud), ANSWER_MARGIN_S, ATTEMPTS, models)
        self._state = StateReader(self._bus, ids)
        self._state.fast = False

    @contextmanager
    def opened(self) -> Iterator[LimpArm]:
        """Find every servo and change nothing; the port is closed at the end.

        Raises MissingHardwareError for a port or servo that is not there, ConfigError for another model, BusError.
        """
        self._bus.port.open()
        try:
            find_servos(self._bus, list(self._servos.values()))
            yield self
        finally:
            self._bus.port.close()

    def release(self) -> None:
        """Torque off on every servo that can be reached, even if some cannot. Raises BusError afterwards."""
        torque_off_everywhere(self._bus, self._servos.values())

    def count_turns_anew(self) -> None:
        """Let every servo count from the turn that its encoder is in, as after power-on. Torque must be off.

        Raises BusError.
        """
        for servo in self._servos.values():
            if self._bus.read(servo.servo_id, r.OPERATING_MODE) not in COUNTING_MODES:
                self._bus.write(servo.servo_id, r.OPERATING_MODE, servo.mode)
            encoder = self._read(servo, r.PRESENT_POSITION) - self._read(servo, r.HOMING_OFFSET)
            if not 0 <= encoder < TICKS_PER_TURN:
                logger.info("%s has counted turns: it is restarted", servo.label)
                restart(self._bus, servo)

    def memory(self) -> dict[str, ServoMemory]:
        """What each servo holds. Raises BusError."""
        return {
            joint: ServoMemory(
                self._read(servo, r.DRIVE_MODE),
                self._read(servo, r.HOMING_OFFSET),
                self._read(servo, r.MIN_POSITION),
                self._read(servo, r.MAX_POSITION),
                self._read(servo, r.OPERATING_MODE),
            )
            for joint, servo in self._servos.items()
        }

    def positions(self) -> dict[str, int]:
        """Present positions, ticks, of those that answer. Raises PortError."""
        statuses = self._state.read().statuses
        by_id = {servo_id: values_in(status)[2] for servo_id, status in statuses.items()}
        return {joint: by_id[servo.servo_id] for joint, servo in self._servos.items() if servo.servo_id in by_id}

    def remember(self, wanted: Mapping[str, ServoMemory]) -> None:
        """Write drive mode, homing offset and range into every servo, torque off, and read them back.

        If one refuses, or it is interrupted, those before get back what they held. Raises BusError.
        """
        before, begun = self.memory(), []
        try:
            for joint, memory in wanted.items():
                begun.append(joint)
                self._write(self._servos[joint], memory, before[joint])
            _refuse_different([joint for joint, memory in self.memory().items() if memory != wanted[joint]])
        except BaseException:  # an impatient Ctrl-C too
            self._put_back(begun, before)
            raise

    def _put_back(self, joints: list[str], before: Mapping[str, ServoMemory]) -> None:
        for joint in joints:
            try:
                self._write(self._servos[joint], before[joint], None)
            except BusError as error:
                logger.warning("%s may keep half of a calibration: %s", self._servos[joint].label, error)

    def _write(self, servo: ServoSettings, memory: ServoMemory, before: ServoMemory | None) -> None:
        """EEPROM wears out: only what differs from `before` is written; everything for None."""
        orders = [
            (r.OPERATING_MODE, memory.mode, None if before is None else before.mode),
            (r.DRIVE_MODE, memory.drive_mode, None if before is None else before.drive_mode),
            (r.HOMING_OFFSET, memory.homing_offset, None if before is None else before.homing_offset),
            (r.MIN_POSITION, memory.range_min, None if before is None else before.range_min),
            (r.MAX_POSITION, memory.range_max, None if before is None else before.range_max),
        ]
        for register, value, found in orders:
            if value != found:
                self._bus.write(servo.servo_id, register, value)

    def _read(self, servo: ServoSettings, register: Register) -> int:
        return self._bus.read(servo.servo_id, register)


def _refuse_different(joints: list[str]) -> None:
    if joints:
        raise BusError(f"the servos of {', '.join(joints)} do not hold what was written to them")


def is_reversed(drive_mode: int) -> bool:
    """Whether the servo counts the other way round: bit 0 of its drive mode."""
    return bool(drive_mode & REVERSE_BIT)
