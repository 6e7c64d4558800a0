"""What came of a fault on the policy side: what was said, how soon, and what the arm did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from tests.faults.policy_side import PolicySide
from tests.runtime_policy.fakes import ROBOT


class Case(Protocol):
    """A fault that a policy side can be played with."""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        ...

    @property
    def word(self) -> str:
        """In the line that announces it."""
        ...

    async def scenario(self, side: PolicySide) -> None:
        """Inject it, wait for the reaction, mend it."""
        ...


@dataclass(frozen=True)
class PolicyOutcome:
    """One case, played. Times are milliseconds; None where it did not happen.

    Attributes:
        said, reaction: the announcement.
        announced_ms, stood_ms: from the injection to the announcement, and to the first command of a standstill.
        moved_ms: from the mending to the first command that rests on a picture taken after it.
        ended, exit_code: how the run ended.
        violated: goals outside a limit, in the commands and on the wire.
    """

    name: str
    said: str
    reaction: str
    announced_ms: float
    stood_ms: float | None
    moved_ms: float | None
    ended: str
    exit_code: int
    violated: int

    def row(self) -> dict[str, Any]:
        """For a table or a file."""
        return asdict(self)


def outcome_of(case: Case, emulator: ServoBusEmulator, side: PolicySide) -> PolicyOutcome:
    """Play `case` and look at what came of it. Raises AssertionError if it was never announced."""
    session = side.play(case.scenario)
    said = next((fault for fault in side.faults if case.word in fault.kind), None)
    assert said is not None, side.faults
    return PolicyOutcome(
        name=case.name,
        said=said.kind,
        reaction=said.reaction,
        announced_ms=side.announced_ms(case.word),
        stood_ms=side.stood_ms(),
        moved_ms=side.moved_after_ms() if side.healed_ns else None,
        ended=session.ended,
        exit_code=0 if session.fault is None else session.fault.exit_code,
        violated=side.check.violated + violations_on_the_wire(emulator),
    )


def violations_on_the_wire(emulator: ServoBusEmulator) -> int:
    """Goal positions that a servo received outside its joint's range.

    Those that it refused are none: on a machine that stands still for a moment its watchdog trips.
    """
    ends = np.sort([ROBOT.to_ticks(ROBOT.low), ROBOT.to_ticks(ROBOT.high)], axis=0)
    allowed = {joint.id: (low, high) for joint, low, high in zip(ROBOT.joint, *ends, strict=True)}
    return sum(
        not allowed[goal.servo_id][0] <= goal.tick <= allowed[goal.servo_id][1] for goal in list(emulator.ledger.goals)
    )
