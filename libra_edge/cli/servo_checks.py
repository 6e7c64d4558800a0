"""What `libra-edge doctor` asks the servos themselves. It only reads: no torque, no register is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import get_args

from libra_edge.cli.check import Check, judged
from libra_edge.drivers.dynamixel import hardware_error
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import MODELS, NAME_OF_NUMBER
from libra_edge.errors import BusError, MissingHardwareError
from libra_edge.robot import Baud, JointSection, Robot

ANSWER_MARGIN_S = 0.05
SILENT = "no answer"
NEAR_LIMIT_C = 10
"""A servo so close to its own temperature limit is about to shut down."""


@dataclass(frozen=True, slots=True)
class ServoReading:
    """What one servo holds. Voltages in units of 0.1 V as in its registers, temperatures in degrees C."""

    model_number: int
    firmware: int
    voltage: int
    lowest_voltage: int
    highest_voltage: int
    temperature: int
    temperature_limit: int
    hardware_error: int


def servos(robot: Robot, port: str, *, answer_margin_s: float = ANSWER_MARGIN_S) -> list[Check]:
    """One check a servo of the robot file; one alone if the port cannot be opened."""
    try:
        readings = _scan(robot, port, robot.bus.baud, answer_margin_s)
        if any(readings.values()):
            return [_judge(joint, readings[joint.id]) for joint in robot.joint]
        other = _answering_baud(robot, port, answer_margin_s)
    except (MissingHardwareError, BusError) as error:
        return [judged("servos", False, f"{port} could not be asked", str(error))]
    return [_nobody(robot, port, other)]


def _scan(robot: Robot, port: str, baud: int, answer_margin_s: float) -> dict[int, ServoReading | None]:
    with _bus(port, baud, answer_margin_s) as bus:
        return {joint.id: _read(bus, joint.id) for joint in robot.joint}


def _read(bus: Bus, servo_id: int) -> ServoReading | None:
    """None from a servo that does not answer, or that stops to answer midway."""
    try:
        identity = bus.ping(servo_id)
        return ServoReading(
            identity.model_number,
            identity.firmware,
            bus.read(servo_id, r.PRESENT_VOLTAGE),
            bus.read(servo_id, r.MIN_VOLTAGE),
            bus.read(servo_id, r.MAX_VOLTAGE),
            bus.read(servo_id, r.PRESENT_TEMPERATURE),
            bus.read(servo_id, r.TEMPERATURE_LIMIT),
            bus.read(servo_id, r.HARDWARE_ERROR),
        )
    except BusError:
        return None


def _answering_baud(robot: Robot, port: str, answer_margin_s: float) -> int | None:
    """A speed other than the robot file's at which one of its servos answers."""
    for baud in get_args(Baud):
        if baud == robot.bus.baud:
            continue
        with _bus(port, baud, answer_margin_s) as bus:
            if any(_pings(bus, joint.id) for joint in robot.joint):
                return int(baud)
    return None


def _pings(bus: Bus, servo_id: int) -> bool:
    try:
        bus.ping(servo_id)
    except BusError:
        return False
    return True


def _nobody(robot: Robot, port: str, other_baud: int | None) -> Check:
    if other_baud is not None:
        found = f"they answer at {other_baud} baud, not at {robot.bus.baud}"
        advice = f"write baud = {other_baud} under [bus] in the robot file, or set the servos with DYNAMIXEL Wizard"
        return judged("servos", False, found, advice)
    ids = ", ".join(str(joint.id) for joint in robot.joint)
    found = f"none of {ids} answers on {port} at any speed"
    return judged("servos", False, found, "switch the arm's supply on, and check that this is its port (--port)")


def _judge(joint: JointSection, reading: ServoReading | None) -> Check:
    name = f"servo {joint.id} {joint.name}"
    if reading is None:
        advice = "check its cable and the one before it in the chain, and that its id is this one; both supplies on?"
        return judged(name, False, SILENT, advice)
    model = NAME_OF_NUMBER.get(reading.model_number, f"model number {reading.model_number}")
    found = f"{model}, firmware {reading.firmware}, {reading.voltage / 10:.1f} V, {reading.temperature} C"
    problem = _problem(joint, reading, model)
    if problem is not None:
        return judged(name, False, found, problem)
    since = MODELS[joint.servo].fast_sync_read_since
    advice = f"firmware {since} brings the fast sync read, a shorter cycle: update it with DYNAMIXEL Wizard"
    return judged(name, reading.firmware >= since, found, advice, needed=False)


def _problem(joint: JointSection, reading: ServoReading, model: str) -> str | None:
    """Why this servo cannot be driven now, and what to do; None if it can."""
    if model != joint.servo:
        return f"the robot file says {joint.servo}: give the servos their ids in the order of the joints"
    low, high = reading.lowest_voltage / 10, reading.highest_voltage / 10
    supply = f"it wants {low:.1f} to {high:.1f} V: check the supply (12 V) and the step-down (5 V)"
    if reading.hardware_error:
        told = f"it reports {hardware_error.describe(reading.hardware_error)}"
        if reading.hardware_error >> hardware_error.NAMES["voltage"] & 1:
            return f"{told}, and {supply}; then switch the arm's power off and on"
        return f"{told}: find the cause, then switch the arm's power off and on"
    if not reading.lowest_voltage <= reading.voltage <= reading.highest_voltage:
        return supply
    if reading.temperature > reading.temperature_limit - NEAR_LIMIT_C:
        return f"it shuts down at {reading.temperature_limit} C: let it cool, and look what it is pushing against"
    return None


@contextmanager
def _bus(path: str, baud: int, answer_margin_s: float) -> Iterator[Bus]:
    port = SerialPort(path, baud)
    port.open()
    try:
        yield Bus(port, answer_margin_s)
    finally:
        port.close()
