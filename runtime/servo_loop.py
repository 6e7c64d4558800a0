"""One round of the servo loop: read the joints, hear what happened, sample, govern, write, tell.

Pure with regard to threads and timers: whoever owns it calls `open`, then `tick` at each deadline until it has
finished, then `close`, all from one thread. Only `post` may be called from another.
"""

from __future__ import annotations

import enum
import logging
from concurrent.futures import Future

import numpy as np

from libra_edge.errors import BusError, CorruptPacketError, HardwareAlertError, NoAnswerError
from libra_edge.messages import Float64
from libra_edge.protocols import Arm, Clock
from libra_edge.robot import Robot
from libra_edge.runtime.channel import ServoChannel
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply
from libra_edge.runtime.governor import GovernorDecision, GovernorLimits, GovernorState, govern
from libra_edge.runtime.pose_warnings import warn_of_pose
from libra_edge.runtime.posted_events import PostedEvents
from libra_edge.runtime.recovery_limit import RecoveryLimit
from libra_edge.runtime.servo_counts import ServoCounts
from libra_edge.runtime.servo_source import GoalSource, why_not
from libra_edge.runtime.supervisor import Event, Reaction, State, next_transition
from libra_edge.runtime.tick_times import TickTimes
from libra_edge.runtime.trajectory import TrajectoryPoint

logger = logging.getLogger(__name__)

NEAR_RAD = 0.05
LOST_READS_ALLOWED = 8
"""In a row. The goal goes on meanwhile: at 100 Hz that is still less than the servos' own watchdog waits."""
RECOVERIES = {Reaction.RECOVER: None, Reaction.RECOVER_TO_HOME: Event.HOME, Reaction.RECOVER_TO_PARK: Event.STOP}
"""What happens once the arm is back."""
LONGEST_STEP_PERIODS = 2.0
"""After a stall the goal moves on as if at most this many periods had passed: it catches up, it does not leap."""


class OnExit(str, enum.Enum):
    """What becomes of the arm at the end: torque on where it stands, torque on at the rest pose, or torque off."""

    HOLD = "hold"
    REST = "rest"
    RELEASE = "release"


