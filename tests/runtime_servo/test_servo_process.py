"""The servo process as it is: its own process, emulated servos on a pseudo-terminal, signals and sudden death."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvloop

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.errors import InputError, ProcessError
from libra_edge.messages import ActionChunk
from libra_edge.runtime.control_socket import Reply, Request, ask
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.servo_directory import running_servos
from libra_edge.runtime.supervisor import Event, State
from tests.dynamixel.bench import IDS, bus_on, emulated
from tests.runtime_servo.fakes import JOINTS, ROBOT, STEP_NS, rows_towards

PATIENCE_S = 30.0


@pytest.fixture
def emulator(runtime_directory: Path) -> Iterator[ServoBusEmulator]:
    """Servos in the rest pose; whatever servo process is left at the end is killed."""
    assert runtime_directory.exists()
    with emulated() as running:
        yield running
        for directory in running_servos():
            os.kill(directory.owner() or 0, signal.SIGKILL)


def launched(port: str, body: Callable[[ServoClient], Coroutine[Any, Any, Any]], *more: str) -> Any:
    """Run `body` with a servo process that is ready."""

    async def run() -> Any:
        client = await ServoClient.launch(["--robot", "koch-sim", "--port", port, *more], joints=JOINTS)
        try:
            await client.wait_for(State.READY, patience_s=PATIENCE_S)
            return await body(client)
        finally:
            await client.close(PATIENCE_S)

    return uvloop.run(run())


def a_chunk(chunk_id: int, offset_rad: float, steps: int = 5) -> ActionChunk:
    now_ns = time.monotonic_ns()
    return ActionChunk(chunk_id, rows_towards(offset_rad, steps), 0, now_ns, STEP_NS, 1, 2, now_ns)


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as it holds. Raises AssertionError if it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


async def started(client: ServoClient) -> Reply:
    """Ask until it is accepted: while a loaded machine has lost the arm for a moment, nobody starts."""
    deadline = time.monotonic() + PATIENCE_S
    while not (reply := await client.request("start")).accepted:
        assert time.monotonic() < deadline, reply.problem
        await asyncio.sleep(0.005)
    return reply


def test_a_chunk_becomes_goals_on_the_wire_and_commands_in_the_log(emulator: ServoBusEmulator) -> None:
    async def follow(client: ServoClient) -> list[int]:
        assert await started(client) == Reply(State.RUNNING)
        client.send_chunk(a_chunk(7, 0.2))
        await client.wait_for(State.HOLDING, patience_s=PATIENCE_S)
        np.testing.assert_allclose(client.joint_state().position, rows_towards(0.2)[-1], atol=0.01)
        commands = client.drain_commands()
        assert [command.number for command in commands] == list(range(len(commands)))
        of_the_chunk = [command for command in commands if command.chunk_id == 7]
        assert of_the_chunk[0].captured_ns is not None
        return [int(tick) for command in commands for tick in ROBOT.to_ticks(command.goal)]

    logged = launched(emulator.port, follow)
    sent = [goal.tick for goal in emulator.ledger.goals]
    assert sent[len(IDS) : len(IDS) + len(logged)] == logged


FEEDER = """
import asyncio, sys, time
import numpy as np
from libra_edge.messages import ActionChunk
from libra_edge.robot import open_robot
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.supervisor import State

REST = open_robot("koch-sim").rest

async def feed():
    client = await ServoClient.launch(["--robot", "koch-sim", "--port", sys.argv[1]], joints=6)
    await client.wait_for(State.READY, patience_s=30)
    await client.request("start")
    now = time.monotonic_ns()
    rows = REST + np.linspace(0.0, 0.5, 60)[:, None]
    client.send_chunk(ActionChunk(1, rows, 0, now, 80_000_000, 1, 0, now))
    while client.telemetry().chunk_id is None:
        await asyncio.sleep(0.01)
    print("fed", flush=True)
    await asyncio.sleep(60)

