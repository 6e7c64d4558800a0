"""An arm of Dynamixel servos, as a robot file describes it: satisfies `libra_edge.protocols.Arm`."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping

import numpy as np

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.answer_delay import AnswerDelay
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.bus_counts import BusCounts
from libra_edge.drivers.dynamixel.frame import Status
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import VELOCITY_UNIT_RPM, WATCHDOG_UNIT_MS
from libra_edge.drivers.dynamixel.servo_recovery import ServoRecovery
from libra_edge.drivers.dynamixel.servo_search import agree_on_reading, find_servos
from libra_edge.drivers.dynamixel.servo_settings import ServoSettings, settings_of
from libra_edge.drivers.dynamixel.servo_setup import (
    OVERLOAD,
    check_health,
    check_homing,
    configure,
    restart,
    standing_error,
    torque_off_everywhere,
    write_volatile,
)
from libra_edge.drivers.dynamixel.servo_watch import ServoWatch, Supply
from libra_edge.drivers.dynamixel.state_reader import StateReader, values_in
from libra_edge.drivers.dynamixel.turns import kept_turns, turn_correction
from libra_edge.errors import BusError, MissingServosError, PortError
from libra_edge.messages import Float64, JointState
from libra_edge.protocols import Clock
from libra_edge.robot import Robot

logger = logging.getLogger(__name__)

RAD_S_A_UNIT = VELOCITY_UNIT_RPM * 2.0 * math.pi / 60.0
NOTHING = (math.nan,) * 3
FARTHEST_RAD = 1000.0
"""Well within the servos' 256 turns; NaN and infinity are beyond it too."""
ANSWER_MARGIN_S = 0.03
ATTEMPTS = 3
READ_SHARE, RECOVERY_SHARE, EXCHANGE_SHARE = 0.6, 0.4, 0.5
"""Of a servo period: longest wait for a read with its repetition, for beginning exchanges in one step of a recovery,
and for the answer in each of these. The rest is for writing and for the loop itself."""


