"""What runtime asks of the world without knowing who gives it: cli hands it the real or the simulated thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import DepthFrame, Float64, Frame, JointState


@runtime_checkable
class Clock(Protocol):
    """The one clock."""

    def now_ns(self) -> int:
        """Monotonic nanoseconds."""
        ...


@runtime_checkable
class Camera(Protocol):
    """A colour camera. Used from one thread of its own."""

    name: str

    def open(self) -> None:
        """Start streaming. Raises MissingHardwareError."""
        ...

    def read(self, timeout_s: float) -> Frame:
        """Wait for the next frame; older ones still queued are dropped. Raises CameraError."""
        ...

    def close(self) -> None:
        """Stop streaming; may be called twice."""
        ...


@runtime_checkable
class MeasuringCamera(Camera, Protocol):
    """A camera that knows how its pixels become rays."""

    def intrinsics(self) -> Intrinsics:
        """Of the open stream. Raises ConfigError if they are not known, CameraError if it is not open."""
        ...


@runtime_checkable
class DepthCamera(Camera, Protocol):
    """A camera that measures distances too."""

    def read_depth(self, timeout_s: float) -> DepthFrame:
        """Wait for the next depth picture; older ones still queued are dropped. Raises CameraError."""
        ...


@runtime_checkable
class Arm(Protocol):
    """A robot arm in radians. Blocking; used from the servo thread alone."""

    joint_names: tuple[str, ...]

    def open(self) -> None:
        """Find and configure every servo, torque off. Raises MissingHardwareError, BusError."""
        ...

    def enable_torque(self) -> None:
        """Set the goal to the present pose, arm the bus watchdog, then torque on. Raises BusError."""
        ...

    def read(self) -> JointState:
        """One sync read of all servos, within the servo period.

        Raises NoAnswerError or CorruptPacketError for an answer that is missing this time, HardwareAlertError for a
        servo that needs a person, and another BusError for what `recover` may mend.
        """
        ...

    def write(self, goal: Float64) -> None:
        """One sync write of goal positions, float64 [D] rad; never answered by the servos. Raises BusError."""
        ...

    def recover(self, goal: Float64) -> Float64 | None:
        """One step, within the servo period, towards an arm whose servos all obey again; called instead of `read`.

        `goal`, float64 [D] rad, is what servos that still obey are told meanwhile. A servo that restarted or whose
        watchdog tripped is set up anew where it stands. Returns where all were told to stand, float64 [D] rad, once
        all obey; None before. Raises HardwareAlertError.
        """
        ...

    def missing(self) -> str:
        """What `recover` still waits for, in one clause that names servos or port; "" when it is not at work."""
        ...

    def disable_torque(self) -> None:
        """Torque off on every servo that can be reached, even if some cannot. Raises BusError afterwards."""
        ...

    def close(self) -> None:
        """Close the port; leaves torque as it is; may be called twice."""
        ...


@runtime_checkable
class StopSwitch(Protocol):
    """Something that a hand can press to hold the arm, and release."""

    def watch(self, pressed: Callable[[bool], None]) -> AbstractContextManager[None]:
        """While the context lasts, call `pressed` (from any thread) with True at a press and False at a release.

        A switch that fails counts as pressed. Raises MissingHardwareError.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """One compiled graph with fixed shapes. Blocking; used from one worker thread."""

    name: str
    inputs: Mapping[str, tuple[str, tuple[int, ...]]]
    """Input name -> (numpy dtype name, shape)."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run once. Raises EngineError."""
        ...


@runtime_checkable
class Referee(Protocol):
    """Knows whether the task was done; only a simulation has one."""

    def success(self) -> bool:
        """True once the task has been achieved in this episode."""
        ...
