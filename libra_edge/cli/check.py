"""One thing that `libra-edge doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked for, what was found, and what to do.

    Attributes:
        needed: whether the chosen robot cannot run without it.
        advice: empty if `ok`.
    """

    name: str
    ok: bool
    needed: bool
    found: str
    advice: str = ""


def judged(name: str, ok: bool, found: str, advice: str, *, needed: bool = True) -> Check:
    """A check that gives its advice only when it did not hold."""
    return Check(name, ok, needed, found, "" if ok else advice)
