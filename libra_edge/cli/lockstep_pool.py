"""Plays lock-step episodes of a bundle on all cores. Which core plays an episode does not change a bit of it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from libra_edge.bundle import open_bundle
from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.instruction import InstructionEncoder
from libra_edge.robot import Robot
from libra_edge.runtime.engine_onnxruntime import load_onnxruntime_engines
from libra_edge.runtime.lockstep import run_episode
from libra_edge.runtime.planner import EnginePlanner
from libra_edge.runtime.refiner import EngineRefiner
from libra_edge.runtime.schedule import Mode


@dataclass(frozen=True, slots=True)
class EpisodeOrder:
    """One episode to play: the seed decides colours, poses and noise."""

    task: str
    seed: int


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """How every episode of an evaluation is played."""

    bundle: Path
    robot: Robot
    mode: Mode
    plan_delay_steps: int
    max_seconds: float


class _Player:
    """What a worker process keeps between episodes."""

    def __init__(self, options: PlayOptions) -> None:
        bundle = open_bundle(options.bundle)
        engines = load_onnxruntime_engines(bundle)
        self._options = options
        self._spec = bundle.spec
        self._planner = EnginePlanner(engines.planner, bundle.spec)
        self._refiner = EngineRefiner(engines.refiner_encoder, engines.refiner_step, bundle.spec)
        self._encoder = InstructionEncoder(bundle.tokenizer, bundle.spec.instruction.max_tokens)
        self._world: LockStepWorld | None = None

    def play(self, order: EpisodeOrder) -> bool:
        if self._world is None:
            self._world = LockStepWorld(self._options.robot, order.seed, order.task)
        else:
            self._world.reset(order.seed, order.task)
        result = run_episode(
            self._world,
            self._planner,
            self._refiner,
            self._spec,
            self._options.robot,
            instruction=self._encoder.encode(order.task),
            seed=order.seed,
            max_steps=round(self._options.max_seconds * self._spec.policy.rate_hz),
            plan_delay_steps=self._options.plan_delay_steps,
            mode=self._options.mode,
        )
        return result.success


_players: list[_Player] = []


def _begin(options: PlayOptions) -> None:
    _players[:] = [_Player(options)]


def _play(order: EpisodeOrder) -> bool:
    return _players[0].play(order)


def play_all(options: PlayOptions, orders: Sequence[EpisodeOrder], workers: int) -> Iterator[tuple[EpisodeOrder, bool]]:
    """Each order with its success, as they finish. Raises what an episode raises."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(options,)) as pool:
        futures = {pool.submit(_play, order): order for order in orders}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)
