"""The simulated robot from outside: a serial port with servos behind it, cameras, a referee, a ledger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.simulation.simulated_robot import SimulatedRobot
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.errors import InputError, InstructionError, ProcessError
from libra_edge.protocols import Camera
from tests.simulation_process.small_robot import SEED, TASK, small_robot

ROBOT = small_robot()
PAN = 1
PATIENCE_S = 20.0
"""On a machine however busy."""


class Session:
    """One simulated robot for the tests of this module, a patient bus and open cameras."""

    def __init__(self, goals: Path) -> None:
        self.goals = goals
        self.robot = SimulatedRobot.launch(ROBOT, seed=SEED, task=TASK, goals=goals)
        self.bus = Bus(SerialPort(self.robot.port, ROBOT.bus.baud), answer_margin_s=PATIENCE_S)
        self.bus.port.open()
        self.cameras = {camera.name: camera for camera in self.robot.cameras()}
        for camera in self.cameras.values():
            camera.open()

    def close(self) -> None:
        for camera in self.cameras.values():
            camera.close()
        self.bus.port.close()

    def positions(self) -> list[int]:
        return [self.bus.read(joint.id, r.PRESENT_POSITION) for joint in ROBOT.joint]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    session = Session(tmp_path_factory.mktemp("simulation") / "goals.jsonl")
    yield session
    session.close()
    session.robot.summary()


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true in the time a busy machine may need."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def session_members(leader: int) -> list[int]:
    """Processes that run in the session of a simulation, itself among them (those dead but unclaimed do not run)."""
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session, *_ = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(session) == leader and state != "Z":
            members.append(int(path.parent.name))
    return members


def test_servos_stand_where_the_seed_puts_them(session: Session) -> None:
    world = KochCubesWorld(SEED, TASK)
    np.testing.assert_allclose(session.positions(), ROBOT.to_ticks(world.position), atol=4)


def test_goal_written_to_the_port_moves_the_joint(session: Session) -> None:
    goal = session.bus.read(PAN, r.PRESENT_POSITION) + 200
    session.bus.write(PAN, r.TORQUE_ENABLE, 1)
    session.bus.write(PAN, r.GOAL_POSITION, goal)
    assert eventually(lambda: abs(session.bus.read(PAN, r.PRESENT_POSITION) - goal) <= 4)


def test_frames_flow_with_their_capture_times(session: Session) -> None:
    for camera in ROBOT.camera:
        before = time.monotonic_ns()
        frames = [session.cameras[camera.name].read(PATIENCE_S) for _ in range(3)]
        assert isinstance(session.cameras[camera.name], Camera)
        assert all(frame.image.shape == (camera.height, camera.width, 3) for frame in frames)
        assert sorted({frame.number for frame in frames}) == [frame.number for frame in frames]
        assert before - 10**9 * PATIENCE_S < frames[0].captured_ns < frames[1].captured_ns < time.monotonic_ns()


def test_referee_sees_no_success_in_idleness(session: Session) -> None:
    assert session.robot.referee.success() is False


def test_ledger_has_every_goal_with_the_packet_that_carried_it(tmp_path: Path) -> None:
    session = Session(tmp_path / "goals.jsonl")
    tick = session.bus.read(PAN, r.PRESENT_POSITION)
    session.bus.write(PAN, r.TORQUE_ENABLE, 1)
    for step in range(5):
        session.bus.write(PAN, r.GOAL_POSITION, tick + step)
    looks = 1
    while session.bus.read(PAN, r.PRESENT_POSITION) == tick:  # until physics has moved it; pytest ends a vain wait
        looks += 1
    session.close()
    summary = session.robot.summary()
    goals = [json.loads(line) for line in session.goals.read_text(encoding="utf-8").splitlines()]
    assert [goal["tick"] for goal in goals] == [tick + step for step in range(5)]
    assert all((tick + step).to_bytes(4, "little") in bytes.fromhex(goal["packet"]) for step, goal in enumerate(goals))
    assert summary["goals"] == 5
    assert summary["packets"] == 7 + looks
    assert (summary["success"], summary["limits_violated"], summary["watchdog_trips"]) == (False, 0, 0)
    assert summary["physics_steps"] > 0
    assert summary["frames"]["front"]["taken"] > 0
    assert session.robot.summary() == summary


def test_death_of_the_simulation_is_a_process_error() -> None:
    robot = SimulatedRobot.launch(ROBOT, seed=SEED, task=TASK)
    assert len(session_members(robot.pid)) == 2
    os.kill(robot.pid, signal.SIGKILL)
    assert eventually(lambda: not session_members(robot.pid))
    for ask in (robot.check, robot.referee.success, robot.summary):
        with pytest.raises(ProcessError, match="killed by signal 9"):
            ask()


ORPHAN = """
import os, signal
from libra_edge.drivers.simulation.simulated_robot import SimulatedRobot
from tests.simulation_process.small_robot import SEED, TASK, small_robot
robot = SimulatedRobot.launch(small_robot(), seed=SEED, task=TASK)
print(robot.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_death_of_the_parent_ends_the_simulation_and_its_cameras() -> None:
    parent = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=False, timeout=60)
    assert parent.returncode == -signal.SIGKILL
    pid = int(parent.stdout)
    assert eventually(lambda: not session_members(pid))


def test_task_the_world_does_not_know_starts_nothing() -> None:
    with pytest.raises(InstructionError, match="dance"):
        SimulatedRobot.launch(ROBOT, seed=SEED, task="dance with the red cube")


def test_what_the_child_refuses_is_said_in_its_words() -> None:
    with pytest.raises(InputError, match="no camera elbow"):
        SimulatedRobot.launch(ROBOT, seed=SEED, task=TASK, grain={"elbow": 2})


def test_a_cube_moved_mid_run_lies_elsewhere_and_is_seen_there() -> None:
    with SimulatedRobot.launch(ROBOT, seed=SEED, task=TASK) as robot:
        camera = next(camera for camera in robot.cameras() if camera.name == "front")
        camera.open()
        before, old_place = camera.read(PATIENCE_S), robot.status().cubes[0]
        moved_ns = robot.move_cube(0, 0.19, 0.10)
        frame = camera.read(PATIENCE_S)
        while frame.captured_ns < moved_ns:
            frame = camera.read(PATIENCE_S)
        camera.close()
        place = robot.status().cubes[0]
        assert moved_ns > before.captured_ns
        assert np.linalg.norm(old_place - [0.19, 0.10, 0.0125]) > 0.02
        np.testing.assert_allclose(place, [0.19, 0.10, 0.0125], atol=0.002)
        assert not np.array_equal(before.image, frame.image)
        with pytest.raises(ValueError, match=r"less than or equal to 0\.5"):
            robot.move_cube(0, 9.0, 0.0)
