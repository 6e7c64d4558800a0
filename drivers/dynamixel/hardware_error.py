"""What register 70 (hardware error status) says (ROBOTIS e-Manual, "Hardware Error Status")."""

from __future__ import annotations

MEANINGS = {
    0: "supply voltage out of range",
    2: "overheated",
    3: "encoder fault",
    4: "electrical shock or too little power",
    5: "overload",
}

NAMES = {"voltage": 0, "overheat": 2, "encoder": 3, "shock": 4, "overload": 5}
"""Bits by short name."""


def describe(error: int) -> str:
    """`overload and overheated`, for the bits that are set."""
    found = [MEANINGS.get(bit, f"unknown bit {bit}") for bit in range(8) if error >> bit & 1]
    return " and ".join(found) or "no hardware error"
