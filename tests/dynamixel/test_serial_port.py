"""Ports that are missing, taken, forbidden, or no port at all; and where to look for one."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import time
from pathlib import Path

import pytest
import serial

from libra_edge.drivers.dynamixel.port_search import find_port, usb_id
from libra_edge.drivers.dynamixel.serial_port import CHUNK_BYTES, SerialPort
from libra_edge.errors import BusError, ConfigError, MissingHardwareError, PortError
from libra_edge.robot import open_robot
from tests.dynamixel.bench import PATIENCE_S, ROBOT, bus_on, emulated

KOCH = open_robot("koch")


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingHardwareError, match=r"there is no port .*serial\.tools\.list_ports.*koch-sim"):
        SerialPort(str(tmp_path / "ttyACM0"), 1_000_000).open()


def test_a_second_master_is_kept_out_until_the_first_has_gone() -> None:
    with emulated() as emulator:
        second = SerialPort(emulator.port, 1_000_000)
        with bus_on(emulator) as bus:
            with pytest.raises(MissingHardwareError, match="in use by another program"):
                second.open()
            assert bus.ping(1).model_number == 1060
        second.open()
        second.close()


def test_a_port_that_may_not_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port /dev/ttyACM0: Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(MissingHardwareError, match=r"no permission to open /dev/ttyACM0: `sudo usermod -a -G dialout"):
        SerialPort("/dev/ttyACM0", 1_000_000).open()


@pytest.mark.parametrize(
    ("name", "works", "warned"), [("ttyUSB7", True, 0), ("ttyUSB7", False, 1), ("ttyACM7", False, 0)]
)
def test_an_ftdi_adapter_is_told_to_hurry(
    name: str, works: bool, warned: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hurried: list[bool] = []

    class Adapter:
        def __init__(self, *_: object, **__: object) -> None: ...

        def set_low_latency_mode(self, low: bool) -> None:
            if not works:
                raise ValueError("Failed to update ASYNC_LOW_LATENCY flag")
            hurried.append(low)

    monkeypatch.setattr(serial, "Serial", Adapter)
    SerialPort(f"/dev/{name}", 1_000_000).open()
    assert hurried == [True] * works
    assert len(caplog.records) == warned


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a port")
    with pytest.raises(MissingHardwareError, match="cannot be opened"):
        SerialPort(str(tmp_path / "notes.txt"), 1_000_000).open()


def test_a_closed_port_says_so_and_closes_twice() -> None:
    with emulated() as emulator:
        port = SerialPort(emulator.port, 1_000_000)
        port.open()
        port.close()
        port.close()
        with pytest.raises(BusError, match="is not open"):
            port.send(b"x")
        with pytest.raises(BusError, match="is not open"):
            port.take()


def test_taking_what_has_come_never_waits() -> None:
    with emulated() as emulator, bus_on(emulator) as bus:
        assert bus.port.take() == b""


def test_a_far_end_that_does_not_read_is_told() -> None:
    master, slave = os.openpty()
    port = SerialPort(os.ttyname(slave), 1_000_000)
    port.open()
    try:
        with pytest.raises(PortError, match=r"cannot be written: .*bytes not taken"):
            port.send(bytes(100 * CHUNK_BYTES))
    finally:
        port.close()
        os.close(master)
        os.close(slave)


def test_no_arm_says_where_it_looked_and_what_else_there_is(tmp_path: Path) -> None:
    with pytest.raises(MissingHardwareError) as caught:
        find_port(KOCH, tmp_path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for part in (f"{tmp_path}/ttyACM*", f"{tmp_path}/ttyUSB*", "python -m serial.tools.list_ports", "--robot koch-sim"):
        assert part in sentence


def test_acm_comes_before_usb_and_a_choice_is_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("ttyUSB0", "ttyS0"):
        (tmp_path / name).touch()
    with caplog.at_level(logging.WARNING):
        assert find_port(KOCH, tmp_path) == str(tmp_path / "ttyUSB0")
        assert not caplog.records
        (tmp_path / "ttyACM1").touch()
        assert find_port(KOCH, tmp_path) == str(tmp_path / "ttyACM1")
    assert "several serial ports" in caplog.text


def test_a_port_in_the_robot_file_is_taken_as_it_is(tmp_path: Path) -> None:
    bus = KOCH.bus.model_copy(update={"port": "/dev/arm"})
    assert find_port(KOCH.model_copy(update={"bus": bus}), tmp_path) == "/dev/arm"


def test_a_simulated_bus_has_no_port() -> None:
    with pytest.raises(ConfigError, match="simulated"):
        find_port(ROBOT)


def plug(ttys: Path, devices: Path, name: str, usb: str) -> None:
    """A port in /dev, and what sysfs tells of its USB device."""
    (devices / name).touch()
    folder = ttys / name
    interface = ttys.parent / "usb" / name / "1-1:1.0"
    interface.mkdir(parents=True)
    folder.mkdir(parents=True)
    (folder / "device").symlink_to(interface)
    for file, text in zip(("idVendor", "idProduct"), usb.split(":"), strict=True):
        (interface.parent / file).write_text(f"{text}\n")


def test_an_adapter_made_for_servos_is_found_among_other_ports(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ttys, devices = tmp_path / "tty", tmp_path / "dev"
    devices.mkdir()
    plug(ttys, devices, "ttyACM0", "2341:0043")
    plug(ttys, devices, "ttyUSB0", "0403:6001")
    plug(ttys, devices, "ttyUSB1", "0403:6014")
    assert find_port(KOCH, devices, ttys) == str(devices / "ttyUSB1")
    assert "ttyUSB1 (ROBOTIS U2D2" in caplog.text
    plug(ttys, devices, "ttyACM1", "2f5d:2202")
    assert find_port(KOCH, devices, ttys) == str(devices / "ttyACM1")
    assert usb_id(str(devices / "ttyS0"), ttys) == ""


def test_what_has_come_is_seen_although_the_time_is_up() -> None:
    """A process that was stopped for a while finds both: its time has run out, and the answer is there."""
    with emulated() as emulator:
        port = SerialPort(emulator.port, 1_000_000)
        port.open()
        try:
            long_ago = time.monotonic() - 1.0
            assert not port.wait_for(port.readable(long_ago))
            assert not asyncio.run(port.readable(long_ago))
            emulator.send(b"late")
            assert port.wait_for(port.readable(time.monotonic() + PATIENCE_S))
            assert port.wait_for(port.readable(long_ago))
            assert asyncio.run(port.readable(long_ago))
            assert port.take() == b"late"
        finally:
            port.close()
