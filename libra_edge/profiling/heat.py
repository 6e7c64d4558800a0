"""Temperatures, and whether the machine held itself back, from what Linux shows of it.

Source: the kernel's Documentation/driver-api/thermal/sysfs-api.rst (temp and trip_point_N_temp in thousandths of a
degree); for the over-current counters of Orin, Jetson Linux Developer Guide, "Over-Current Throttling": ocN_event_cnt.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ZONES = "sys/class/thermal"
MONITORS = "sys/class/hwmon"


def temperatures_c(root: Path = Path("/")) -> dict[str, float]:
    """By name of its thermal zone, degrees Celsius; a sensor that is asleep has none."""
    found = {}
    for zone in sorted((root / ZONES).glob("thermal_zone*")):
        name, millidegrees = _text(zone / "type"), _integer(zone / "temp")
        if name and millidegrees is not None:
            found[name] = millidegrees / 1000.0
    return found


def too_hot(root: Path = Path("/")) -> list[str]:
    """Zones that are past a passive trip point now: there the kernel slows the machine down."""
    return [
        _text(zone / "type")
        for zone in sorted((root / ZONES).glob("thermal_zone*"))
        if (now := _integer(zone / "temp")) is not None and any(now >= trip for trip in _passive_trips(zone))
    ]


def tells_heat(root: Path = Path("/")) -> bool:
    """Whether there is a zone that would tell."""
    return any(_passive_trips(zone) for zone in (root / ZONES).glob("thermal_zone*"))


def over_current_events(root: Path = Path("/")) -> dict[str, int]:
    """How often since boot the board has throttled itself to keep a current limit, by event (`oc1`)."""
    counts = {}
    for file in sorted((root / MONITORS).glob("hwmon*/oc*_event_cnt")):
        if (count := _integer(file)) is not None:
            counts[file.name.partition("_")[0]] = count
    return counts


def risen(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Events that happened between two countings."""
    return [name for name, count in after.items() if count > before.get(name, count)]


def _passive_trips(zone: Path) -> list[int]:
    kinds = [file for file in zone.glob("trip_point_*_type") if _text(file) == "passive"]
    trips = (_integer(file.with_name(file.name.replace("_type", "_temp"))) for file in kinds)
    return [trip for trip in trips if trip is not None and trip > 0]


def _integer(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.lstrip("-").isdecimal() else None


def _text(file: Path) -> str:
    """Its text, or "" where there is none: a zone whose sensor is asleep answers EAGAIN."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
