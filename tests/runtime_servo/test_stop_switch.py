"""A key of an input device, a FIFO in its place, holds the arm in the real servo process."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from libra_edge.drivers.stop_switch.input_key import EV_KEY, EVENT, InputKey
from libra_edge.errors import InputError, MissingHardwareError
from libra_edge.robot import ROBOTS
from libra_edge.runtime.control_socket import Reply
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.supervisor import State
from tests.dynamixel.bench import emulated

KEY, OTHER = 57, 58
PATIENCE_S = 30.0


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "key")
    return tmp_path / "key"


def event(code: int, value: int) -> bytes:
    return EVENT.pack(0, 0, EV_KEY, code, value)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def test_presses_and_releases_of_the_key_are_told_and_a_device_that_goes_away_is_a_press(fifo: Path) -> None:
    told: list[bool] = []
    with InputKey(str(fifo), KEY).watch(told.append):
        device = os.open(fifo, os.O_WRONLY)
        os.write(device, event(OTHER, 1) + event(KEY, 1) + event(OTHER, 0) + event(KEY, 0))
        wait_for(lambda: told[1:] == [False])
        os.close(device)
        wait_for(lambda: len(told) == 3)
    assert told == [True, False, True]


def test_a_switch_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(MissingHardwareError, match=r"the stop switch .*none cannot be opened"),
        InputKey(str(tmp_path / "none"), KEY).watch(lambda _down: None),
    ):
        pass


def robot_with_a_switch(device: Path) -> Path:
    path = device.parent / "robot.toml"
    text = (ROBOTS / "koch-sim.toml").read_text(encoding="utf-8")
    path.write_text(f'{text}\n[stop]\ndevice = "{device}"\nkey = {KEY}\n', encoding="utf-8")
    return path


def test_a_press_holds_the_arm_and_nothing_starts_until_the_release(fifo: Path, runtime_directory: Path) -> None:
    async def press(port: str) -> None:
        arguments = ["--robot", str(robot_with_a_switch(fifo)), "--port", port]
        client = await ServoClient.launch(arguments, joints=6)
        device = os.open(fifo, os.O_WRONLY)
        try:
            await client.wait_for(State.READY, patience_s=PATIENCE_S)
            while not (await client.request("start")).accepted:
                await asyncio.sleep(0.005)
            os.write(device, event(KEY, 1))
            await client.wait_for(State.HOLDING, patience_s=PATIENCE_S)
            assert await client.request("start") == Reply(State.HOLDING, False, "the hardware stop is pressed")
            os.write(device, event(KEY, 0))
            while not (await client.request("start")).accepted:
                await asyncio.sleep(0.005)
        finally:
            await client.close(PATIENCE_S)
            os.close(device)

    with emulated() as emulator:
        uvloop.run(press(emulator.port))


def test_a_switch_that_the_robot_file_names_and_that_is_not_there_is_refused(
    tmp_path: Path, runtime_directory: Path
) -> None:
    async def launch(port: str) -> None:
        arguments = ["--robot", str(robot_with_a_switch(tmp_path / "none")), "--port", port]
        await ServoClient.launch(arguments, joints=6)

    with emulated() as emulator, pytest.raises(InputError, match="the stop switch"):
        uvloop.run(launch(emulator.port))
