"""A robot file: servos, limits, cameras. Angles in degrees in the file, radians everywhere else.

Zero and sign of a joint are kinematic (the pose drawn in docs/koch.md), not LeRobot's mid-sweep zero.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from libra_edge.errors import ConfigError
from libra_edge.messages import Float64, Int64
from libra_edge.model_spec import Finite, Name, Section
from libra_edge.toml_file import read_toml
from libra_edge.workspace import WorkspaceSection

TICKS_PER_TURN = 4096
DEGREES_A_TICK = 360.0 / TICKS_PER_TURN
ROBOTS = Path(__file__).parent / "robots"
Degrees = Finite
Baud = Literal[57_600, 115_200, 1_000_000, 2_000_000, 3_000_000, 4_000_000]


class BusSection(Section):
    """Port and timing of the Dynamixel bus.

    Attributes:
        port: device path, or "auto" (first of /dev/ttyACM*, /dev/ttyUSB*), or "simulated" (asks the simulation).
        watchdog_ms: silence after which the servos stop by themselves; 20 ms units.
    """

    port: str
    baud: Baud
    watchdog_ms: Annotated[int, Field(ge=20, le=2540, multiple_of=20)]


class ServoSection(Section):
    """The servo loop: rate of goal writes, how long it waits for chunks before it holds, and for lost servos.

    Attributes:
        reboot_overloaded: restart a servo that an overload has switched off, and go on; else the run ends there.
    """

    rate_hz: Annotated[float, Field(ge=10, le=500)]
    hold_after_ms: Annotated[float, Field(gt=0, le=5000)]
    recover_within_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    reboot_overloaded: bool = False


class JointSection(Section):
    """One servo and the joint it turns.

    Attributes:
        zero_tick: servo position (4096 a turn) at joint angle 0.
        sign: +1 if ticks grow with the joint angle, else -1.
        homing_offset: what the servo held when zero_tick was measured; one that holds another is refused.
        rest_deg: pose for parking.
        velocity_deg_s, acceleration_deg_s2: limits that the governor keeps.
        goal_current_ma: only for mode 5.
        current_fence_ma: a joint that stands and draws more gets no goal farther on in that direction.
    """

    name: Name
    id: Annotated[int, Field(ge=0, le=252)]
    servo: Literal["xl430-w250", "xl330-m288", "xl330-m077"]
    mode: Literal[4, 5]
    zero_tick: Annotated[int, Field(ge=-1_048_575, le=1_048_575)]
    sign: Literal[-1, 1]
    homing_offset: Annotated[int, Field(ge=-1_044_479, le=1_044_479)] | None = None
    low_deg: Degrees
    high_deg: Degrees
    rest_deg: Degrees
    velocity_deg_s: Annotated[float, Field(gt=0, le=720)]
    acceleration_deg_s2: Annotated[float, Field(gt=0, le=100_000)]
    pid: tuple[int, int, int] | None = None
    pwm_limit: Annotated[int, Field(ge=0, le=885)] | None = None
    goal_current_ma: Annotated[int, Field(ge=0, le=1750)] | None = None
    current_fence_ma: Annotated[int, Field(gt=0, le=1750)] | None = None

    @model_validator(mode="after")
    def _rest_in_range(self) -> JointSection:
        if not self.low_deg <= self.rest_deg <= self.high_deg or self.low_deg >= self.high_deg:
            raise ValueError(
                f"needs low_deg <= rest_deg <= high_deg, got {self.low_deg}, {self.rest_deg}, {self.high_deg}"
            )
        return self


class DepthSection(Section):
    """The depth stream of a RealSense camera; sizes and rates need not be those of its colour stream."""

    width: int
    height: int
    fps: Literal[5, 6, 15, 30, 60, 90]


class RobotCameraSection(Section):
    """A RealSense camera: its colour stream, and its depth stream if one is wanted.

    Attributes:
        serial: picks the device; "" takes the only one.
        recording: path of a recording of librealsense (.db3, .bag) that is played instead of a device.
    """

    name: Name
    serial: str = ""
    recording: str = ""
    width: int
    height: int
    fps: Literal[5, 6, 15, 30, 60, 90]
    depth: DepthSection | None = None

    @model_validator(mode="after")
    def _device_or_recording(self) -> RobotCameraSection:
        if self.serial and self.recording:
            raise ValueError(f"camera {self.name!r} has a serial number and a recording; it can be only one of them")
        return self


class StopSection(Section):
    """A switch that holds the arm while it is pressed: a key of a Linux input device.

    Attributes:
        device: its path, such as /dev/input/by-id/NAME-event-kbd.
        key: a code of linux/input-event-codes.h; 57 is a space bar.
    """

    device: str
    key: Annotated[int, Field(ge=1, le=767)]


class StopLineSection(Section):
    """A switch that holds the arm while it is pressed: a line of a GPIO chip.

    Attributes:
        chip: its device, such as /dev/gpiochip0.
        line: the line's offset on the chip.
        pressed: the line's level while the switch is pressed. A normally closed one to ground is "high" then.
    """

    chip: str
    line: Annotated[int, Field(ge=0, le=4095)]
    pressed: Literal["high", "low"] = "high"


class Robot(Section):
    """The whole robot file. `simulation` names the world that stands in for the hardware, if any."""

    schema_version: Literal[1]
    name: str
    simulation: Literal["koch_cubes"] | None = None
    bus: BusSection
    servo: ServoSection
    joint: Annotated[tuple[JointSection, ...], Field(min_length=1, max_length=32)]
    camera: tuple[RobotCameraSection, ...]
    stop: StopSection | None = None
    stop_line: StopLineSection | None = None
    workspace: WorkspaceSection | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> Robot:
        for what, values in (
            ("joint names", [joint.name for joint in self.joint]),
            ("servo ids", [str(joint.id) for joint in self.joint]),
            ("camera names", [camera.name for camera in self.camera]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"{what} must differ")
        return self

    @model_validator(mode="after")
    def _simulation_draws_its_own_pictures(self) -> Robot:
        for camera in self.camera if self.simulation else ():
            if camera.recording or camera.depth:
                what = "recording" if camera.recording else "depth"
                raise ValueError(f"camera {camera.name!r} of a simulated robot has no {what}: its world gives colour")
        return self

    @model_validator(mode="after")
    def _one_stop_switch(self) -> Robot:
        if self.stop is not None and self.stop_line is not None:
            raise ValueError("a robot has one stop switch: [stop] or [stop_line], not both")
        return self

    @model_validator(mode="after")
    def _links_are_joints(self) -> Robot:
        links = [link.joint for link in self.workspace.link] if self.workspace else []
        for name in links:
            if name not in self.joint_names:
                known = ", ".join(self.joint_names)
                raise ValueError(f"workspace: a link names {name!r}, which is no joint; there are {known}")
        if len(set(links)) != len(links):
            raise ValueError("workspace: a joint turns only one link")
        return self

    @property
    def joint_names(self) -> tuple[str, ...]:
        """In file order, which is the order of every [D] array."""
        return tuple(joint.name for joint in self.joint)

    @property
    def low(self) -> Float64:
        """Lower ends of the joint ranges, float64 [D] rad."""
        return np.radians([joint.low_deg for joint in self.joint])

    @property
    def high(self) -> Float64:
        """Upper ends of the joint ranges, float64 [D] rad."""
        return np.radians([joint.high_deg for joint in self.joint])

    @property
    def rest(self) -> Float64:
        """The parking pose, float64 [D] rad."""
        return np.radians([joint.rest_deg for joint in self.joint])

    @property
    def max_velocity(self) -> Float64:
        """float64 [D] rad/s."""
        return np.radians([joint.velocity_deg_s for joint in self.joint])

    @property
    def max_acceleration(self) -> Float64:
        """float64 [D] rad/s^2."""
        return np.radians([joint.acceleration_deg_s2 for joint in self.joint])

    @property
    def max_current(self) -> Float64:
        """Beyond it a joint is not pushed on, float64 [D] mA; infinite where the file sets none."""
        return np.array([joint.current_fence_ma or math.inf for joint in self.joint])

    def to_ticks(self, position: Float64) -> Int64:
        """Joint radians [D] -> servo ticks int64 [D], rounded."""
        turns = position / (2.0 * math.pi) * self._signs
        ticks: Int64 = np.rint(turns * TICKS_PER_TURN).astype(np.int64) + self._zeros
        return ticks

    def to_radians(self, ticks: Int64) -> Float64:
        """Servo ticks [D] -> joint radians float64 [D]."""
        turned = ((ticks - self._zeros) * self._signs).astype(np.float64)
        return turned * (2.0 * math.pi / TICKS_PER_TURN)

    @property
    def _zeros(self) -> Int64:
        return np.array([joint.zero_tick for joint in self.joint], dtype=np.int64)

    @property
    def _signs(self) -> Int64:
        return np.array([joint.sign for joint in self.joint], dtype=np.int64)


def robot_path(name_or_path: str) -> Path:
    """`robots/NAME.toml` of the package, else the path. Raises ConfigError if there is no such file."""
    shipped = ROBOTS / f"{name_or_path}.toml"
    known = sorted(path.stem for path in ROBOTS.glob("*.toml"))
    path = shipped if name_or_path in known else Path(name_or_path)
    if not path.is_file():
        raise ConfigError(
            f"unknown robot {name_or_path!r}: shipped are {', '.join(known)}; or give the path of a robot file"
        )
    return path


def open_robot(name_or_path: str) -> Robot:
    """Read `robots/NAME.toml` of the package, else the file at the path. Raises ConfigError."""
    path = robot_path(name_or_path)
    try:
        return read_toml(path, Robot)
    except (ValueError, OSError) as error:
        raise ConfigError(f"robot file {path}: {error}") from error
