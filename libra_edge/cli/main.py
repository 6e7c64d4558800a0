"""`libra-edge`: finds the verb, turns errors into one sentence and an exit code."""

from __future__ import annotations

import importlib
import logging
import sys

import click
from rich.console import Console
from rich.logging import RichHandler

from libra_edge import __version__
from libra_edge.errors import LibraEdgeError

VERBS = ("doctor", "emulate", "eval", "export", "run", "stop")
INTERRUPTED = 130


class Verbs(click.Group):
    """Imports a verb's module when it is called, so that `--help` is quick and extras stay optional."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb, in alphabetical order."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The click command named `command` in `libra_edge.cli.<verb>`, or None for an unknown verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"libra_edge.cli.{cmd_name}").command
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="libra-edge")
def cli() -> None:
    """Run Libra-VLA policies on a robot arm: export a model, then run it, on a Jetson or on any laptop.

    \b
    Example:
      libra-edge export libra_base
      libra-edge run --robot koch-sim --task "pick up the red cube"
    """


def main() -> None:
    """Entry point of the `libra-edge` command: exit codes 0, 1, 2 and 3 as documented in docs/cli.md."""
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=Console(stderr=True), show_path=False)]
    )
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except click.Abort:
        code = INTERRUPTED
    except LibraEdgeError as error:
        click.echo(f"libra-edge: {error}", err=True)
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
