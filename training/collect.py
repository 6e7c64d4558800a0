"""Records a round of episodes on all cores: demonstrations (round 0) or corrections of a checkpoint's own episodes.

python -m training.collect --round 0 --episodes 2000 --data training/data
python -m training.collect --round 1 --episodes 800 --data training/data --checkpoint training/runs/libra_base
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from rich.progress import Progress

from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.drivers.simulation.scene import PALETTE
from libra_edge.drivers.simulation.tasks import ALL_TASKS, Task
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.robot import open_robot
from training.architecture import Planner, Refiner
from training.dataset import ShardWriter
from training.policy_actor import PolicyActor, load_systems
from training.recorder import MAX_STEPS, Actor, Eyes, NoisyExpert, anywhere, episode, scene

EVALUATION_SEEDS_FROM = 500_000
ROUND_SEEDS = 20_000
SHARES = {"touch": 0.22, "push": 0.30, "pick up": 0.48}
SPREADS_RAD = (0.0, 0.01, 0.02, 0.035)


def task_of(seed: int, rng: np.random.Generator) -> Task:
    """A task drawn with SHARES, its colour by turns."""
    verb = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    colour = list(PALETTE)[seed % len(PALETTE)]
    return next(task for task in ALL_TASKS if task.verb == verb and task.colour == colour)


class SharedNumber(Protocol):
    """A number that processes share."""

    value: int


def record(seeds: range, folder: Path, checkpoint: Path | None, counter: SharedNumber) -> Counter[str]:
    """One worker's episodes. Returns how many of each verb there were and how many succeeded."""
    systems = _systems(checkpoint)
    writer = ShardWriter(folder, capacity=len(seeds) * max(MAX_STEPS.values()))
    robot = open_robot("koch-sim")
    world = LockStepWorld(robot, 0, ALL_TASKS[0].text)
    eyes, tally = Eyes(world.world), Counter[str]()
    for seed in seeds:
        rng = np.random.default_rng([seed, 1])
        task = task_of(seed, rng)
        world.reset(seed, task.text)
        actor = _actor(systems, task, rng)
        for step, sample in enumerate(episode(world, robot, eyes, actor)):
            writer.add(sample, ALL_TASKS.index(task), step)
        tally[task.verb] += 1
        tally[f"{task.verb} succeeded"] += world.success()
        counter.value += 1
    writer.close({"seeds": [seeds.start, seeds.stop], "tally": tally})
    return tally


def record_scenes(seeds: range, folder: Path, checkpoint: Path | None, counter: SharedNumber) -> Counter[str]:
    """One worker's scenes: of each, how it begins, and once more with the arm anywhere. Many scenes teach what the
    words mean; in episodes the arm soon gives away which cube is meant.
    """
    del checkpoint
    writer = ShardWriter(folder, capacity=2 * len(seeds))
    world = KochCubesWorld(0, ALL_TASKS[0].text)
    eyes, tally = Eyes(world), Counter[str]()
    for seed in seeds:
        rng = np.random.default_rng([seed, 1])
        task = task_of(seed, rng)
        world.reset(seed, task.text)
        for pose in (None, anywhere(rng)):
            writer.add(scene(world, eyes, pose), ALL_TASKS.index(task), step=0)
        tally[task.verb] += 1
        counter.value += 1
    writer.close({"seeds": [seeds.start, seeds.stop], "tally": tally})
    return tally


def _systems(checkpoint: Path | None) -> tuple[Planner, Refiner] | None:
    if checkpoint is None:
        return None
    torch.set_num_threads(1)
    return load_systems(checkpoint)


def _actor(systems: tuple[Planner, Refiner] | None, task: Task, rng: np.random.Generator) -> Actor:
    if systems is None:
        return NoisyExpert(rng, float(rng.choice(SPREADS_RAD)))
    return PolicyActor(*systems, task.text, rng, expert_share=0.15)


def collect(
    round_index: int, episodes: int, data: Path, checkpoint: Path | None, workers: int, *, scenes: bool = False
) -> Counter[str]:
    """Record one round into `data/r<round>-<worker>` (scenes: `s<round>-...`); no two workers share a seed."""
    job, letter = (record_scenes, "s") if scenes else (record, "r")
    first = round_index * ROUND_SEEDS
    if first + episodes > EVALUATION_SEEDS_FROM or episodes > ROUND_SEEDS:
        raise SystemExit(f"round {round_index} with {episodes} episodes would use evaluation seeds")
    share = -(-episodes // workers)
    context = multiprocessing.get_context("spawn")
    total = Counter[str]()
    with context.Manager() as manager, ProcessPoolExecutor(workers, context) as pool, Progress() as progress:
        counters = [manager.Value("i", 0) for _ in range(workers)]
        futures: list[Future[Counter[str]]] = []
        for worker, counter in enumerate(counters):
            seeds = range(first + worker * share, first + min((worker + 1) * share, episodes))
            futures.append(pool.submit(job, seeds, data / f"{letter}{round_index}-{worker}", checkpoint, counter))
        bar = progress.add_task(f"round {round_index}", total=episodes)
        while not all(future.done() for future in futures):
            progress.update(bar, completed=sum(counter.value for counter in counters))
            time.sleep(1.0)
        for future in futures:
            total.update(future.result())
    return total


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--round", type=int, required=True)
    parser.add_argument("--episodes", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--scenes", action="store_true", help="first moments of scenes instead of episodes")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    started = time.monotonic()
    tally = collect(
        options.round, options.episodes, options.data, options.checkpoint, options.workers, scenes=options.scenes
    )
    for verb in SHARES:
        print(f"{verb}: {tally[f'{verb} succeeded']} of {tally[verb]} succeeded")
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
