"""The simulation's process by hand, as a shell starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from libra_edge.drivers.simulation.child_process import MODULE
from tests.simulation_process.small_robot import TASK, small_robot

LATEST_S = 60


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", MODULE, *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_line_tells_the_port_and_a_signal_ends_in_the_ledger(number: signal.Signals) -> None:
    process = start("--robot", "koch-sim", "--seed", "7", "--task", TASK, "--grain", "front=30", "--grain", "wrist=30")
    assert process.stdout is not None
    contact = json.loads(process.stdout.readline())
    assert contact["port"].startswith("/dev/pts/")
    assert contact["servos"] == [1, 2, 3, 4, 5, 6]
    process.send_signal(number)
    rest, _ = process.communicate(timeout=LATEST_S)
    ledger = json.loads(rest)
    assert ledger["success"] is False
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("robot", "line", "task", "said"),
    [
        ("nobody", "", TASK, "unknown robot 'nobody'"),
        ("-", "{}\n", TASK, "robot on stdin: schema_version"),
        ("-", small_robot().model_dump_json() + "\n", "sing", "'sing'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(robot: str, line: str, task: str, said: str) -> None:
    process = start("--robot", robot, "--seed", "7", "--task", task)
    output, _ = process.communicate(line, timeout=LATEST_S)
    answer = json.loads(output)
    assert said in answer["error"]
    assert (answer["exit_code"], process.returncode) == (2, 2)
