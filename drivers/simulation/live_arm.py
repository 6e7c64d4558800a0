"""The simulated arm by itself, in real time: for whoever wants its servos and none of its cameras."""

from __future__ import annotations

import threading
import time

from libra_edge.drivers.simulation.deadlines import Deadlines
from libra_edge.drivers.simulation.mujoco_plant import MujocoPlant
from libra_edge.drivers.simulation.physics_loop import PATIENCE_NS
from libra_edge.drivers.simulation.scene import PALETTE
from libra_edge.drivers.simulation.tasks import VERBS
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.robot import Robot


class LiveArm:
    """A Koch arm with gravity and contact.

    Attributes:
        plant: moves while `run` does.
    """

    def __init__(self, robot: Robot) -> None:
        """Raises ConfigError if the robot's joints are not those of the simulated arm."""
        world = KochCubesWorld(0, f"{VERBS[0]} the {next(iter(PALETTE))} cube")
        self.plant = MujocoPlant(robot, world)
        self._step_ns = round(world.physics_dt_s * 1e9)

    def run(self, stop: threading.Event) -> None:
        """Step at absolute deadlines until `stop` is set."""
        deadlines = Deadlines(time.monotonic_ns(), self._step_ns, PATIENCE_NS)
        while not stop.wait(max(0.0, (deadlines.due_ns - time.monotonic_ns()) / 1e9)):
            self.plant.step()
            deadlines.advance(time.monotonic_ns())
