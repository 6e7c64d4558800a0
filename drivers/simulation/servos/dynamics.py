"""Chooses what moves an emulator's servos: the simulated arm, a second-order model, or no mass at all."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, get_args

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.servos.plant import KinematicPlant, ServoPlant
from libra_edge.drivers.simulation.servos.second_order_plant import SecondOrderPlant
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks
from libra_edge.errors import ConfigError, MissingDependencyError
from libra_edge.robot import Robot

if TYPE_CHECKING:
    from libra_edge.drivers.simulation.live_arm import LiveArm

logger = logging.getLogger(__name__)

Dynamics = Literal["auto", "mujoco", "second-order", "ideal"]
CHOICES: tuple[str, ...] = get_args(Dynamics)


@contextmanager
def moved_by(dynamics: str, robot: Robot) -> Iterator[ServoPlant]:
    """A plant for the servos of `robot` that lives while the context lasts.

    `auto` takes MuJoCo and, where it is not installed or the arm is another one, says so in the log and takes the
    second-order model. Raises ConfigError, MissingDependencyError if `mujoco` was asked for and cannot be.
    """
    if dynamics in {"auto", "mujoco"}:
        try:
            live_arm = importlib.import_module("libra_edge.drivers.simulation.live_arm").LiveArm(robot)
        except (MissingDependencyError, ConfigError) as error:
            if dynamics == "mujoco":
                raise
            logger.warning("servos move by a second-order model, without gravity or contact: %s", error)
        else:
            with _stepping(live_arm) as plant:
                yield plant
            return
    plant_type = KinematicPlant if dynamics == "ideal" else SecondOrderPlant
    yield plant_type(MonotonicClock(), rest_ticks(robot))


@contextmanager
def _stepping(live_arm: LiveArm) -> Iterator[ServoPlant]:
    stop = threading.Event()
    thread = threading.Thread(target=live_arm.run, args=(stop,), name="physics", daemon=True)
    thread.start()
    try:
        yield live_arm.plant
    finally:
        stop.set()
        thread.join()
