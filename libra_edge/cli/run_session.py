"""One run from servo process to servo process: start it, let the policy drive, park the arm, whatever happens."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import dataclass

from libra_edge.cli.hold_key import hold_key
from libra_edge.cli.output import stderr_console
from libra_edge.cli.run_hardware import RunHardware
from libra_edge.cli.stop_signals import stop_signals
from libra_edge.errors import ProcessError, RuntimeFault
from libra_edge.robot import Robot
from libra_edge.runtime.live_status import live_status
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.policy_loop import run_policy
from libra_edge.runtime.robot_fit import max_frame_ages_ns
from libra_edge.runtime.run_end import AFTER_SUCCESS_S, RunEnd
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.servo_loop import OnExit
from libra_edge.runtime.sight import Sight
from libra_edge.runtime.supervisor import State

logger = logging.getLogger(__name__)

HOMING_S = 30.0
PARKING_S = 30.0
LAST_WORDS_S = 5.0
"""For a servo process that has already failed to answer."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the command line asked for."""

    robot_name: str
    task: str
    duration_s: float
    mode: Mode
    on_exit: OnExit
    status: bool
    after_success_s: float = AFTER_SUCCESS_S


@dataclass(frozen=True, slots=True)
class Session:
    """How a run went: `ended` says why it ended; `fault` is what broke, if anything did."""

    run: Run
    end: RunEnd
    ended: str
    fault: RuntimeFault | None

    @property
    def success_s(self) -> float | None:
        """When the task was seen to be done, seconds after control step 0."""
        if self.end.success_ns is None:
            return None
        return max(0.0, (self.end.success_ns - self.run.log.start_ns) / 1e9)


async def run_session(
    policy: Policy, robot: Robot, hardware: RunHardware, log: RunLog, options: SessionOptions
) -> Session:
    """Drive the arm. Raises InputError if it cannot be started at all; a fault later on is part of the result."""
    end = RunEnd(log.clock, options.duration_s, hardware.referee, options.after_success_s)
    arguments = ["--robot", options.robot_name, "--port", hardware.port, "--on-exit", options.on_exit.value]
    with stop_signals(end.stop):
        servo = await ServoClient.launch(arguments, joints=len(robot.joint))
        sight = Sight(max_frame_ages_ns(policy.spec, robot), servo.joint_state, log.clock)
        run = Run(policy, hardware.cameras, sight, servo, log, log.clock, end, options.mode)
        run.camera_hz = {camera.name: camera.fps for camera in robot.camera}
        ended, fault = "", None
        try:
            ended = await _drive(run, servo, options)
        except RuntimeFault as broken:
            ended, fault = "a fault", broken
            log.fault(str(broken), "the arm is stopped, the run ends")
        finally:
            log.finish()
            unparked = await _park(run, servo, LAST_WORDS_S if isinstance(fault, ProcessError) else PARKING_S)
    return Session(run, end, ended, fault or unparked)


async def _drive(run: Run, servo: ServoClient, options: SessionOptions) -> str:
    state = await servo.wait_for(State.READY, State.HOLDING, State.STOPPING, State.OFF, patience_s=HOMING_S)
    if state is not State.READY:
        return "stopped before it began"
    console = stderr_console()
    with (
        hold_key(run) as listening,
        live_status(run, options.task, options.duration_s, console) if options.status else nullcontext(),
    ):
        if listening:
            logger.info("space bar: hold, and go on; Ctrl-C: stop")
        return await run_policy(run)


async def _park(run: Run, servo: ServoClient, patience_s: float) -> RuntimeFault | None:
    """Stop the arm as --on-exit says, and take over what the servo process has left to tell."""
    try:
        await servo.close(patience_s)
    except RuntimeFault as fault:
        run.log.fault(str(fault), "none possible from here")
        return fault
    finally:
        for command in servo.drain_commands():
            run.log.command(command)
        run.telemetry = servo.telemetry()
    return None
