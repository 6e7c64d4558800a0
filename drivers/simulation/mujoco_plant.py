"""The mechanics behind the emulated servos: their goals move the simulated arm, its joints are what they measure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from libra_edge.drivers.dynamixel.servo_model import VELOCITY_UNIT_RPM
from libra_edge.drivers.simulation.scene import JOINTS
from libra_edge.drivers.simulation.servos.plant import ACCELERATION_TICKS_S2, ServoMeasurement
from libra_edge.drivers.simulation.servos.set_point import advance_set_point
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.errors import ConfigError
from libra_edge.messages import Float64
from libra_edge.robot import TICKS_PER_TURN, Robot

RAD_S_A_UNIT = VELOCITY_UNIT_RPM * 2.0 * math.pi / 60.0
RAD_S2_A_UNIT = ACCELERATION_TICKS_S2 * 2.0 * math.pi / TICKS_PER_TURN
STALL_MA = {"xl330-m288": 1470.0}
FULL_LOAD = {"xl430-w250": 1000.0, **STALL_MA}
"""Register 126 at stall torque: load in 0.1 % (XL430), current in mA (XL330)."""


@dataclass(frozen=True, slots=True)
class _Command:
    """What a servo was told last, in rad and s. `goal` None: stay; `torque` None: it was never switched on."""

    torque: bool | None = None
    goal: float | None = None
    speed: float = math.inf
    acceleration: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class JointMotion:
    """What the joints do after a physics step: float64 [6] each, rad, rad/s and share of stall torque."""

    position: Float64
    velocity: Float64
    load: Float64


class MujocoPlant:
    """Implements `ServoPlant` on a KochCubesWorld.

    The bus thread gives orders and measures, the physics thread steps; each hands the other whole frozen values, so
    that neither waits. Until its torque is first switched on a joint stays propped up in its start pose: an arm that
    fell among the cubes while a model is loaded would spoil the task.
    """

    def __init__(self, robot: Robot, world: KochCubesWorld) -> None:
        """Raises ConfigError if the robot's joints are not those of the world."""
        if robot.joint_names != JOINTS:
            raise ConfigError(
                f"robot {robot.name!r} cannot be simulated: its joints must be {', '.join(JOINTS)}, in this order"
            )
        self._robot = robot
        self._world = world
        self._index = {joint.id: index for index, joint in enumerate(robot.joint)}
        self._commands = [_Command() for _ in robot.joint]
        self._target = world.position
        self._speed = np.zeros(len(robot.joint))
        self._torque = np.ones(len(robot.joint))
        self._motion = self._observe()

    def set_torque(self, servo_id: int, on: bool) -> None:
        """Hold the present position from now on, or let go."""
        index = self._index[servo_id]
        if on or self._commands[index].torque is not None:
            self._commands[index] = _Command(torque=on)

    def set_goal(self, servo_id: int, tick: int, profile_velocity: float, profile_acceleration: float = 0.0) -> None:
        """Goal position in ticks, approached at `profile_velocity` (0.229 rpm) with `profile_acceleration`."""
        index = self._index[servo_id]
        goal = float(self._robot.to_radians(np.full(len(self._commands), tick))[index])
        speed, acceleration = profile_velocity * RAD_S_A_UNIT, profile_acceleration * RAD_S2_A_UNIT or math.inf
        self._commands[index] = replace(self._commands[index], goal=goal, speed=speed, acceleration=acceleration)

    def stop(self, servo_id: int) -> None:
        """Stay where the motion has come to, under torque."""
        index = self._index[servo_id]
        self._commands[index] = replace(self._commands[index], goal=None, acceleration=math.inf)

    def measure(self, servo_id: int) -> ServoMeasurement:
        """What the servo's encoder and current sensor read after the last physics step."""
        index = self._index[servo_id]
        joint, motion = self._robot.joint[index], self._motion
        return ServoMeasurement(
            position_tick=int(self._robot.to_ticks(motion.position)[index]),
            velocity_raw=round(joint.sign * float(motion.velocity[index]) / RAD_S_A_UNIT),
            current_raw=round(joint.sign * float(motion.load[index]) * FULL_LOAD[joint.servo]),
        )

    def turn_by_hand(self, servo_id: int, tick: int) -> None:
        """A hand leads it there and props it up there until its torque is switched on. It cannot while there is."""
        index = self._index[servo_id]
        if not self._commands[index].torque:
            goal = float(self._robot.to_radians(np.full(len(self._commands), tick))[index])
            self._commands[index] = _Command(goal=goal)

    def step(self) -> None:
        """Advance the world by one physics step."""
        commands = tuple(self._commands)
        torque = np.array([command.torque is not False for command in commands], dtype=np.float64)
        self._target = np.where(torque > 0, self._approach(commands), self._motion.position)
        if not np.array_equal(torque, self._torque):
            self._torque = torque
            self._world.set_torque(torque)
        self._world.set_goal(self._target)
        self._world.step()
        self._motion = self._observe()

    def _approach(self, commands: tuple[_Command, ...]) -> Float64:
        """Where each servo's profile has its set point after this step, rad."""
        goals = [self._target[i] if command.goal is None else command.goal for i, command in enumerate(commands)]
        dt_s = self._world.physics_dt_s
        ways = zip(self._target, self._speed, goals, commands, strict=True)
        after = [
            advance_set_point(at, speed, goal, top_speed=own.speed, acceleration=own.acceleration, dt_s=dt_s)
            for at, speed, goal, own in ways
        ]
        self._speed = np.array([speed for _, speed in after])
        return np.array([position for position, _ in after])

    def _observe(self) -> JointMotion:
        return JointMotion(self._world.position, self._world.velocity, self._world.load)
