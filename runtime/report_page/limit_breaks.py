"""Which commands of a recording broke the robot's limits, counted again from the file and the robot file in it."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationError

from libra_edge.robot import Robot
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.report_page.episode import Episode
from libra_edge.runtime.report_page.message_forms import CommandForm
from libra_edge.runtime.supervisor import State


def recorded_robot(episode: Episode) -> Robot | None:
    """The robot file as the recording keeps it; None if it keeps none that this version reads, or of other joints."""
    try:
        robot = Robot.model_validate_json(episode.facts.robot_file)
    except ValidationError:
        return None
    return robot if robot.joint_names == episode.joint_names else None


def limit_breaks(episode: Episode, robot: Robot) -> list[int]:
    """Times of the commands outside a limit, nanoseconds of the monotonic clock."""
    check, broken = LimitCheck(robot), []
    for form in episode.commands:
        before = check.violated
        check.check(_command(form))
        if check.violated > before:
            broken.append(form.time_ns)
    return broken


def _command(form: CommandForm) -> Command:
    """As far as limits go: what the governor did to it does not matter."""
    known = {state.value for state in State}
    return Command(
        number=form.number,
        time_ns=form.time_ns,
        goal=np.array(form.goal_rad),
        measured=np.array(form.measured_rad),
        chunk_id=form.chunk_id,
        plan_age_steps=form.plan_age_steps,
        captured_ns=form.captured_ns,
        verdict=Verdict(np.zeros(len(form.goal_rad), np.uint8)),
        state=State(form.state) if form.state in known else State.RUNNING,
        lateness_ns=round(form.lateness_us * 1e3),
    )
