"""What can go wrong with planner and refiner, each as a fault at the call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from libra_edge.errors import EngineError
from libra_edge.messages import Float64, Int64
from tests.faults.policy_side import PolicySide, until

LATE_S = 1.2
"""More than a plan's horizon (0.5 s), and than a chunk lasts."""
RELEASED = threading.Event()
"""Set at a test's end, so that hung threads go away."""


@dataclass(frozen=True)
class ModelCase:
    """One fault.

    Attributes:
        word: in the line that announces it.
        calls: how many calls in a row fail; None: all from now on.
        ends: what the run ends with, "" if it goes on and the arm moves again.
    """

    name: str
    system: str
    word: str
    fault: Callable[[Any], Any]
    calls: int | None
    ends: str = ""

    async def scenario(self, side: PolicySide) -> None:
        """Let the calls fail, then see the arm stand and, where the fault ends, move again."""
        left = [self.calls]
        sound = np.copy

        def failing(result: Any) -> Any:
            if left[0] == 0:
                return sound(result)
            if left[0] is not None:
                left[0] -= 1
                if left[0] == 0:
                    side.heal()
            return self.fault(result)

        side.inject()
        if self.system == "planner":
            side.planner.fault = failing
        else:
            side.refiner.fault = failing
        if self.ends:
            await until(lambda: False)
        await until(lambda: any(self.word in fault.kind for fault in side.faults))
        await until(lambda: side.healed_ns > 0)
        await until(lambda: side.moved_after_ms() is not None)


def _hang(_result: Any) -> Any:
    RELEASED.wait()


def _late(result: Any) -> Any:
    time.sleep(LATE_S)
    return result


def _out_of_range(tokens: Int64) -> Int64:
    return tokens + 10


def _not_a_number(positions: Float64) -> Float64:
    return np.where(np.arange(6) == 2, np.nan, positions)


def _infinite(positions: Float64) -> Float64:
    return np.where(np.arange(6) == 4, np.inf, positions)


def _far_away(positions: Float64) -> Float64:
    return positions + 100.0


def _broken(system: str) -> Callable[[Any], Any]:
    def fail(_result: Any) -> Any:
        raise EngineError(system, "the device is out of memory")

    return fail


HANGS = "hangs, no answer for"

CASES = (
    ModelCase("planner hangs", "planner", "no answer", _hang, None, HANGS),
    ModelCase("planner slower than its horizon", "planner", "no answer for 1.0 s", _late, 2),
    ModelCase("planner: tokens out of range", "planner", "tokens reach from", _out_of_range, 1),
    ModelCase("planner: tokens out of range, always", "planner", "tokens reach", _out_of_range, None, "tokens reach"),
    ModelCase("planner: engine error", "planner", "out of memory", _broken("planner"), 1),
    ModelCase("refiner: NaN", "refiner", "not finite", _not_a_number, 1),
    ModelCase("refiner: infinite", "refiner", "not finite", _infinite, 2),
    ModelCase("refiner: NaN, always", "refiner", "not finite", _not_a_number, None, "not finite"),
    ModelCase("refiner: goals out of range", "refiner", "leaves the action range", _far_away, 1),
    ModelCase("refiner slow", "refiner", "no answer for 0.5 s", _late, 1),
    ModelCase("refiner hangs", "refiner", "no answer", _hang, None, HANGS),
    ModelCase("refiner: engine error", "refiner", "out of memory", _broken("refiner"), 1),
    ModelCase("refiner: engine error, always", "refiner", "memory", _broken("refiner"), None, "out of memory"),
)
