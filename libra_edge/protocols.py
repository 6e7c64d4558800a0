"""What runtime asks of the world without knowing who gives it: cli hands it the real or the simulated thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from libra_edge.messages import Float64, Frame, JointState


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
        """One sync read of all servos. Raises BusError."""
        ...

    def write(self, goal: Float64) -> None:
        """One sync write of goal positions, float64 [D] rad; never answered by the servos. Raises BusError."""
        ...

    def disable_torque(self) -> None:
        """Torque off on every servo that can be reached, even if some cannot. Raises BusError afterwards."""
        ...

    def close(self) -> None:
        """Close the port; leaves torque as it is; may be called twice."""
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
