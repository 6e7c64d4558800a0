"""Limits that the emulator's judge is given, in ticks, of what a host may tell the servos and how they may move."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from libra_edge.errors import ConfigError
from libra_edge.model_spec import Section
from libra_edge.toml_file import read_toml

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Tick = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class ServoLimits(Section):
    """Of one servo, ticks (4096 a turn) and ticks a second.

    Attributes:
        low, high: the range, both ends included.
        goal_ticks_s: how fast goal positions may wander.
        motion_ticks_s: how fast the servo may move.
    """

    low: Tick
    high: Tick
    goal_ticks_s: Positive
    motion_ticks_s: Positive

    @model_validator(mode="after")
    def _ordered(self) -> ServoLimits:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class LimitsFile(Section):
    """The whole file.

    Attributes:
        jitter_ms: how much later than meant a goal position may have come.
        standing_ticks: a goal position so near to where its servo stands asks for no motion.
        servo: limits by servo id.
    """

    jitter_ms: Positive
    standing_ticks: Positive
    servo: Annotated[dict[Annotated[str, Field(pattern=r"^[0-9]{1,3}$")], ServoLimits], Field(min_length=1)]

    @property
    def servo_ids(self) -> list[int]:
        """Whose limits are in the file."""
        return [int(name) for name in self.servo]


def open_limits(path: Path, servo_ids: Collection[int]) -> LimitsFile:
    """Limits of exactly these servos. Raises ConfigError."""
    try:
        limits = read_toml(path, LimitsFile)
    except (ValueError, OSError) as error:
        raise ConfigError(f"limits file {path}: {error}") from error
    if set(limits.servo_ids) != set(servo_ids):
        raise ConfigError(
            f"limits file {path}: it has servos {_listed(limits.servo_ids)}, the robot has {_listed(servo_ids)}"
        )
    return limits


def _listed(servo_ids: Collection[int]) -> str:
    return ", ".join(str(servo_id) for servo_id in sorted(servo_ids))
