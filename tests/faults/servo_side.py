"""The real servo process on emulated servos, fed with chunks; a fault is injected, the reaction watched."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import uvloop

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.frozen_garbage import freeze_garbage
from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo
from libra_edge.drivers.simulation.servos.ledger import GoalRecord
from libra_edge.drivers.simulation.servos.limit_judge import LimitJudge
from libra_edge.drivers.simulation.servos.limits_file import open_limits
from libra_edge.drivers.simulation.servos.plant import KinematicPlant, ServoPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from libra_edge.messages import ActionChunk
from libra_edge.robot import open_robot
from libra_edge.runtime import servo_client
from libra_edge.runtime.command import Command
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.supervisor import State

ROBOT = open_robot("koch-sim")
LIMITS = Path(__file__).parent / "limits.toml"
STEP_NS = 100_000_000
PATIENCE_S = 30.0
PERIOD_S = 4.0
SWING = np.radians([25.0, 12.0, 15.0, 20.0, 30.0, 15.0])
"""rad: how far the fed chunks lead the arm to either side of where it rests."""


class Expected(str, enum.Enum):
    """What must happen."""

    GOES_ON = "goes on"
    HOLDS = "holds, goes on with the next good chunk"
    RECOVERS = "holds, finds the servos again, goes on"
    STOPS = "stands, ends with exit code 3"


REACTION = {
    Expected.HOLDS: {State.HOLDING},
    Expected.RECOVERS: {State.RECOVERING, State.HOLDING},
    Expected.STOPS: {State.FAULT},
}
"""States of the first command of a reaction. An arm that is found within a tick holds in the next one already."""


@dataclass(frozen=True)
class ServoCase:
    """One fault.

    Attributes:
        within_ms: bounds the time from injection to the first command of the reaction.
        module: what is started as the servo process, where the fault comes from within.
    """

    group: str
    name: str
    expected: Expected
    inject: Callable[[ServoSide], Awaitable[None]]
    within_ms: float = 1000.0
    module: str | None = None


@dataclass(frozen=True)
class ServoOutcome:
    """What came of one injection. Times in ms; None where it did not happen.

    Attributes:
        reaction_ms: from the injection to the first command of the reaction.
        back_ms: from there to the first command that follows a chunk again.
        violations: what the judge said.
    """

    name: str
    expected: str
    seen: str
    right: bool
    reaction_ms: float | None
    back_ms: float | None
    exit_code: int
    violations: list[str]

    def row(self) -> dict[str, Any]:
        """For a table or a file."""
        return asdict(self)


def kinematic_plant() -> KinematicPlant:
    """Six servos in the rest pose."""
    return KinematicPlant(MonotonicClock(), rest_ticks(ROBOT))


def judge_of(plant: ServoPlant) -> LimitJudge:
    """One who knows the limits of the Koch arm."""
    return LimitJudge(open_limits(LIMITS, [joint.id for joint in ROBOT.joint]), plant)


@dataclass
class ServoSide:
    """One run of the servo process.

    Attributes:
        feeding: whether chunks come.
        spoil: what is done to a chunk before it is sent.
        recoveries: how often the arm was lost and found again after the injection.
    """

    plant: KinematicPlant = field(default_factory=kinematic_plant)
    feeding: bool = True
    spoil: Callable[[ActionChunk], ActionChunk] = lambda chunk: chunk
    injected_ns: int = 0
    recoveries: int = 0
    commands: list[Command] = field(default_factory=list)
    _unplugged: list[GoalRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.link = Path(tempfile.mkdtemp(prefix="le-port-")) / "arm"
        self.plug_in()

    def plug_in(self) -> None:
        """Servos as they were, on a new port behind the same link."""
        self.emulator = ServoBusEmulator(specs_of(ROBOT), self.plant)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.emulator.port)
        self.emulator.start()

    def unplug(self) -> None:
        """The port is gone."""
        self._unplugged += self.emulator.ledger.goals
        self.link.unlink(missing_ok=True)
        self.emulator.stop()

    @contextmanager
    def servos(self) -> Iterator[dict[int, EmulatedServo]]:
        """The servos by id, while nobody else touches them; one that is taken out answers no more."""
        with self.emulator.servos() as servos:
            yield servos

    @property
    def goals(self) -> list[GoalRecord]:
        """Everything that servos were told."""
        return [*self._unplugged, *self.emulator.ledger.goals]

    def inject(self) -> None:
        """The fault begins now."""
        self.injected_ns = time.monotonic_ns()

    def play(self, case: ServoCase) -> ServoOutcome:
        """Run the servo process, inject, wait for what must happen, stop.

        The servos are a thread of this process: they must not stand still while Python looks for garbage.
        """
        started = mock.patch.object(servo_client, "SERVO_MODULE", case.module or servo_client.SERVO_MODULE)
        freeze_garbage()
        with judge_of(self.plant) as judge, started:
            try:
                exit_code = uvloop.run(self._played(case))
            finally:
                self.unplug()
                gc.unfreeze()
        return self._outcome(case, exit_code, judge.verdicts(self.goals))

    async def _played(self, case: ServoCase) -> int:
        client = self.client = await ServoClient.launch(
            ["--robot", "koch-sim", "--port", str(self.link)], joints=len(ROBOT.joint)
        )
        await client.wait_for(State.READY, patience_s=PATIENCE_S)
        await self.started(client)
        feeding = asyncio.create_task(self._feed(client))
        try:
            await self.until(lambda: bool(self._seen({State.RUNNING}, after_ns=0, moving=True)))
            await asyncio.sleep(0.3)
            self.recoveries = -client.telemetry().recoveries
            self.inject()
            await case.inject(self)
            await self.until(lambda: self._reacted(case.expected, client))
            self.recoveries += client.telemetry().recoveries
        finally:
            feeding.cancel()
            code = await client.close(PATIENCE_S)
            self.commands += client.drain_commands()
        return code

    async def started(self, client: ServoClient) -> None:
        """Ask until it is accepted: while a loaded machine has lost the arm for a moment, nobody starts."""
        deadline = time.monotonic() + PATIENCE_S
        while not (await client.request("start")).accepted:
            assert time.monotonic() < deadline, "never started"
            await asyncio.sleep(0.02)

    async def _feed(self, client: ServoClient) -> None:
        """A chunk every 100 ms, of 500 ms: a slow swing of all joints about the rest pose."""
        began_ns, number = time.monotonic_ns(), 0
        while True:
            now_ns = time.monotonic_ns()
            times = (now_ns - began_ns) / 1e9 + np.arange(1, 6)[:, None] * STEP_NS / 1e9
            rows = ROBOT.rest + SWING * np.sin(2 * np.pi * times / PERIOD_S)
            rows = np.clip(rows, ROBOT.low + 0.02, ROBOT.high - 0.02)
            if self.feeding:
                chunk = ActionChunk(number, rows, 0, now_ns, STEP_NS, 1, 2, now_ns)
                client.send_chunk(self.spoil(chunk))
                number += 1
            self.commands += client.drain_commands()
            await asyncio.sleep(0.1)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as it holds. Raises AssertionError if it never does."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.02)

    def _seen(self, states: set[State], after_ns: int, *, moving: bool = False) -> int | None:
        """When the first command in one of these states came after this instant; with `moving`, one of a chunk."""
        return next(
            (
                command.time_ns
                for command in self.commands
                if command.state in states
                and command.time_ns > after_ns
                and (command.chunk_id is not None or not moving)
            ),
            None,
        )

    def _reacted(self, expected: Expected, client: ServoClient) -> bool:
        if expected is Expected.STOPS:
            return client.exit_code is not None
        if expected is Expected.GOES_ON:
            return bool(self._seen({State.RUNNING}, self.injected_ns + 300_000_000, moving=True))
        reacted_ns = self._seen(REACTION[expected], self.injected_ns)
        return reacted_ns is not None and bool(self._seen({State.RUNNING}, reacted_ns, moving=True))

    def _outcome(self, case: ServoCase, exit_code: int, violations: list[str]) -> ServoOutcome:
        states = list(dict.fromkeys(c.state.value for c in self.commands if c.time_ns > self.injected_ns))
        reacted_ns = None
        if case.expected in REACTION:
            reacted_ns = self._seen(REACTION[case.expected], self.injected_ns)
        reaction_ms = None if reacted_ns is None else (reacted_ns - self.injected_ns) / 1e6
        back_ns = None if reacted_ns is None else self._seen({State.RUNNING}, reacted_ns, moving=True)
        back_ms = None if reacted_ns is None or back_ns is None else (back_ns - reacted_ns) / 1e6
        odd = {"recovering", "fault", "holding"} & set(states)
        back = back_ms is not None and exit_code == 0
        right = {
            Expected.GOES_ON: not odd and exit_code == 0,
            Expected.STOPS: reaction_ms is not None and exit_code == 3,
            Expected.RECOVERS: back and self.recoveries > 0,
            Expected.HOLDS: back,
        }[case.expected]
        right = right and (reaction_ms is None or reaction_ms <= case.within_ms) and not violations
        seen = " -> ".join(states)
        return ServoOutcome(case.name, case.expected.value, seen, right, reaction_ms, back_ms, exit_code, violations)
