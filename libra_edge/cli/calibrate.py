"""`libra-edge calibrate`: of the arm, of the camera, of the numbers; finds what is to be calibrated."""

from __future__ import annotations

import importlib

import click

SUBJECTS = {
    "arm": "Calibrate an arm by hand, check LeRobot's file against its servos, or measure its kinematic zero.",
    "camera": "Find where a camera stands, seen from the arm's base, by a printed board.",
    "ranges": "Collect the observations that INT8 ranges are set from, and say what they cover.",
}


class Subjects(click.Group):
    """Imports a subject's module when it is called, so that `--help` is quick and extras stay optional."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every subject, in alphabetical order."""
        return sorted(SUBJECTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The click command named `command` in `libra_edge.cli.calibrate_<subject>`, or None for an unknown subject."""
        if cmd_name not in SUBJECTS:
            return None
        command: click.Command = importlib.import_module(f"libra_edge.cli.calibrate_{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subjects from the table, without importing them."""
        with formatter.section("Subjects"):
            formatter.write_dl([(subject, SUBJECTS[subject]) for subject in self.list_commands(ctx)])


@click.group("calibrate", cls=Subjects, subcommand_metavar="SUBJECT [OPTIONS]")
def command() -> None:
    """Calibrate the arm, the camera, or the numbers of an INT8 export.

    \b
    Example:
      libra-edge calibrate arm --robot koch
      libra-edge calibrate camera --robot koch
    """  # noqa: D301 - click reads the \b
