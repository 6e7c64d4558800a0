"""The Koch v1.1 follower on its Dynamixel bus: satisfies `libra_edge.protocols.Arm`."""

from __future__ import annotations

import logging
import math

import numpy as np

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.frame import Status
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import VELOCITY_UNIT_RPM, WATCHDOG_TRIPPED, WATCHDOG_UNIT_MS
from libra_edge.drivers.dynamixel.servo_settings import settings_of
from libra_edge.drivers.dynamixel.servo_setup import (
    check_health,
    check_model,
    configure,
    standing_error,
    write_volatile,
)
from libra_edge.drivers.dynamixel.turns import turn_correction
from libra_edge.errors import BusError, MissingHardwareError, NoAnswerError
from libra_edge.messages import Float64, JointState
from libra_edge.protocols import Clock
from libra_edge.robot import Robot

logger = logging.getLogger(__name__)

RAD_S_A_UNIT = VELOCITY_UNIT_RPM * 2.0 * math.pi / 60.0
STATE_ADDRESS = r.PRESENT_CURRENT.address
STATE_BYTES = r.PRESENT_POSITION.end - STATE_ADDRESS
WATCHDOG_POLL_CYCLES = 10
FARTHEST_RAD = 1000.0
"""Well within the servos' 256 turns; NaN and infinity are beyond it too."""
ANSWER_MARGIN_S = 0.03
ATTEMPTS = 3


