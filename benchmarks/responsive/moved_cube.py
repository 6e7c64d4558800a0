"""One trial of responsiveness: a run in which the target cube is moved while the arm approaches it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np

from benchmarks.real_time.run_bench import Order, RealTimeBench
from benchmarks.real_time.trace_log import TraceLog
from benchmarks.responsive.turning import first_after, new_place, turned_at
from libra_edge.drivers.simulation.simulated_robot import SimulatedRobot
from libra_edge.runtime.command import Command
from libra_edge.runtime.schedule import Mode

WATCHED_S = 2.5
"""After the move; an arm that has not turned by then counts as one that never did."""
PAN = 0


@dataclass(frozen=True)
class Trial:
    """`move_s`: after control step 0; `moves` False: the cube stays, and all is judged as if it had been moved."""

    task: str
    seed: int
    mode: Mode
    move_s: float
    moves: bool = True


@dataclass(frozen=True)
class Outcome:
    """Milliseconds from the move on; None for what did not happen.

    Attributes:
        turned_ms: until the goals began to turn.
        picture_ms, plan_ms: until the first command that rests on a picture, and on a plan's picture, of the new place.
    """

    turned_ms: float | None
    picture_ms: float | None
    plan_ms: float | None


@dataclass
class _Watch:
    """What happens beside the run: the cube is moved, and every command is noted."""

    trial: Trial
    rest_bearing: float
    commands: list[Command] = field(default_factory=list)
    moved_ns: int = 0
    side: int = 0

    async def beside(self, simulated: SimulatedRobot, log: TraceLog) -> None:
        place = new_place(simulated.status().cubes, self.rest_bearing)
        assert place is not None, "a seed in which the cube cannot be moved is not played"
        x_m, y_m, self.side = place
        log.listeners.append(self.commands.append)
        while log.start_ns == 0:
            await asyncio.sleep(0.005)
        await asyncio.sleep(max(0.0, self.trial.move_s - log.seconds))
        if self.trial.moves:
            self.moved_ns = await asyncio.to_thread(simulated.move_cube, 0, x_m, y_m)
        else:
            self.moved_ns = log.clock.now_ns()


def play_trial(bench: RealTimeBench, trial: Trial) -> Outcome:
    """Raises whatever breaks the run."""
    watch = _Watch(trial, -float(bench.robot.rest[PAN]))
    order = Order(trial.task, trial.seed, trial.move_s + WATCHED_S, trial.mode, referee=False)
    _, log = bench.play(order, watch.beside)
    assert watch.moved_ns, "the run ended before the cube was moved"
    return _judged(watch, log)


def _judged(watch: _Watch, log: TraceLog) -> Outcome:
    times_ns = [command.time_ns for command in watch.commands]
    bearings = np.array([-float(command.goal[PAN]) for command in watch.commands])
    turned_s = turned_at(np.array(times_ns) / 1e9, bearings, watch.moved_ns / 1e9, watch.side)
    plan_of = {trace.chunk.chunk_id: log.plan_traces.get(trace.chunk.plan_id) for trace in log.chunk_traces}
    plans = [None if command.chunk_id is None else plan_of.get(command.chunk_id) for command in watch.commands]
    plan_pictures = [None if plan is None else plan.captured_ns for plan in plans]
    return Outcome(
        turned_ms=None if turned_s is None else round(1e3 * turned_s, 1),
        picture_ms=first_after(times_ns, [command.captured_ns for command in watch.commands], watch.moved_ns),
        plan_ms=first_after(times_ns, plan_pictures, watch.moved_ns),
    )
