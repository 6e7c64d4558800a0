"""What the simulated arm can be asked to do, and how the world tells that it was done.

touch:   a finger stays on the named cube for 0.2 s.
pick up: the named cube is 4 cm above the table for 0.5 s.
push:    the named cube has moved 4 cm or more along the table and lies on it.
None counts once another cube has been moved by more than 2 cm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from libra_edge.drivers.simulation.scene import CUBE_HALF, PALETTE
from libra_edge.errors import InstructionError
from libra_edge.messages import Float64

Verb = Literal["touch", "pick up", "push"]
VERBS: tuple[Verb, ...] = ("touch", "pick up", "push")

TOUCH_S = 0.2
HOLD_S = 0.5
LIFT_M = 0.04
PUSH_M = 0.04
DISTURBED_M = 0.02
ON_TABLE_M = 0.005

_SENTENCE = re.compile(rf"({'|'.join(VERBS)}) the ({'|'.join(PALETTE)}) cube")


@dataclass(frozen=True, slots=True)
class Task:
    """One sentence, understood."""

    verb: Verb
    colour: str

    @property
    def text(self) -> str:
        """The sentence given to the policy."""
        return f"{self.verb} the {self.colour} cube"


def parse_task(text: str) -> Task:
    """Understand a sentence. Raises InstructionError for any other than `VERB the COLOUR cube`."""
    words = " ".join(text.lower().split())
    match = _SENTENCE.fullmatch(words)
    if match is None:
        vocabulary = [*VERBS, "the", *PALETTE, "cube"]
        known = {word for phrase in vocabulary for word in phrase.split()}
        unknown = [word for word in words.split() if word not in known]
        raise InstructionError(text, unknown or [words], vocabulary)
    verb = next(verb for verb in VERBS if verb == match[1])
    return Task(verb, match[2])


ALL_TASKS: tuple[Task, ...] = tuple(Task(verb, colour) for verb in VERBS for colour in PALETTE)


@dataclass(slots=True)
class TaskMonitor:
    """Watches one episode. `start` is float64 [3, 3], the cubes' first positions; cube 0 is the named one."""

    task: Task
    start: Float64
    succeeded: bool = False
    _since_s: float | None = None

    def update(self, time_s: float, cubes: Float64, touched: bool) -> None:
        """`cubes` float64 [3, 3] m, now; `touched`: a finger is on cube 0 now."""
        if self.succeeded or self._others_disturbed(cubes):
            return
        if not self._holds(cubes[0], touched):
            self._since_s = None
            return
        self._since_s = time_s if self._since_s is None else self._since_s
        needed = {"touch": TOUCH_S, "pick up": HOLD_S, "push": 0.0}[self.task.verb]
        self.succeeded = time_s - self._since_s >= needed

    def _others_disturbed(self, cubes: Float64) -> bool:
        moved = np.linalg.norm(cubes[1:] - self.start[1:], axis=1)
        return bool(np.any(moved > DISTURBED_M))

    def _holds(self, cube: Float64, touched: bool) -> bool:
        if self.task.verb == "touch":
            return touched
        if self.task.verb == "pick up":
            return bool(cube[2] - CUBE_HALF >= LIFT_M)
        on_table = cube[2] - CUBE_HALF < ON_TABLE_M
        return bool(on_table and np.linalg.norm(cube[:2] - self.start[0, :2]) >= PUSH_M)
