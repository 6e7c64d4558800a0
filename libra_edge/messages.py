"""What travels between the stations: frozen values, each stamped with the time it speaks of.

Times are nanoseconds of the one monotonic clock. Joint values are radians (rad/s) in the robot file's joint order.
A control step k is the interval that starts at `start_ns + k * step_ns`; steps are absolute within a run.
Arrays are made read-only on construction, so that a value handed on cannot change behind its holder's back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]
UInt16 = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One colour picture.

    Attributes:
        camera: name of the camera in the robot file.
        image: uint8 [H, W, 3], RGB.
        number: the camera's own frame counter.
        captured_ns: when the picture was taken.
    """

    camera: str
    image: UInt8
    number: int
    captured_ns: int

    def __post_init__(self) -> None:
        self.image.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class DepthFrame:
    """One depth picture.

    Attributes:
        camera: name of the camera in the robot file.
        depth: uint16 [H, W], distance along the optical axis in units of `unit_m`; 0 where the camera found none.
        unit_m: metres.
        number: the camera's own frame counter.
        captured_ns: when the picture was taken.
    """

    camera: str
    depth: UInt16
    unit_m: float
    number: int
    captured_ns: int

    def __post_init__(self) -> None:
        self.depth.setflags(write=False)

    @property
    def metres(self) -> Float32:
        """float32 [H, W], NaN where the camera found no depth."""
        metres: Float32 = np.where(self.depth > 0, self.depth * np.float32(self.unit_m), np.float32(np.nan))
        return metres


@dataclass(frozen=True, slots=True, eq=False)
class JointState:
    """Measured joints: position float64 [D] rad, velocity float64 [D] rad/s.

    `current`, float64 [D] mA, is what each servo draws, positive where it pushes towards greater angles, NaN where it
    does not measure it; None where nothing is known of it.
    """

    position: Float64
    velocity: Float64
    measured_ns: int
    current: Float64 | None = None

    def __post_init__(self) -> None:
        self.position.setflags(write=False)
        self.velocity.setflags(write=False)
        if self.current is not None:
            self.current.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """The newest frame of each camera, by name, and the newest joint state."""

    frames: Mapping[str, Frame]
    joints: JointState

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", MappingProxyType(dict(self.frames)))

    @property
    def captured_ns(self) -> int:
        """Capture time of the oldest frame in it (of the joint state if there is no camera)."""
        return min((frame.captured_ns for frame in self.frames.values()), default=self.joints.measured_ns)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Coarse action tokens from one planner pass: int64 [L_macro, D], each in 0..N-1.

    Attributes:
        first_step: absolute control step that row 0 speaks of (the step in which its frames were observed).
        task_id: counts task changes; a plan of an older task is void.
        captured_ns: capture time of the oldest frame behind it.
        ready_ns: when the planner had finished.
    """

    plan_id: int
    tokens: Int64
    first_step: int
    task_id: int
    captured_ns: int
    ready_ns: int

    def __post_init__(self) -> None:
        self.tokens.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class ActionChunk:
    """Goal positions from one refiner call: float64 [H_chunk, D] rad.

    Row i is the goal to be reached at the END of control step `first_step + i`.

    Attributes:
        start_ns: when row 0's control step begins: at `first_step`'s start or, where the observation behind it was
            older than that, at its capture, up to one control step earlier.
        step_ns: length of one control step.
        plan_age_steps: `first_step` minus the first step of the plan behind it.
        captured_ns: capture time of the oldest frame behind it.
    """

    chunk_id: int
    positions: Float64
    first_step: int
    start_ns: int
    step_ns: int
    plan_id: int
    plan_age_steps: int
    captured_ns: int

    def __post_init__(self) -> None:
        self.positions.setflags(write=False)

    @property
    def end_ns(self) -> int:
        """When its last goal is due; nothing may be drawn from it afterwards."""
        return self.start_ns + len(self.positions) * self.step_ns
