"""`libra-edge profile`: where the milliseconds go, on this machine, with this model."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import click

from libra_edge.bundle import open_bundle
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.cli.profile_files import made_folder, write_profile
from libra_edge.cli.profile_layers import wanted_boards
from libra_edge.cli.profile_measure import Order, measure
from libra_edge.cli.run_backend import BACKENDS, chosen_backend
from libra_edge.errors import CheckFailed
from libra_edge.locate import RECORDINGS, bundle_path
from libra_edge.profiling.budget import Budgets, over_budget, read_budgets
from libra_edge.profiling.build_document import build_document
from libra_edge.profiling.comparison import compare, comparison_json
from libra_edge.profiling.document import ProfileDocument, read_profile
from libra_edge.profiling.tables import comparison_table, profile_table
from libra_edge.robot import open_robot

logger = logging.getLogger(__name__)

NO_ROBOT = "none"
File = click.Path(path_type=Path)


@click.command("profile")
@click.option(
    "--model", "--bundle", "model", default="libra_base", show_default=True, help="Name or folder of a bundle."
)
@click.option("--robot", "robot_name", default="koch-sim", show_default=True, help="Its name or file; none: no robot.")
@click.option("--task", help="What the robot does meanwhile [default: the model's first example]")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=30.0, show_default=True, help="To measure for.")
@click.option("--out", type=File, help="Folder to write into [default: recordings/<date>-profile]")
@click.option("--predict", default="", metavar="BOARDS", help="Boards to predict for, with commas between them.")
@click.option("--compare", "compared", type=File, nargs=2, metavar="A B", help="Hold two profile.json files together.")
@click.option("--budget", type=File, help="TOML file; exit with 1 if a stage takes more than it says.")
@json_option
def command(
    *,
    model: str,
    robot_name: str,
    task: str | None,
    backend: str,
    seconds: float,
    out: Path | None,
    predict: str,
    compared: tuple[Path, Path] | None,
    budget: Path | None,
    as_json: bool,
) -> None:
    """Measure where the milliseconds go: stages, layers, limits of the machine, power, with a trace.

    With a robot it does a task meanwhile, as `run` does; a real arm moves.

    \b
    Example:
      libra-edge profile --robot koch-sim --seconds 20
      libra-edge profile --robot none --predict orin-agx-64,orin-nano-super
      libra-edge profile --compare before/profile.json after/profile.json
    """  # noqa: D301 - click reads the \b
    if compared is not None:
        _compare(*compared, as_json=as_json)
        return
    budgets = None if budget is None else read_budgets(budget)
    boards = wanted_boards(predict)
    robot = None if robot_name == NO_ROBOT else open_robot(robot_name)
    order = Order(open_bundle(bundle_path(model)), chosen_backend(backend), robot_name, robot, task, seconds, boards)
    folder = made_folder(out or _new_folder())
    measured = measure(order)
    document = write_profile(folder, build_document(measured), measured)
    stderr_console().print(profile_table(document))
    if as_json:
        print_json(document.model_dump(mode="json"))
    if measured.fault is not None:
        raise measured.fault
    if budgets is not None and budget is not None:
        _hold_to(budgets, document, budget)


def _new_folder() -> Path:
    return RECORDINGS / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-profile"


def _compare(a: Path, b: Path, *, as_json: bool) -> None:
    comparison = compare(read_profile(a), read_profile(b))
    stderr_console().print(comparison_table(comparison, str(a), str(b)))
    if as_json:
        print_json(comparison_json(comparison))


def _hold_to(budgets: Budgets, document: ProfileDocument, path: Path) -> None:
    """Raises CheckFailed if a stage is over its budget, ConfigError for a stage that was not measured."""
    if broken := over_budget(budgets, document.stages, path):
        raise CheckFailed(f"over budget: {'; '.join(broken)}")
    logger.info("every budget of %s was kept", path)
