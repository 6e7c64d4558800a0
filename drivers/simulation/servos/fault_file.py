"""A TOML file that lists what goes wrong on an emulated bus, and when."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from libra_edge.drivers.dynamixel.hardware_error import NAMES
from libra_edge.errors import ConfigError
from libra_edge.model_spec import Section
from libra_edge.toml_file import read_toml

LONGEST_S = 86_400
Instant = Annotated[float, Field(ge=0, le=LONGEST_S)]
Duration = Annotated[float, Field(gt=0, le=LONGEST_S)]
Servos = Annotated[list[Annotated[int, Field(ge=0, le=252)]], Field(min_length=1)]


class _Fault(Section):
    """`at_s`: seconds after the first instruction packet that the servos hear."""

    at_s: Instant


class SpoiltPackets(_Fault):
    """One status packet in `every` is lost, or arrives changed, for so long."""

    kind: Literal["lost", "corrupt", "truncated", "duplicated", "wrong-id"]
    for_s: Duration
    every: Annotated[int, Field(ge=1)] = 1


class LatePackets(_Fault):
    """One status packet in `every` arrives `by_ms` later."""

    kind: Literal["late"]
    for_s: Duration
    by_ms: Annotated[float, Field(gt=0, le=10_000)] = 8.0
    every: Annotated[int, Field(ge=1)] = 1


class MissingServos(_Fault):
    """Servos that hear and answer nothing: a loose cable. Without `for_s` for good."""

    kind: Literal["missing"]
    servos: Servos
    for_s: Duration | None = None


class RebootedServos(_Fault):
    """Servos that start anew, without torque."""

    kind: Literal["rebooted"]
    servos: Servos


class BrownOut(_Fault):
    """Servos without power for so long; afterwards they start anew. By default the XL330s, behind a step-down."""

    kind: Literal["brown-out"]
    servos: Servos | None = None
    for_s: Duration = 0.2


class HardwareError(_Fault):
    """Bits that stand in the hardware error status (register 70) until a reboot."""

    kind: Literal["hardware-error"]
    servos: Servos
    error: Literal["voltage", "overheat", "encoder", "shock", "overload"]

    @property
    def bits(self) -> int:
        """Of register 70."""
        return 1 << NAMES[self.error]


class TrippedWatchdogs(_Fault):
    """Bus watchdogs that trip."""

    kind: Literal["watchdog"]
    servos: Servos


Fault = Annotated[
    SpoiltPackets | LatePackets | MissingServos | RebootedServos | BrownOut | HardwareError | TrippedWatchdogs,
    Field(discriminator="kind"),
]


class FaultFile(Section):
    """The whole file."""

    fault: Annotated[list[Fault], Field(min_length=1, max_length=10_000)]


def open_faults(path: Path, servo_ids: Collection[int]) -> tuple[Fault, ...]:
    """The faults of a file, for a bus with these servos. Raises ConfigError."""
    try:
        faults = read_toml(path, FaultFile).fault
    except (ValueError, OSError) as error:
        raise ConfigError(f"fault file {path}: {error}") from error
    for number, fault in enumerate(faults):
        unknown = sorted(set(getattr(fault, "servos", None) or ()) - set(servo_ids))
        if unknown:
            raise ConfigError(f"fault file {path}: fault.{number}.servos: the robot has no servo {unknown[0]}")
    return tuple(faults)