asyncio.run(feed())
"""


def test_when_the_process_that_feeds_chunks_is_killed_the_arm_holds_until_it_is_stopped(
    emulator: ServoBusEmulator,
) -> None:
    """Not only when the chunk under way has run out: that one would last 4.8 s."""
    with subprocess.Popen([sys.executable, "-c", FEEDER, emulator.port], stdout=subprocess.PIPE) as feeder:
        assert feeder.stdout is not None
        assert feeder.stdout.readline() == b"fed\n"
        feeder.kill()
    (directory,) = running_servos()

    async def state() -> State:
        return (await ask(directory.socket, Request.STATUS)).state

    async def see_it_stand() -> None:
        while await state() is not State.HOLDING:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.3)
        goals = list(emulator.ledger.goals)[-10 * len(IDS) :]
        assert len({(goal.servo_id, goal.tick) for goal in goals}) == len(IDS)
        end_of_chunk = ROBOT.to_ticks(ROBOT.rest + 0.5)
        assert np.all([goals[-len(IDS) + i].tick for i in range(len(IDS))] != end_of_chunk)
        while await state() is not State.HOLDING:
            await asyncio.sleep(0.005)

    asyncio.run(asyncio.wait_for(see_it_stand(), PATIENCE_S))
    stopped = subprocess.run(
        [sys.executable, "-m", "libra_edge.cli.main", "stop", "--json"], capture_output=True, text=True, check=True
    )
    assert stopped.stdout.splitlines()[-1].startswith('{"state": "stopping"')
    asyncio.run(until(lambda: not running_servos()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_first_signal_in_motion_stops_the_arm_under_torque_with_exit_code_0(
    emulator: ServoBusEmulator, number: signal.Signals
) -> None:
    async def interrupt(client: ServoClient) -> int:
        await started(client)
        client.send_chunk(a_chunk(1, 0.9, steps=20))
        await until(lambda: client.telemetry().chunk_id == 1)
        os.kill(client.process_id, number)
        return await client.wait_closed()

    assert launched(emulator.port, interrupt) == 0
    with bus_on(emulator) as bus:
        assert [bus.read(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * len(IDS)
    last = {goal.servo_id: goal.tick for goal in emulator.ledger.goals}
    before = {goal.servo_id: goal.tick for goal in list(emulator.ledger.goals)[: -len(IDS)]}
    assert last == before


def test_a_second_signal_ends_the_process_at_once_with_torque_on(emulator: ServoBusEmulator) -> None:
    async def interrupt_twice(client: ServoClient) -> int:
        await started(client)
        client.send_chunk(a_chunk(1, 0.8))
        await client.wait_for(State.HOLDING, patience_s=PATIENCE_S)
        os.kill(client.process_id, signal.SIGTERM)
        await client.wait_for(State.STOPPING, patience_s=PATIENCE_S)
        os.kill(client.process_id, signal.SIGTERM)
        return await client.wait_closed()

    assert launched(emulator.port, interrupt_twice, "--on-exit", "rest") == 0
    last = np.array([goal.tick for goal in list(emulator.ledger.goals)[-len(IDS) :]])
    assert np.abs(last - ROBOT.to_ticks(ROBOT.rest)).max() > 100
    with bus_on(emulator) as bus:
        assert [bus.read(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * len(IDS)


def test_on_exit_release_takes_the_torque_off(emulator: ServoBusEmulator) -> None:
    async def nothing(client: ServoClient) -> None:
        assert client.exit_code is None

    launched(emulator.port, nothing, "--on-exit", "release")
    with bus_on(emulator) as bus:
        assert [bus.read(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [0] * len(IDS)


def test_a_servo_in_overload_ends_the_run_with_a_sentence_and_exit_code_3(
    emulator: ServoBusEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    async def overload(client: ServoClient) -> int:
        await started(client)
        client.send_chunk(a_chunk(1, 0.5, steps=20))
        await until(lambda: client.telemetry().chunk_id == 1)
        emulator.raise_hardware_error(3, 0x20)
        code = await client.wait_closed()
        telemetry = client.telemetry()
        assert telemetry.state is State.FAULT
        assert "servo 3" in telemetry.fault
        with pytest.raises(ProcessError, match="servo 3"):
            await client.wait_for(State.RUNNING, patience_s=1.0)
        return code

    assert launched(emulator.port, overload) == 3
    assert "overload" in caplog.text


def test_a_second_servo_process_on_the_same_arm_is_refused(emulator: ServoBusEmulator) -> None:
    async def again(client: ServoClient) -> None:
        with pytest.raises(InputError, match=f"already driven by process {client.process_id}"):
            await ServoClient.launch(["--robot", "koch-sim", "--port", emulator.port], joints=JOINTS)
        assert (await started(client)).state is State.RUNNING, "the first one drives on"

    launched(emulator.port, again)


def test_missing_hardware_is_told_in_the_servo_processes_own_sentence(runtime_directory: Path) -> None:
    arguments = ["--robot", "koch", "--port", str(runtime_directory / "ttyACM0")]
    with pytest.raises(InputError, match=r"there is no port .*ttyACM0"):
        asyncio.run(ServoClient.launch(arguments, joints=JOINTS))


def test_stop_without_a_servo_process_is_bad_input(runtime_directory: Path) -> None:
    assert runtime_directory.exists()
    command = [sys.executable, "-m", "libra_edge.cli.main", "stop"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "no arm is running" in result.stderr


def test_stop_with_hold_keeps_the_process_alive_and_holding(emulator: ServoBusEmulator) -> None:
    async def hold(client: ServoClient) -> None:
        await started(client)
        command = [sys.executable, "-m", "libra_edge.cli.main", "stop", "--hold", "--json"]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        output, _ = await process.communicate()
        assert output.startswith(b'{"state": "holding"')
        await client.wait_for(State.HOLDING, patience_s=PATIENCE_S)
        assert client.telemetry().cause is Event.HOLD
        assert (await started(client)).state is State.RUNNING

    launched(emulator.port, hold)


FORBIDDEN = ("onnxruntime", "pyrealsense2", "mujoco", "tokenizers", "mcap", "torch", "onnx", "rich")


@pytest.mark.parametrize("module", ["libra_edge.runtime.servo_process", "libra_edge.cli.servo"])
def test_the_servo_process_imports_no_inference_camera_or_simulation_library(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {FORBIDDEN!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
