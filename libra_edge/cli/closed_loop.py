"""The closed loop: what export cost in success, in episodes that both policies play from the same beginning."""

from __future__ import annotations

import os

from libra_edge.cli.lockstep_pool import EpisodeOrder, PlayOptions, play_all
from libra_edge.cli.playable import check_playable
from libra_edge.closed_loop_outcome import ClosedLoopOutcome
from libra_edge.drivers.simulation.scene import PALETTE
from libra_edge.drivers.simulation.tasks import VERBS
from libra_edge.export.progress import Progress
from libra_edge.policy_files import PolicyFiles
from libra_edge.robot import open_robot
from libra_edge.runtime.paired_difference import PairedDifference

CLOSED_LOOP_SEEDS_FROM = 600_000
"""Neither training nor, unless told to, `libra-edge eval` uses a seed from here on."""


ROBOT = "koch-sim"
TASKS = len(VERBS) * len(PALETTE)


def check_can_be_played(files: PolicyFiles, robot_name: str = ROBOT) -> None:
    """Raises ConfigError if a policy cannot be played with this robot, PolicyFilesError if its words cannot be read."""
    check_playable(files, open_robot(robot_name), (order.task for order in closed_loop_orders(TASKS, 0)))


def measure_drop(
    fp32: PolicyFiles,
    exported: PolicyFiles,
    progress: Progress,
    *,
    robot_name: str = ROBOT,
    episodes: int,
    first_seed: int = CLOSED_LOOP_SEEDS_FROM,
    workers: int | None = None,
    stage: str = "Playing with FP32 and as exported",
) -> ClosedLoopOutcome:
    """Play `episodes` (>= 1) with each policy; `stage` is what the progress is called.

    How many `workers` there are (all cores by default) changes no result.

    Raises ConfigError if a policy cannot be played with this robot, PolicyFilesError if it cannot be loaded, and
    EngineError if one fails while it plays.
    """
    robot = open_robot(robot_name)
    orders = closed_loop_orders(episodes, first_seed)
    for files in (fp32, exported):
        check_can_be_played(files, robot_name)
    progress.begin(stage, episodes)
    pairs = PairedDifference()
    for _, (with_fp32, as_exported) in play_all(
        (fp32, exported), PlayOptions(robot), orders, workers or os.cpu_count() or 1
    ):
        pairs = pairs.counting(with_fp32, as_exported)
        progress.advance()
    return _outcome(robot_name, orders, pairs)


def closed_loop_orders(episodes: int, first_seed: int) -> list[EpisodeOrder]:
    """A seed of its own for each episode, so that no two share a scene; tasks and colours by turns."""
    colours = list(PALETTE)
    return [
        EpisodeOrder(
            f"{VERBS[number % len(VERBS)]} the {colours[number // len(VERBS) % len(colours)]} cube", first_seed + number
        )
        for number in range(episodes)
    ]


def _outcome(robot_name: str, orders: list[EpisodeOrder], pairs: PairedDifference) -> ClosedLoopOutcome:
    low, high = pairs.interval
    return ClosedLoopOutcome(
        robot=robot_name,
        episodes=pairs.episodes,
        first_seed=orders[0].seed,
        last_seed=orders[-1].seed,
        successes_fp32=pairs.first.successes,
        successes_exported=pairs.second.successes,
        only_fp32=pairs.only_first,
        only_exported=pairs.only_second,
        drop_points=100 * (pairs.only_first - pairs.only_second) / pairs.episodes,
        low_points=100 * low,
        high_points=100 * high,
    )