class DynamixelArm:
    """Servos on one bus. Joint order, models, modes, zeros, signs and limits come from the robot file.

    It keeps no joint limits: the servos ignore theirs in the modes 4 and 5, the governor holds them.
    """

    def __init__(
        self, robot: Robot, port: str, clock: Clock | None = None, answer_margin_s: float | None = None
    ) -> None:
        """`port` is a device path.

        During set-up an answer is awaited 30 ms longer than its bytes take, three times; afterwards `read` and
        `recover` keep within the servo period. `answer_margin_s` replaces both.

        Raises ConfigError for a joint that its servo cannot be.
        """
        self.robot = robot
        self.joint_names = robot.joint_names
        self._clock = clock or MonotonicClock()
        self._servos = settings_of(robot)
        self._ids = [servo.servo_id for servo in self._servos]
        self._signs = np.array([joint.sign for joint in robot.joint], dtype=np.float64)
        measures = [servo.model.has(r.GOAL_CURRENT) for servo in self._servos]
        self._ma_a_unit = np.where(measures, self._signs, np.nan)
        self._turn_correction = np.zeros(len(self._ids), dtype=np.int64)
        self._watchdog = robot.bus.watchdog_ms // WATCHDOG_UNIT_MS
        models = {servo.servo_id: servo.model for servo in self._servos}
        self._bus = Bus(SerialPort(port, robot.bus.baud), answer_margin_s or ANSWER_MARGIN_S, ATTEMPTS, models)
        self._state = StateReader(self._bus, self._ids)
        self._watch = ServoWatch(self._bus, self._servos, self._watchdog)
        self._delay = AnswerDelay() if answer_margin_s is None else None
        self._period_s = 1.0 / robot.servo.rate_hz
        self._read_s = answer_margin_s or self._period_s * READ_SHARE
        self._exchange_s = answer_margin_s or self._period_s * EXCHANGE_SHARE
        self._torque = False
        self._goal = robot.rest
        self._seen_ticks = robot.to_ticks(robot.rest)
        self._recovery: ServoRecovery | None = None

    @property
    def counts(self) -> BusCounts:
        """What went wrong on the bus since the arm was constructed."""
        return self._bus.counts

    @property
    def supplies(self) -> dict[str, Supply]:
        """Joint name -> voltage and temperature of its servo as read last; every few seconds there is a new one."""
        return {
            servo.joint: self._watch.supplies[servo.servo_id]
            for servo in self._servos
            if servo.servo_id in self._watch.supplies
        }

    def open(self) -> None:
        """Find and configure every servo, torque off.

        Raises MissingHardwareError for a port or servo that is not there, ConfigError for another model than expected,
        BusError (ServoError for a servo that stands in a hardware error).
        """
        self._torque = False
        self._bus.port.open()
        try:
            agree_on_reading(self._state, self._servos, find_servos(self._bus, self._servos))
            for servo in self._servos:
                self._mend_overload(servo)
                check_health(self._bus, servo)
                check_homing(self._bus, servo)
                configure(self._bus, servo)
            self._watch.learn_limits()
            self._correct_turns()
        except BaseException:
            self.close()
            raise

    def enable_torque(self) -> None:
        """Set the goal to the present pose, arm the bus watchdog, then torque on. Clears a tripped watchdog.

        Raises BusError, after taking the torque off again where it was already on.
        """
        try:
            ticks = self._read_ticks()
            for servo, tick in zip(self._servos, ticks, strict=True):
                write_volatile(self._bus, servo)
                self._bus.write(servo.servo_id, r.GOAL_POSITION, tick)
                self._bus.write(servo.servo_id, r.BUS_WATCHDOG, self._watchdog)
            for servo in self._servos:
                self._bus.write(servo.servo_id, r.TORQUE_ENABLE, 1)
        except BusError:
            try:
                self.disable_torque()
            except BusError as failed:
                logger.warning("%s", failed)
            raise
        self._torque, self._recovery = True, None
        self._watch.begin()
        self._goal = self.robot.to_radians(np.array(ticks) + self._turn_correction)

    def read(self) -> JointState:
        """One sync read: positions rad, velocities rad/s, currents mA, float64 [D], stamped when they had arrived.

        Raises MissingServosError if some do not answer, twice (it has the state of the others), HardwareAlertError for
        a hardware alert, and another BusError for what `recover` is there for: a port that is gone, a watchdog that is
        no longer armed.
        """
        with self._bus.within(self._read_s, attempts=2, delay=self._delay):
            answers = self._state.read()
            measured_ns = self._clock.now_ns()
            self._raise_alerts(answers.statuses)
            joints = self._joint_state(answers.statuses, measured_ns)
            if answers.fault is not None:
                raise self._missing_servos(joints) from answers.fault
            self._watch.look(armed=self._torque)
        return joints

    def write(self, goal: Float64) -> None:
        """One sync write of goal positions, float64 [D] rad. Raises BusError, also for a goal not finite or not [D]."""
        if goal.shape != (len(self._ids),) or not np.all(np.abs(goal) <= FARTHEST_RAD):
            raise BusError(
                f"goal {goal} was not sent: {len(self._ids)} angles within {FARTHEST_RAD:.0f} rad are needed"
            )
        self._goal = goal
        self._tell(goal, self._ids)

    def recover(self, goal: Float64) -> Float64 | None:
        """One step, within the servo period, towards six servos that obey again: see `protocols.Arm.recover`."""
        if self._recovery is None:
            self._recovery = ServoRecovery(
                self._bus,
                self._servos,
                self._watchdog,
                self._exchange_s,
                self._correct_turns_of,
                reboot_overloaded=self.robot.servo.reboot_overloaded,
            )
            self._recovery.standing.update(self._ids)
        if not self._recovery.step(self._period_s * RECOVERY_SHARE):
            self._goal = goal
            self._tell_standing(goal)
            return None
        pose: Float64 = self._goal.copy()
        for servo_id, tick in self._recovery.ticks.items():
            index = self._ids.index(servo_id)
            pose[index] = self.robot.to_radians(np.full(len(self._ids), tick) + self._turn_correction)[index]
        self._recovery, self._goal = None, pose
        self._watch.begin()
        return pose

    def missing(self) -> str:
        """What `recover` still waits for, in one clause; "" when it is not at work."""
        return "" if self._recovery is None else self._recovery.missing()

    def disable_torque(self) -> None:
        """Torque off on every servo that can be reached, even if some cannot. Raises BusError afterwards."""
        self._torque = False
        torque_off_everywhere(self._bus, self._servos)

    def close(self) -> None:
        """Close the port; leaves torque as it is (the watchdog then stops the servos); may be called twice."""
        self._bus.port.close()

    def advice_on(self, silent: Collection[int]) -> str:
        """What to look at when these servos do not answer."""
        return "check cable and power" if silent else ""

    def _mend_overload(self, servo: ServoSettings) -> None:
        """Restart a servo that an overload has switched off, where the robot file lets us. Raises BusError."""
        if self.robot.servo.reboot_overloaded and self._bus.read(servo.servo_id, r.HARDWARE_ERROR) == OVERLOAD:
            logger.warning("%s had switched itself off in an overload: it is restarted", servo.label)
            restart(self._bus, servo)

    def _correct_turns(self) -> None:
        self._turn_correction = turn_correction(self.robot, np.array(self._read_ticks()))
        for servo, ticks in zip(self._servos, self._turn_correction, strict=True):
            if ticks:
                logger.warning("%s lost count of its turns: %+d ticks are added to what it reads", servo.label, ticks)

    def _correct_turns_of(self, servo_id: int, tick: int) -> None:
        """A servo that has restarted counts its turns anew: keep it where it was seen last, to within half a turn."""
        index = self._ids.index(servo_id)
        kept = kept_turns(int(self._seen_ticks[index]), tick)
        if kept != self._turn_correction[index]:
            logger.warning("%s lost count of its turns: %+d ticks are added", self._servos[index].label, kept)
        self._turn_correction[index] = kept

    def _tell(self, goal: Float64, servo_ids: Collection[int]) -> None:
        ticks = self.robot.to_ticks(goal) - self._turn_correction
        told = {
            servo_id: tick for servo_id, tick in zip(self._ids, ticks.tolist(), strict=True) if servo_id in servo_ids
        }
        if told:
            self._bus.sync_write(r.GOAL_POSITION, told)

    def _tell_standing(self, goal: Float64) -> None:
        """Those set up anew stand at the goal they were given; the others, as far as they hear, at `goal`."""
        if self._recovery is None or not self._bus.port.is_open:
            return
        try:
            self._tell(goal, sorted(self._recovery.standing - self._recovery.ticks.keys()))
        except PortError as error:
            logger.debug("while recovering: %s", error)

    def _read_ticks(self) -> list[int]:
        """Present positions in joint order. Raises BusError."""
        answers = self._state.read()
        self._raise_alerts(answers.statuses)
        if answers.fault is not None:
            raise answers.fault
        return [values_in(answers.statuses[servo_id])[2] for servo_id in self._ids]

    def _joint_state(self, statuses: Mapping[int, Status], measured_ns: int) -> JointState:
        """NaN for a joint without a status; where those with one were seen is remembered."""
        found = [statuses.get(servo_id) for servo_id in self._ids]
        values = np.array([NOTHING if status is None else values_in(status) for status in found])
        seen = ~np.isnan(values[:, 2])
        self._seen_ticks[seen] = values[seen, 2].astype(np.int64) + self._turn_correction[seen]
        return JointState(
            position=np.where(seen, self.robot.to_radians(self._seen_ticks), np.nan),
            velocity=values[:, 1] * self._signs * RAD_S_A_UNIT,
            measured_ns=measured_ns,
            current=values[:, 0] * self._ma_a_unit,
        )

    def _missing_servos(self, joints: JointState) -> MissingServosError:
        since_ns = self._state.silent_since_ns
        silent = [servo for servo in self._servos if servo.servo_id in since_ns]
        silent_s = {servo.servo_id: (joints.measured_ns - since_ns[servo.servo_id]) / 1e9 for servo in silent}
        return MissingServosError(silent_s, [servo.label for servo in silent], joints, self.advice_on(silent_s))

    def _raise_alerts(self, statuses: Mapping[int, Status]) -> None:
        for servo in self._servos:
            status = statuses.get(servo.servo_id)
            if status is not None and status.alert:
                error = self._bus.read(servo.servo_id, r.HARDWARE_ERROR)
                if self.robot.servo.reboot_overloaded and error == OVERLOAD:
                    raise BusError(f"{servo.label} has switched itself off in an overload: it is restarted")
                raise standing_error(servo, error)