class KochArm:
    """Six servos. Joint order, zeros, signs and limits come from the robot file.

    It keeps no joint limits: the servos ignore theirs in the modes 4 and 5, the governor holds them.
    """

    def __init__(
        self, robot: Robot, port: str, clock: Clock | None = None, answer_margin_s: float = ANSWER_MARGIN_S
    ) -> None:
        """`port` is a device path. An answer is awaited `answer_margin_s` longer than its bytes take, three times.

        Raises ConfigError for a joint that its servo cannot be.
        """
        self.joint_names = robot.joint_names
        self._robot = robot
        self._clock = clock or MonotonicClock()
        self._servos = settings_of(robot)
        self._ids = [servo.servo_id for servo in self._servos]
        self._signs = np.array([joint.sign for joint in robot.joint], dtype=np.float64)
        self._turn_correction = np.zeros(len(self._ids), dtype=np.int64)
        self._watchdog = robot.bus.watchdog_ms // WATCHDOG_UNIT_MS
        self._bus = Bus(SerialPort(port, robot.bus.baud), answer_margin_s, ATTEMPTS)
        self._fast = True
        self._torque = False
        self._cycle = 0

    @property
    def repeated(self) -> int:
        """How many instructions had to be sent again since the arm was constructed."""
        return self._bus.repeated

    def open(self) -> None:
        """Find and configure every servo, torque off.

        Raises MissingHardwareError for a port or servo that is not there, ConfigError for another model than expected,
        BusError (ServoError for a servo that stands in a hardware error).
        """
        self._torque = False
        self._bus.port.open()
        try:
            self._find_servos()
            for servo in self._servos:
                check_health(self._bus, servo)
                configure(self._bus, servo)
            self._probe_fast_sync_read()
            self._correct_turns()
        except BaseException:
            self.close()
            raise

    def enable_torque(self) -> None:
        """Set the goal to the present pose, arm the bus watchdog, then torque on. Clears a tripped watchdog.

        Raises BusError, after taking the torque off again where it was already on.
        """
        try:
            for servo, tick in zip(self._servos, self._read_ticks(), strict=True):
                write_volatile(self._bus, servo)
                self._bus.write(servo.servo_id, r.GOAL_POSITION, tick)
                self._bus.write(servo.servo_id, r.BUS_WATCHDOG, self._watchdog)
            for servo in self._servos:
                self._bus.write(servo.servo_id, r.TORQUE_ENABLE, 1)
        except BusError:
            self._torque = False
            for failure in self._torque_off_everywhere():
                logger.warning("torque may still be on: %s", failure)
            raise
        self._torque, self._cycle = True, 0

    def read(self) -> JointState:
        """One sync read: positions rad, velocities rad/s, float64 [D], stamped when the answers had arrived.

        Raises BusError; ServoError for a hardware alert, and every few cycles for a watchdog that is no longer armed.
        """
        statuses = self._read_state()
        measured_ns = self._clock.now_ns()
        self._raise_alerts(statuses)
        self._watch_the_watchdog()
        return JointState(
            position=self._robot.to_radians(np.array(_decode(statuses, r.PRESENT_POSITION)) + self._turn_correction),
            velocity=np.array(_decode(statuses, r.PRESENT_VELOCITY)) * self._signs * RAD_S_A_UNIT,
            measured_ns=measured_ns,
        )

    def write(self, goal: Float64) -> None:
        """One sync write of goal positions, float64 [D] rad. Raises BusError, also for a goal not finite or not [D]."""
        if goal.shape != (len(self._ids),) or not np.all(np.abs(goal) <= FARTHEST_RAD):
            raise BusError(
                f"goal {goal} was not sent: {len(self._ids)} angles within {FARTHEST_RAD:.0f} rad are needed"
            )
        ticks = self._robot.to_ticks(goal) - self._turn_correction
        self._bus.sync_write(r.GOAL_POSITION, dict(zip(self._ids, ticks.tolist(), strict=True)))

    def disable_torque(self) -> None:
        """Torque off on every servo that can be reached, even if some cannot. Raises BusError afterwards."""
        self._torque = False
        failures = self._torque_off_everywhere()
        if failures:
            raise BusError(f"torque may still be on: {'; '.join(failures)}")

    def close(self) -> None:
        """Close the port; leaves torque as it is (the watchdog then stops the servos); may be called twice."""
        self._bus.port.close()

    def _find_servos(self) -> None:
        silent = []
        for servo in self._servos:
            try:
                check_model(self._bus, servo)
            except NoAnswerError:
                silent.append(servo.label)
        if silent:
            port = self._bus.port
            raise MissingHardwareError(
                f"no answer from {', '.join(silent)} on {port.path} at {port.baud} baud: "
                "check the cable before the first of them, the power of its chain, and the servos' baud rate"
            )

    def _probe_fast_sync_read(self) -> None:
        self._fast = self._bus.answers_fast_sync_read(self._ids, STATE_ADDRESS, STATE_BYTES)
        if not self._fast:
            logger.warning("no answer to a fast sync read (old firmware?): reading takes 0.3 ms longer at 1 Mbaud")

    def _correct_turns(self) -> None:
        self._turn_correction = turn_correction(self._robot, np.array(self._read_ticks()))
        for servo, ticks in zip(self._servos, self._turn_correction, strict=True):
            if ticks:
                logger.warning("%s lost count of its turns: %+d ticks are added to what it reads", servo.label, ticks)

    def _read_state(self) -> list[Status]:
        """One status a servo, in joint order."""
        answers = self._bus.sync_read(self._ids, STATE_ADDRESS, STATE_BYTES, fast=self._fast)
        return [answers[servo_id] for servo_id in self._ids]

    def _read_ticks(self) -> list[int]:
        statuses = self._read_state()
        self._raise_alerts(statuses)
        return _decode(statuses, r.PRESENT_POSITION)

    def _raise_alerts(self, statuses: list[Status]) -> None:
        for servo, status in zip(self._servos, statuses, strict=True):
            if status.alert:
                raise standing_error(servo, self._bus.read(servo.servo_id, r.HARDWARE_ERROR))

    def _watch_the_watchdog(self) -> None:
        """Goals are lost without a word once it has tripped, or once a servo has restarted: look, now and then."""
        if not self._torque or self._cycle % WATCHDOG_POLL_CYCLES:
            self._cycle += 1
            return
        answers = self._bus.sync_read(self._ids, r.BUS_WATCHDOG.address, r.BUS_WATCHDOG.size)
        found = {servo.label: answers[servo.servo_id].parameters[0] for servo in self._servos}
        tripped = [label for label, value in found.items() if value == WATCHDOG_TRIPPED]
        restarted = [label for label, value in found.items() if value not in {WATCHDOG_TRIPPED, self._watchdog}]
        if tripped:
            raise BusError(
                f"the bus watchdog of {', '.join(tripped)} has tripped: goals are refused until torque is enabled"
            )
        if restarted:
            raise BusError(f"{', '.join(restarted)} restarted (did the supply dip?): the torque there is off")
        self._cycle += 1

    def _torque_off_everywhere(self) -> list[str]:
        """One clause a servo that could not be told."""
        failures = []
        for servo in self._servos:
            try:
                self._bus.write(servo.servo_id, r.TORQUE_ENABLE, 0)
            except BusError as error:
                failures.append(f"{servo.label}: {error}")
        return failures


def _decode(statuses: list[Status], register: r.Register) -> list[int]:
    start = register.address - STATE_ADDRESS
    return [register.decode(status.parameters[start : start + register.size]) for status in statuses]
