"""`libra-edge emulate` as a process, and a host that dies under an arm in motion."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from libra_edge.cli.emulate import command
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED
from libra_edge.drivers.simulation.mujoco_plant import MujocoPlant
from libra_edge.drivers.simulation.servos.dynamics import moved_by
from libra_edge.drivers.simulation.servos.second_order_plant import SecondOrderPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.errors import ConfigError, MissingDependencyError
from libra_edge.robot import open_robot
from tests.dynamixel.bench import IDS, bus_on, emulated, wait_until

HOST = """
import sys
import numpy as np
from libra_edge.drivers.dynamixel.koch_arm import KochArm
from libra_edge.robot import open_robot

robot = open_robot("koch")
slow = tuple(joint.model_copy(update={"velocity_deg_s": 4.0}) for joint in robot.joint)
bus = robot.bus.model_copy(update={"watchdog_ms": int(sys.argv[2])})
arm = KochArm(robot.model_copy(update={"joint": slow, "bus": bus}), sys.argv[1], answer_margin_s=20.0)
arm.open()
arm.enable_torque()
start = arm.read().position
print("moving", flush=True)
while True:
    arm.write(np.where(robot.rest < np.radians(-30.0), start + 0.5, start - 0.5))
    arm.read()
"""
"""Sends every joint on a way of seven seconds, and keeps at it."""


@contextmanager
def process(arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def first_line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_port_comes_first_and_the_ledger_last(number: signal.Signals, tmp_path: Path) -> None:
    link = tmp_path / "koch"
    link.symlink_to("/dev/pts/left_over")
    arguments = ["-m", "libra_edge.cli.main", "emulate", "koch", "--link", str(link), "--baud", "2000000"]
    with process(arguments) as running:
        first = json.loads(first_line(running))
        assert first["servos"] == IDS
        assert str(link.readlink()) == first["port"]
        running.send_signal(number)
        last = json.loads(first_line(running))
        assert running.wait() == 0
    assert (last["packets"], last["limits_violated"], last["watchdog_trips"]) == (0, 0, 0)
    assert not link.is_symlink()


def test_it_stops_by_itself_and_does_not_take_the_place_of_a_file(tmp_path: Path) -> None:
    lines = (
        CliRunner()
        .invoke(command, ["koch-sim", "--seconds", "0", "--json"], catch_exceptions=False)
        .output.splitlines()
    )
    assert [sorted(json.loads(line))[0] for line in lines] == ["port", "corrupt"]
    taken = tmp_path / "notes.txt"
    taken.write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt to the port cannot be made: File exists"):
        CliRunner().invoke(command, ["koch", "--link", str(taken)], catch_exceptions=False)
    assert taken.read_text() == "mine"


def measured(emulator: ServoBusEmulator, register: Register) -> list[int]:
    """Read over the bus, which is ours once the host is dead."""
    with bus_on(emulator) as bus:
        return [bus.read(servo_id, register) for servo_id in IDS]


def test_a_host_that_dies_while_a_distant_goal_is_under_way_leaves_every_servo_stopped() -> None:
    with emulated() as emulator, process(["-c", HOST, emulator.port, "1000"]) as host:
        assert first_line(host) == "moving\n"
        started = {servo_id: emulator.peek(servo_id, r.PRESENT_POSITION) for servo_id in IDS}
        wait_until(lambda: all(abs(emulator.peek(i, r.PRESENT_POSITION) - started[i]) > 3 for i in IDS))
        assert emulator.ledger.watchdog_trips == 0
        host.kill()
        wait_until(lambda: emulator.ledger.watchdog_trips == 6)
        assert [emulator.peek(servo_id, r.BUS_WATCHDOG) for servo_id in IDS] == [WATCHDOG_TRIPPED] * 6
        goals = {record.servo_id: record.tick for record in emulator.ledger.goals}
        stopped = measured(emulator, r.PRESENT_POSITION)
        assert all(abs(goals[i] - stopped[i - 1]) > 20 for i in IDS), "the goals were not distant"
        assert measured(emulator, r.PRESENT_VELOCITY) == [0] * 6
        assert measured(emulator, r.PRESENT_POSITION) == stopped
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * 6


def test_without_mujoco_servos_move_all_the_same_and_it_is_announced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> None:
        raise MissingDependencyError("mujoco", "the simulated arm needs it")

    monkeypatch.setattr("libra_edge.drivers.simulation.servos.dynamics.importlib.import_module", missing)
    with moved_by("auto", open_robot("koch")) as plant:
        assert isinstance(plant, SecondOrderPlant)
    assert "second-order model" in caplog.text
    with pytest.raises(MissingDependencyError), moved_by("mujoco", open_robot("koch")):
        pass


def test_with_mujoco_a_limp_arm_falls() -> None:
    pytest.importorskip("mujoco")
    with moved_by("auto", open_robot("koch")) as plant:
        assert isinstance(plant, MujocoPlant)
        start = plant.measure(2).position_tick
        for servo_id in IDS:
            plant.set_torque(servo_id, True)
            plant.set_torque(servo_id, False)
        wait_until(lambda: abs(plant.measure(2).position_tick - start) > 50)
