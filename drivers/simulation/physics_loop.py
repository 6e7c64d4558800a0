"""Runs the simulated arm in real time."""

from __future__ import annotations

import queue
import threading
import time

from libra_edge.drivers.simulation.cube_move import CubeMove
from libra_edge.drivers.simulation.deadlines import Deadlines
from libra_edge.drivers.simulation.episode_status import EpisodeStatus, StatusWriter
from libra_edge.drivers.simulation.mujoco_plant import MujocoPlant
from libra_edge.drivers.simulation.world import KochCubesWorld

PATIENCE_NS = 100_000_000
"""Physics that is late by less catches up; time lost beyond that is dropped, and counted as skipped steps."""


class PhysicsLoop:
    """Steps at absolute deadlines, and publishes the episode's status after each.

    Attributes:
        path: where a StatusReader finds it.
    """

    def __init__(self, world: KochCubesWorld, plant: MujocoPlant) -> None:
        self._world = world
        self._plant = plant
        self._orders: queue.SimpleQueue[CubeMove] = queue.SimpleQueue()
        self._moved = (0, 0)
        self._status = self._observe(0, 0)
        self._writer = StatusWriter(self._status)
        self.path = self._writer.path

    def run(self, stop: threading.Event) -> None:
        """Step until `stop` is set."""
        deadlines = Deadlines(time.monotonic_ns(), round(self._world.physics_dt_s * 1e9), PATIENCE_NS)
        while not stop.wait(max(0.0, (deadlines.due_ns - time.monotonic_ns()) / 1e9)):
            self._move_cubes()
            self._plant.step()
            deadlines.advance(time.monotonic_ns())
            self._status = self._observe(self._status.steps + 1, deadlines.skipped)
            self._writer.write(self._status)

    def move_cube(self, order: CubeMove) -> None:
        """Carry out `order` before the next step; from any thread."""
        self._orders.put(order)

    def _move_cubes(self) -> None:
        while not self._orders.empty():
            order = self._orders.get()
            self._world.move_cube(order.cube, order.x_m, order.y_m)
            self._moved = (order.number, time.monotonic_ns())

    def ledger(self) -> dict[str, object]:
        """Success, and how many steps were made and dropped."""
        status = self._status
        return {
            "success": status.success,
            "physics_steps": status.steps,
            "physics_steps_skipped": status.skipped_steps,
        }

    def _observe(self, steps: int, skipped: int) -> EpisodeStatus:
        now_ns, snapshot = time.monotonic_ns(), self._world.snapshot()
        return EpisodeStatus(self._world.success(), steps, skipped, now_ns, snapshot, *self._moved)
