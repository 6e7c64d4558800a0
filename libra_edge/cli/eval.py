"""`libra-edge eval`: how often a bundle does what the sentence says, in lock-step simulation."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from libra_edge.bundle import open_bundle
from libra_edge.cli.lockstep_pool import EpisodeOrder, PlayOptions, play_all
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.cli.playable import check_playable
from libra_edge.drivers.simulation.scene import PALETTE
from libra_edge.drivers.simulation.tasks import VERBS
from libra_edge.errors import ConfigError
from libra_edge.locate import bundle_path
from libra_edge.policy_files import PolicyFiles
from libra_edge.robot import open_robot
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.success_rate import SuccessRate

EVALUATION_SEEDS_FROM = 500_000
"""Training never uses a seed from here on."""


@click.command("eval")
@click.option("--robot", "robot_name", default="koch-sim", show_default=True, help="A simulated robot.")
@click.option("--model", default="libra_base", show_default=True, help="Name or folder of a bundle.")
@click.option("--episodes", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Episodes a task.")
@click.option("--seed", type=click.IntRange(0), default=EVALUATION_SEEDS_FROM, show_default=True, help="First seed.")
@click.option("--plan-delay", type=click.IntRange(0, 1000), default=0, help="Control steps that a plan takes.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.ASYNC.value, show_default=True)
@click.option("--tasks", default=",".join(VERBS), show_default=True, help="Which tasks, separated by commas.")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=os.cpu_count() or 1, help="Processes; changes no result."
)
@json_option
def command(
    *,
    robot_name: str,
    model: str,
    episodes: int,
    seed: int,
    plan_delay: int,
    mode: str,
    tasks: str,
    workers: int,
    as_json: bool,
) -> None:
    """Play episodes from fresh seeds and count successes, with Wilson 95 % intervals.

    \b
    Example:
      libra-edge eval --robot koch-sim --episodes 100 --seed 500000
    """  # noqa: D301 - click reads the \b
    robot = open_robot(robot_name)
    orders = list(_orders(_verbs(tasks), episodes, seed))
    bundle = open_bundle(bundle_path(model))
    files = bundle.policy_files("cpu")
    check_playable(files, robot, (order.task for order in orders))
    rates = _count(files, PlayOptions(robot, Mode(mode), plan_delay), orders, workers)
    overall = sum(rates.values(), SuccessRate(0, 0))
    _show(rates, overall)
    if as_json:
        print_json(
            {
                "tasks": {verb: rate.as_json() for verb, rate in rates.items()},
                "overall": overall.as_json(),
                "seeds": [seed, seed + episodes - 1],
                "plan_delay": plan_delay,
                "mode": mode,
                "bundle_sha256": bundle.sha256,
            }
        )


def _verbs(tasks: str) -> list[str]:
    wanted = [word.strip() for word in tasks.split(",") if word.strip()]
    unknown = [word for word in wanted if word not in VERBS]
    if unknown or not wanted:
        raise ConfigError(f"--tasks {tasks!r}: unknown {', '.join(unknown) or 'nothing'}; there are {', '.join(VERBS)}")
    return list(dict.fromkeys(wanted))


def _orders(verbs: list[str], episodes: int, seed: int) -> Iterator[EpisodeOrder]:
    """The same seeds for each task; colours by turns."""
    colours = list(PALETTE)
    for verb in verbs:
        for offset in range(episodes):
            yield EpisodeOrder(f"{verb} the {colours[offset % len(colours)]} cube", seed + offset)


def _count(
    files: PolicyFiles, options: PlayOptions, orders: list[EpisodeOrder], workers: int
) -> dict[str, SuccessRate]:
    verb_of = {order: next(verb for verb in VERBS if order.task.startswith(verb)) for order in orders}
    rates: dict[str, SuccessRate] = {verb: SuccessRate(0, 0) for verb in dict.fromkeys(verb_of.values())}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr_console()) as progress:
        bar = progress.add_task("episodes", total=len(orders))
        for order, (success,) in play_all([files], options, orders, workers):
            rates[verb_of[order]] += SuccessRate(int(success), 1)
            progress.advance(bar)
    return rates


def _show(rates: dict[str, SuccessRate], overall: SuccessRate) -> None:
    table = Table("task", "successes", "episodes", "rate", "95 % interval")
    for name, rate in [*rates.items(), ("overall", overall)]:
        low, high = rate.interval
        share = f"{rate.rate:.1%}" if rate.rate is not None else "-"
        table.add_row(name, str(rate.successes), str(rate.episodes), share, f"{low:.1%} .. {high:.1%}")
    stderr_console().print(table)
