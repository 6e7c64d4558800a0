"""Renders the simulated cameras at their own rates, from the snapshots that physics publishes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from libra_edge.drivers.simulation.deadlines import Deadlines
from libra_edge.drivers.simulation.doorbell import Doorbell
from libra_edge.drivers.simulation.episode_status import StatusReader
from libra_edge.drivers.simulation.frame_channel import FrameWriter
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.scene import VIEWS
from libra_edge.errors import ConfigError
from libra_edge.messages import Float64, Frame, UInt8
from libra_edge.robot import Robot, RobotCameraSection

Grain = Mapping[str, int]
"""By camera: one ray for a block of so many pixels each way. 1, the default, is sharp; 2 costs a quarter."""


@dataclass(frozen=True, slots=True)
class _View:
    """A camera, its index in the robot file, its grain and when its pictures are due."""

    index: int
    camera: RobotCameraSection
    grain: int
    deadlines: Deadlines


class CameraLoop:
    """Pictures that come too late are dropped; their frame numbers are missing then, as with a real camera."""

    def __init__(
        self,
        robot: Robot,
        caster: RayCaster,
        status: StatusReader,
        frames: FrameWriter,
        doorbell: Doorbell,
        *,
        grain: Grain,
    ) -> None:
        """Raises ConfigError if the world has no such camera."""
        _check_names(robot, grain)
        self._caster = caster
        self._status = status
        self._frames = frames
        self._doorbell = doorbell
        start_ns = time.monotonic_ns()
        self._views = []
        for index, camera in enumerate(robot.camera):
            period_ns = round(1e9 / camera.fps)
            # They take turns, so that one's picture does not wait for the other's.
            turn_ns = start_ns + index * period_ns // len(robot.camera)
            self._views.append(_View(index, camera, grain.get(camera.name, 1), Deadlines(turn_ns, period_ns, 0)))

    def run(self) -> None:
        """Render as long as the parent process lives."""
        parent = os.getppid()
        while os.getppid() == parent:
            self.take_next()

    def take_next(self) -> None:
        """Wait for the picture that is due next, take it and hand it over."""
        view = min(self._views, key=lambda view: view.deadlines.due_ns)
        time.sleep(max(0.0, (view.deadlines.due_ns - time.monotonic_ns()) / 1e9))
        status = self._status.newest()
        image = self._render(view, status.snapshot)
        self._frames.publish(Frame(view.camera.name, image, view.deadlines.index, status.time_ns))
        self._doorbell.ring(view.index)
        view.deadlines.advance(time.monotonic_ns())

    def _render(self, view: _View, snapshot: Float64) -> UInt8:
        width, height, grain = view.camera.width, view.camera.height, view.grain
        image = self._caster.render(snapshot, view.camera.name, width, height, grain)
        return image.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width] if grain > 1 else image


def _check_names(robot: Robot, grain: Grain) -> None:
    known = [view.name for view in VIEWS]
    unknown = [name for name in [*(camera.name for camera in robot.camera), *grain] if name not in known]
    if unknown:
        raise ConfigError(f"the simulated world has no camera {', '.join(unknown)}; it has: {', '.join(known)}")
