"""Finds the serial port of a robot's bus, by the USB id of the adapters that people drive Dynamixel servos with."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from libra_edge.errors import ConfigError, MissingHardwareError
from libra_edge.robot import Robot

logger = logging.getLogger(__name__)

DEVICES = Path("/dev")
TTYS = Path("/sys/class/tty")
PATTERNS = ("ttyACM*", "ttyUSB*")
LEVELS_TO_USB_DEVICE = 3
"""A port's folder in sysfs is an interface of a USB device, or a level below one."""
ADAPTERS: Mapping[str, str] = {
    "2f5d:2202": "ROBOTIS OpenRB-150",
    "0403:6014": "ROBOTIS U2D2, or another FTDI FT232H",
    "1a86:55d3": "Waveshare bus-servo adapter (CH343)",
    "0403:6001": "FTDI FT232R",
    "1a86:7523": "CH340",
    "10c4:ea60": "Silicon Labs CP210x",
}
"""USB ids, vendor:product, those made for servos first."""


def find_port(robot: Robot, devices: Path = DEVICES, ttys: Path = TTYS) -> str:
    """The path in the robot file, or for "auto" the port of the adapter that is likeliest to be one for servos.

    Raises MissingHardwareError if there is none, ConfigError for a robot whose bus is simulated.
    """
    if robot.bus.port == "simulated":
        raise ConfigError(f"robot {robot.name!r} has a simulated bus: it has no port of its own to find")
    if robot.bus.port != "auto":
        return robot.bus.port
    found = [str(path) for pattern in PATTERNS for path in sorted(devices.glob(pattern))]
    if not found:
        looked = " or ".join(str(devices / pattern) for pattern in PATTERNS)
        raise MissingHardwareError(
            f"no serial port for the servos of robot {robot.name!r}: looked for {looked} and found none; "
            "`python -m serial.tools.list_ports` lists the ports, `--robot koch-sim` needs no arm"
        )
    return _likeliest(found, {port: usb_id(port, ttys) for port in found})


def usb_id(port: str, ttys: Path = TTYS) -> str:
    """vendor:product of the USB device behind a port, as in ADAPTERS; "" where there is none."""
    folder = (ttys / Path(port).name / "device").resolve()
    for parent in [folder, *folder.parents][:LEVELS_TO_USB_DEVICE]:
        try:
            return ":".join((parent / name).read_text(encoding="ascii").strip() for name in ("idVendor", "idProduct"))
        except OSError:
            continue
    return ""


def _likeliest(ports: Sequence[str], ids: Mapping[str, str]) -> str:
    known = list(ADAPTERS)
    ranked = sorted(ports, key=lambda port: known.index(ids[port]) if ids[port] in known else len(known))
    if len(ranked) > 1:
        listed = ", ".join(f"{port} ({ADAPTERS.get(ids[port], 'unknown adapter')})" for port in ranked)
        logger.warning("several serial ports: %s; taking the first, the robot file's bus.port decides", listed)
    return ranked[0]
