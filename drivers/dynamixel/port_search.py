"""Finds the serial port of a robot's bus."""

from __future__ import annotations

import logging
from pathlib import Path

from libra_edge.errors import ConfigError, MissingHardwareError
from libra_edge.robot import Robot

logger = logging.getLogger(__name__)

DEVICES = Path("/dev")
PATTERNS = ("ttyACM*", "ttyUSB*")


def find_port(robot: Robot, devices: Path = DEVICES) -> str:
    """The path in the robot file, or for "auto" the first /dev/ttyACM*, then /dev/ttyUSB*.

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
    if len(found) > 1:
        logger.warning("several serial ports (%s): taking %s; the robot file's bus.port decides", found, found[0])
    return found[0]