class ServoLoop:
    """The arm's one master. `state` and `finished` may be read from any thread."""

    def __init__(self, arm: Arm, robot: Robot, channel: ServoChannel, clock: Clock, on_exit: OnExit) -> None:
        """`arm` is not open yet."""
        self.state = State.OFF
        self.finished = False
        self.fault: BusError | None = None
        self.cause: Event | None = None
        self.period_ns = round(1e9 / robot.servo.rate_hz)
        self._arm, self._channel, self._clock = arm, channel, clock
        self._rest = robot.rest
        self._limits = GovernorLimits.of(robot)
        self._hold_after_ns = round(robot.servo.hold_after_ms * 1e6)
        self._watchdog_ns = robot.bus.watchdog_ms * 1_000_000
        self._recovery = RecoveryLimit(round(robot.servo.recover_within_s * 1e9))
        self._recover_within_s = robot.servo.recover_within_s
        self._on_exit = on_exit
        self._counts = ServoCounts()
        self._source = GoalSource(len(robot.joint))
        self._posted = PostedEvents()
        self._listening = False
        self._pressed = False
        self._afterwards: Event | None = None
        self._releasing = False
        self._lost_reads = 0
        self._exhausted_since_ns: int | None = None

    def open(self, first: Event = Event.TORQUE_ON) -> None:
        """Find the arm, put it under torque where it stands, do `first`. Raises MissingHardwareError, BusError."""
        self._arm.open()
        self._arm.enable_torque()
        self._joints = self._arm.read()
        self._governed = GovernorState.standing(self._joints.position)
        self._written_ns = self._clock.now_ns() - self.period_ns
        warn_of_pose(self._limits, self._arm.joint_names, self._joints.position)
        self._happen(first)
        self._publish(deadline_misses=0)

    def post(self, event: Event) -> Future[Reply]:
        """Let `event` happen at the next tick; the future holds what came of it."""
        return self._posted.post(event)

    def tick(self, due_ns: int, deadline_misses: int) -> None:
        """One round, due at `due_ns`. Never raises BusError: a fault ends the loop by itself."""
        began_ns = self._clock.now_ns()
        self._notice_a_standstill(began_ns)
        read_ns = self._read()
        self._posted.settle(self._happen)
        self._listen()
        now_ns, asked_in = self._clock.now_ns(), self.state
        point = self._source.ask(self._governed.goal, now_ns)
        tick = TickTimes(began_ns, read_ns, self._clock.now_ns())
        decision = govern(self._limits, self._governed, point.goal, self._passed_s(now_ns), self._joints)
        self._governed, self._written_ns = decision.state, now_ns
        wire_ns = read_ns + self._write(point, decision, tick, lateness_ns=began_ns - due_ns)
        if self.state is asked_in:
            self._watch(point, now_ns)
        self._counts.ticks += 1
        self._counts.lateness.add(began_ns - due_ns)
        self._counts.busy.add(self._clock.now_ns() - began_ns - wire_ns)
        self._publish(deadline_misses)

    def close(self) -> None:
        """Leave the arm as asked for and close its port. Raises BusError if its torque could not be taken off."""
        try:
            if self._releasing:
                self._arm.disable_torque()
        finally:
            self._arm.close()
            self._posted.settle(lambda _event: Reply(self.state, False, "the servo loop has ended"))

    def _notice_a_standstill(self, now_ns: int) -> None:
        """A loop that was blocked for longer than the servos' watchdog waits finds an arm that stands and is deaf."""
        blocked_ns = now_ns - self._written_ns
        if blocked_ns > self._watchdog_ns and self.state not in {State.RECOVERING, State.FAULT}:
            self._lose(f"the servo loop stood still for {blocked_ns / 1e6:.0f} ms: the servos' watchdog stops the arm")

    def _read(self) -> int:
        """Read the joints; nanoseconds spent on it. Answers lost now and then are borne."""
        if self.state in {State.FAULT, State.RECOVERING}:
            return 0
        asked_ns = self._clock.now_ns()
        try:
            self._joints = self._arm.read()
            self._lost_reads = 0
            self._channel.publish_joints(self._joints)
        except BusError as error:
            self._counts.failed_reads += 1
            self._lost_reads += 1
            if not isinstance(error, (NoAnswerError, CorruptPacketError)) or self._lost_reads > LOST_READS_ALLOWED:
                self._give_up_or_recover(error)
        return self._clock.now_ns() - asked_ns

    def _listen(self) -> None:
        """Take the newest chunk if it is one that can be followed."""
        chunk = self._channel.new_chunk()
        self._counts.chunks_scribbled = self._channel.refused
        if chunk is None or not self._listening or self.state is State.RECOVERING:
            return
        now_ns = self._clock.now_ns()
        problem = why_not(chunk, now_ns)
        if problem is None and self.state is State.HOLDING:
            self._happen(Event.CHUNK)
        if problem is None and self._source.accept(chunk, now_ns):
            self._counts.chunks_accepted += 1
        else:
            self._counts.chunks_refused += 1
            logger.warning("chunk %d is not followed: %s", chunk.chunk_id, problem or "too many lie ahead of it")

    def _passed_s(self, now_ns: int) -> float:
        passed_ns = min(now_ns - self._written_ns, LONGEST_STEP_PERIODS * self.period_ns)
        return max(passed_ns, 1) / 1e9

    def _write(self, point: TrajectoryPoint, decision: GovernorDecision, tick: TickTimes, lateness_ns: int) -> int:
        """Write the governed goal (or look for a lost arm) and log it; nanoseconds spent on the wire."""
        asked_ns = self._clock.now_ns()
        try:
            if self.state is State.RECOVERING:
                self._recover(decision.goal)
            else:
                self._arm.write(decision.goal)
        except BusError as error:
            self._give_up_or_recover(error)
            return self._clock.now_ns() - asked_ns
        done_ns = self._clock.now_ns()
        command = Command(
            number=self._counts.ticks,
            time_ns=self._written_ns,
            goal=self._governed.goal,
            measured=self._joints.position,
            current=self._joints.current,
            chunk_id=point.chunk_id,
            plan_age_steps=point.plan_age_steps,
            captured_ns=point.captured_ns,
            verdict=decision.verdict,
            state=self.state,
            lateness_ns=lateness_ns,
            tick=tick.done(asked_ns, done_ns),
        )
        self._counts.add(command)
        self._channel.log(command)
        return done_ns - asked_ns

    def _watch(self, point: TrajectoryPoint, now_ns: int) -> None:
        """Notice what no one tells us: chunks have stopped, or the arm has arrived where it was going."""
        if not point.exhausted:
            self._exhausted_since_ns = None
            return
        if self._exhausted_since_ns is None:
            self._exhausted_since_ns = now_ns
        if self.state is State.RUNNING:
            if now_ns - self._exhausted_since_ns >= self._hold_after_ns:
                self._happen(Event.CHUNKS_STOPPED)
        elif self.state in {State.HOMING, State.STOPPING, State.FAULT} and not self._governed.velocity.any():
            self._arrive(now_ns)

    def _arrive(self, now_ns: int) -> None:
        parking = self.state is State.STOPPING and self._on_exit is OnExit.REST and not self._pressed
        if parking and not self._near(self._rest):
            self._source.glide(self._governed.goal, self._rest, now_ns)
        else:
            self._happen(Event.ARRIVED)

    def _recover(self, goal: Float64) -> None:
        """One step towards an arm that obeys. Raises BusError for one that is not back in time, or needs a person."""
        pose = self._arm.recover(goal)
        if pose is not None:
            self._governed = GovernorState.standing(pose)
            self._happen(Event.ARM_BACK)
        elif self._recovery.is_over(self._clock.now_ns()):
            problem = f"{self._counts.trouble}; not back within {self._recover_within_s:g} s: {self._arm.missing()}"
            self._fail(BusError(f"{problem}; check cable and power"))

    def _give_up_or_recover(self, error: BusError) -> None:
        if isinstance(error, HardwareAlertError) or self.state is State.FAULT:
            self._fail(error)
        else:
            self._lose(str(error))

    def _lose(self, trouble: str) -> None:
        """The arm does not obey for the moment."""
        self._counts.trouble, self._lost_reads = trouble, 0
        logger.warning("%s", trouble)
        if self._recovery.begin(self._clock.now_ns()):
            self._counts.recoveries += 1
            self._happen(Event.ARM_LOST)
        else:
            self._fail(BusError(f"{trouble}; too often within a minute: check cables and supply"))

    def _fail(self, error: BusError) -> None:
        self.fault = self.fault or error
        logger.error("the bus failed: %s", error)
        self._happen(Event.BUS_FAULT)

    def _happen(self, event: Event) -> Reply:
        """Look up what follows and do it."""
        before, transition = self.state, next_transition(self.state, event)
        if transition is None:
            return Reply(before, False, f"{event.value!r} is not possible while {before.value}")
        if event is Event.START and self._pressed:
            return Reply(before, False, "the hardware stop is pressed")
        if event in {Event.PRESSED, Event.RELEASED}:
            self._pressed = event is Event.PRESSED
        self.state = transition.state
        if before is not transition.state or transition.reaction is Reaction.PAUSE:
            self.cause = event
            logger.info("%s -> %s (%s)", before.value, transition.state.value, event.value)
        self._react(transition.reaction)
        return Reply(transition.state)

    def _react(self, reaction: Reaction) -> None:
        now_ns = self._clock.now_ns()
        if reaction is Reaction.FOLLOW:
            self._listening = True
            self._source.follow(self._governed.goal, now_ns)
        elif reaction is Reaction.FLUSH:
            self._channel.new_chunk()
            if self._listening:
                self._source.follow(self._governed.goal, now_ns)
        elif reaction is Reaction.HOME and not self._pressed and not self._near(self._rest):
            self._source.glide(self._governed.goal, self._rest, now_ns)
        elif reaction is Reaction.RESUME:
            self._go_on_after_recovery()
        elif reaction in RECOVERIES:
            self._source.stand()
            self._afterwards = RECOVERIES[reaction]
        elif reaction is not Reaction.NOTHING:
            self._source.stand()
            self._listening = reaction is Reaction.STAND
            self._afterwards = None
        if reaction is not Reaction.NOTHING:
            self._exhausted_since_ns = None
        self.finished = self.finished or reaction in {Reaction.LEAVE, Reaction.LEAVE_HOLDING}
        self._releasing = reaction is Reaction.LEAVE and self._on_exit is OnExit.RELEASE

    def _go_on_after_recovery(self) -> None:
        self._source.stand()
        afterwards, self._afterwards = self._afterwards, None
        if afterwards is not None:
            self._happen(afterwards)

    def _near(self, pose: Float64) -> bool:
        return bool(np.max(np.abs(self._governed.goal - pose)) < NEAR_RAD)

    def _publish(self, deadline_misses: int) -> None:
        fault = "" if self.fault is None else str(self.fault)
        telemetry = self._counts.telemetry(self._clock.now_ns(), self.state, self.cause, deadline_misses, fault)
        self._channel.publish_telemetry(telemetry)
