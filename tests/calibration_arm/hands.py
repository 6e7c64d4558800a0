"""An arm of emulated servos that a hand can move, and files of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from libra_edge.calibration.arm import ArmCalibration, JointCalibration
from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.limp_arm import ServoMemory
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.robot import open_robot
from tests.dynamixel.bench import IDS, emulated

KOCH = open_robot("koch")
JOINTS = KOCH.joint_names
MIDDLE = dict(zip(IDS, (2000, 1700, 2100, 2048, 2060, 1600), strict=True))
"""Encoder ticks of an arm in the middle of every joint's range."""


@dataclass(frozen=True, slots=True)
class HandledArm:
    """An emulator, and the joints in the hand of the test."""

    emulator: ServoBusEmulator
    plant: KinematicPlant

    def lead(self, servo_id: int, tick: int) -> None:
        """To an encoder tick."""
        self.plant.turn_by_hand(servo_id, tick)

    def held(self, servo_id: int) -> tuple[int, int, int]:
        """Homing offset, min and max position limit."""
        registers = (r.HOMING_OFFSET, r.MIN_POSITION, r.MAX_POSITION)
        offset, low, high = (self.emulator.peek(servo_id, register) for register in registers)
        return offset, low, high

    def torques(self) -> list[int]:
        return [self.emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS]


@contextmanager
def handled_arm(ticks: Mapping[int, int] = MIDDLE) -> Iterator[HandledArm]:
    plant = KinematicPlant(MonotonicClock(), ticks)
    with emulated(plant=plant) as emulator:
        yield HandledArm(emulator, plant)


def as_shipped() -> dict[str, ServoMemory]:
    """What the emulated servos hold at first."""
    return {joint.name: ServoMemory(0, 0, 0, 4095, joint.mode) for joint in KOCH.joint}


def fitting() -> ArmCalibration:
    """A calibration for these."""
    return {
        joint.name: JointCalibration(id=joint.id, drive_mode=0, homing_offset=0, range_min=0, range_max=4095)
        for joint in KOCH.joint
    }


def all_at(tick: int) -> dict[str, int]:
    return dict.fromkeys(JOINTS, tick)
