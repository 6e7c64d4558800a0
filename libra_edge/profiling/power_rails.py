"""What a Jetson draws, from the power monitors on its board (INA3221), as Linux shows them.

Source of the layout and of what the rails feed: NVIDIA Jetson Linux Developer Guide, "Platform Power and Performance",
the tables of power monitors of the Jetson Orin series; and the kernel's Documentation/hwmon/ina3221.rst: inN_input in
mV, currN_input in mA, inN_label the name of the rail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from libra_edge.errors import ConfigError

MONITORS = "sys/bus/i2c/drivers/ina3221"
CHANNELS = (1, 2, 3)
WHOLE = "VDD_IN"
"""Orin NX and Nano: the whole module."""
ADD_UP = ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
"""AGX Orin: these three are the module; VDDQ_VDD2_1V8AO hangs on VIN_SYS_5V0 and would count twice."""
UNUSED = ("NC", "")


@dataclass(frozen=True, slots=True)
class Rail:
    """One supply line: its name, and where its voltage (mV) and current (mA) stand."""

    name: str
    voltage: Path
    current: Path

    def watts(self) -> float:
        """What flows now. Raises ConfigError."""
        return _number(self.voltage) * _number(self.current) / 1e6


def power_rails(root: Path = Path("/")) -> list[Rail]:
    """Every rail that has a monitor; none on a machine without. Raises ConfigError if they may not be read."""
    rails = []
    for folder in sorted((root / MONITORS).glob("*/hwmon/hwmon*")):
        for channel in CHANNELS:
            label = folder / f"in{channel}_label"
            if label.exists() and (name := _text(label)) not in UNUSED:
                rails.append(Rail(name, folder / f"in{channel}_input", folder / f"curr{channel}_input"))
    for rail in rails:
        rail.watts()
    return rails


def total_watts(rails: Mapping[str, float]) -> float | None:
    """The module's own draw, by rail name -> W; None where its rails do not tell."""
    if WHOLE in rails:
        return rails[WHOLE]
    if all(name in rails for name in ADD_UP):
        return sum(rails[name] for name in ADD_UP)
    return None


def watts_now(rails: Sequence[Rail]) -> dict[str, float]:
    """By rail name. Raises ConfigError."""
    return {rail.name: rail.watts() for rail in rails}


def _number(file: Path) -> float:
    try:
        return float(_text(file))
    except ValueError as error:
        raise ConfigError(f"power monitor {file} holds no number") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except PermissionError as error:
        advice = "let this user read it (sudo chmod a+r on it, or a udev rule), or profile as root"
        raise ConfigError(f"power cannot be measured: no permission to read {file}; {advice}") from error
    except OSError as error:
        raise ConfigError(f"power cannot be measured: {file}: {error.strerror}") from error
