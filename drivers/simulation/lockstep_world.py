"""The simulated robot in one process under a simulated clock: bit-reproducible, faster than real time."""

from __future__ import annotations

import numpy as np

from libra_edge.clock import SimulatedClock
from libra_edge.drivers.simulation.mujoco_plant import STALL_MA
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.errors import ConfigError
from libra_edge.messages import Float64, Frame, JointState, Observation
from libra_edge.robot import Robot


class LockStepWorld:
    """One episode of KochCubesWorld as the lock-step runner wants it.

    Goals pass through servo ticks and back, as they do on the wire. Pictures have the sizes of the robot file and no
    delay: they are taken at the instant of the observation.
    """

    def __init__(self, robot: Robot, seed: int, task: str) -> None:
        """Raises InstructionError for a task of another world, ConfigError for a rate the physics cannot meet."""
        self.clock = SimulatedClock()
        self.world = KochCubesWorld(seed, task)
        self._robot = robot
        self._caster = RayCaster(self.world.model)
        self._steps = round(1.0 / robot.servo.rate_hz / self.world.physics_dt_s)
        self._tick_ns = round(1e9 / robot.servo.rate_hz)
        self._stall_ma = np.array([STALL_MA.get(joint.servo, np.nan) for joint in robot.joint])
        if self._steps < 1 or abs(self._steps * self.world.physics_dt_s * robot.servo.rate_hz - 1.0) > 1e-9:
            rate = 1.0 / self.world.physics_dt_s
            raise ConfigError(
                f"servo.rate_hz = {robot.servo.rate_hz} does not divide the physics rate of {rate:.0f} Hz"
            )

    def reset(self, seed: int, task: str) -> None:
        """Begin another episode at time zero."""
        self.world.reset(seed, task)
        self.clock.time_ns = 0

    def observe(self) -> Observation:
        """Every camera of the robot file and the joints, as they are now."""
        return Observation({camera.name: self.picture(camera.name) for camera in self._robot.camera}, self.joints())

    def picture(self, name: str) -> Frame:
        """One camera's picture, numbered by the servo ticks that have passed."""
        camera = next(camera for camera in self._robot.camera if camera.name == name)
        image = self._caster.render(self.world.snapshot(), name, camera.width, camera.height)
        now = self.clock.now_ns()
        return Frame(name, image, now // self._tick_ns, now)

    def joints(self) -> JointState:
        """Joint positions in whole servo ticks, rad, velocities, rad/s, and currents, mA."""
        position = self._robot.to_radians(self._robot.to_ticks(self.world.position))
        return JointState(position, self.world.velocity, self.clock.now_ns(), self.world.load * self._stall_ma)

    def advance(self, goal: Float64) -> None:
        """Hand the servos `goal`, float64 [D] rad, and let one servo tick pass."""
        self.world.set_goal(self._robot.to_radians(self._robot.to_ticks(np.asarray(goal))))
        self.world.step(self._steps)
        self.clock.advance(self._tick_ns)

    def success(self) -> bool:
        """True once the task has been achieved in this episode."""
        return self.world.success()
