"""May this policy be judged in this simulation? Asked before anything is played."""

from __future__ import annotations

from collections.abc import Iterable

from libra_edge.errors import ConfigError, InstructionError
from libra_edge.policy_files import PolicyFiles
from libra_edge.robot import Robot
from libra_edge.runtime.load_systems import load_words
from libra_edge.runtime.robot_fit import check_fit


def check_playable(files: PolicyFiles, robot: Robot, tasks: Iterable[str]) -> None:
    """Raises ConfigError for a real robot, for joints or cameras that differ, and for tasks in words never taught.

    Raises PolicyFilesError if the tokeniser cannot be read.
    """
    if robot.simulation is None:
        raise ConfigError(f"robot {robot.name!r} is no simulation, and nobody would judge its success; use koch-sim")
    check_fit(files.spec, robot)
    words = load_words(files)
    try:
        for task in dict.fromkeys(tasks):
            words.encode(task)
    except InstructionError as error:
        raise ConfigError(f"model {files.spec.name!r} cannot do what robot {robot.name!r} is asked: {error}") from error
