"""Plays lock-step episodes on all cores, with one policy or several. Which core plays one does not change a bit."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.errors import ProcessError
from libra_edge.policy_files import PolicyFiles
from libra_edge.robot import Robot
from libra_edge.runtime.load_systems import Systems, load_systems
from libra_edge.runtime.lockstep import run_episode
from libra_edge.runtime.schedule import Mode

MAX_SECONDS = 12.0
"""Simulated; what has not been done by then counts as failed."""


@dataclass(frozen=True, slots=True)
class EpisodeOrder:
    """One episode to play: the seed decides colours, poses and noise."""

    task: str
    seed: int


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """How every episode is played."""

    robot: Robot
    mode: Mode = Mode.ASYNC
    plan_delay_steps: int = 0
    max_seconds: float = MAX_SECONDS


class _Player:
    """What a worker process keeps between episodes."""

    def __init__(self, policies: Sequence[PolicyFiles], options: PlayOptions) -> None:
        self._systems = [load_systems(files) for files in policies]
        self._options = options
        self._world: LockStepWorld | None = None

    def play(self, order: EpisodeOrder) -> tuple[bool, ...]:
        """Success of each policy, every one from the same beginning."""
        return tuple(self._play(systems, order) for systems in self._systems)

    def _play(self, systems: Systems, order: EpisodeOrder) -> bool:
        result = run_episode(
            self._begin(order),
            systems.planner,
            systems.refiner,
            systems.spec,
            self._options.robot,
            instruction=systems.words.encode(order.task),
            seed=order.seed,
            max_steps=round(self._options.max_seconds * systems.spec.policy.rate_hz),
            plan_delay_steps=self._options.plan_delay_steps,
            mode=self._options.mode,
        )
        return result.success

    def _begin(self, order: EpisodeOrder) -> LockStepWorld:
        if self._world is None:
            self._world = LockStepWorld(self._options.robot, order.seed, order.task)
        else:
            self._world.reset(order.seed, order.task)
        return self._world


_jobs: list[tuple[Sequence[PolicyFiles], PlayOptions]] = []
_players: list[_Player] = []


def _begin(policies: Sequence[PolicyFiles], options: PlayOptions) -> None:
    """Loads nothing yet: an error in here would break the pool, and nobody would read what it says.

    Log lines would be written across the parent's progress bars. On Ctrl-C it is the parent who ends the workers.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _jobs[:] = [(policies, options)]


def _play(order: EpisodeOrder) -> tuple[bool, ...]:
    if not _players:
        _players.append(_Player(*_jobs[0]))
    return _players[0].play(order)


def play_all(
    policies: Sequence[PolicyFiles], options: PlayOptions, orders: Sequence[EpisodeOrder], workers: int
) -> Iterator[tuple[EpisodeOrder, tuple[bool, ...]]]:
    """Each order with the success of each policy, as they finish.

    Raises what an episode raises, and ProcessError if a worker process dies.
    """
    context = multiprocessing.get_context("spawn")
    processes = min(workers, len(orders))
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(tuple(policies), options)) as pool:
        futures = {pool.submit(_play, order): order for order in orders}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise ProcessError("a process that played episodes died; look for what ended it, try fewer") from error
        finally:
            pool.shutdown(cancel_futures=True)
