"""The servo process of `run` and `jog`: `python -m libra_edge.cli.servo`. Hidden: those two start it.

Its stdout carries one JSON line, once the arm stands under torque; its stderr carries lines of `LEVEL message`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
from collections.abc import Iterator
from logging.handlers import QueueHandler, QueueListener

import click
import uvloop

from libra_edge.cli.crash_log import save_crash
from libra_edge.drivers.dynamixel.dynamixel_arm import DynamixelArm
from libra_edge.drivers.dynamixel.koch_arm import KochArm, is_koch
from libra_edge.drivers.dynamixel.port_search import find_port
from libra_edge.drivers.stop_switch.gpio_line import GpioLine
from libra_edge.drivers.stop_switch.input_key import InputKey
from libra_edge.errors import LibraEdgeError, RuntimeFault
from libra_edge.protocols import StopSwitch
from libra_edge.robot import Robot, open_robot
from libra_edge.runtime.servo_directory import ServoDirectory
from libra_edge.runtime.servo_loop import OnExit
from libra_edge.runtime.servo_process import ServoOptions, run_servo

INTERRUPTED = 130


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--robot", "robot_name", default="koch", show_default=True, help="Robot name or file.")
@click.option("--port", default=None, help="Serial port, instead of the robot file's.")
@click.option("--on-exit", type=click.Choice([choice.value for choice in OnExit]), default="hold", show_default=True)
@click.option("--policy-pipe", type=int, default=None, help="Hold when this pipe (a file descriptor) closes.")
@click.option(
    "--homing/--no-homing", default=True, show_default=True, help="Begin in the rest pose, or where it stands."
)
def command(robot_name: str, port: str | None, on_exit: str, policy_pipe: int | None, homing: bool) -> None:
    """Drive the arm of a robot: what `libra-edge run` starts beside the policy, and `libra-edge jog` alone.

    \b
    Example:
      python -m libra_edge.cli.servo --robot koch --port /dev/ttyACM0 --on-exit rest
    """  # noqa: D301 - click reads the \b
    robot = open_robot(robot_name)
    path = port or find_port(robot)
    options = ServoOptions(path, OnExit(on_exit), policy_pipe, _switch(robot), homing)
    arm = KochArm(robot, path) if is_koch(robot) else DynamixelArm(robot, path)
    uvloop.run(run_servo(arm, robot, options, _announce))


def _switch(robot: Robot) -> StopSwitch | None:
    if robot.stop is not None:
        return InputKey(robot.stop.device, robot.stop.key)
    if robot.stop_line is not None:
        return GpioLine(robot.stop_line.chip, robot.stop_line.line, robot.stop_line.pressed)
    return None


def main() -> None:
    """Exit codes: 0 stopped, 2 bad input or missing hardware, 3 a fault while running."""
    with _logging_aside():
        try:
            command.main(standalone_mode=False)
            problem, code = "", 0
        except click.ClickException as error:
            problem, code = error.format_message(), 2
        except LibraEdgeError as error:
            problem, code = str(error), error.exit_code
        except KeyboardInterrupt:
            problem, code = "interrupted before the arm was opened", INTERRUPTED
        except Exception as error:  # noqa: BLE001 - the last resort: a sentence here, the traceback in a file
            problem, code = save_crash(error, sys.argv[1:]), RuntimeFault.exit_code
        if code:
            logging.error("%s", problem)
    sys.exit(code)


def _announce(directory: ServoDirectory) -> None:
    click.echo(json.dumps({"directory": str(directory.path), "process": os.getpid()}))


@contextlib.contextmanager
def _logging_aside() -> Iterator[None]:
    """Let a thread of its own write the log, so that a reader who does not read never holds up the servo loop."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logging.getLogger().addHandler(QueueHandler(lines))
    logging.getLogger().setLevel(logging.INFO)
    listener = QueueListener(lines, to_stderr)
    listener.start()
    try:
        yield
    finally:
        listener.stop()


if __name__ == "__main__":
    main()
