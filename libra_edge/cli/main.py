"""`libra-edge`: finds the verb, turns every end of it into an exit code and at most one sentence.

Exit codes: 0 done, 1 a stated check failed, 2 bad input or missing hardware, 3 a fault while running (or a defect of
this package), 130 interrupted from the keyboard.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence

import click

from libra_edge import __version__
from libra_edge.cli.crash_log import save_crash
from libra_edge.cli.output import stderr_console
from libra_edge.errors import InputError, LibraEdgeError, RuntimeFault

VERBS = {
    "calibrate": "Calibrate the arm, the camera, or the numbers of an INT8 export.",
    "doctor": "Check what this machine has and what it lacks, with advice.",
    "emulate": "Stand in for an arm: its servos answer Dynamixel Protocol 2.0 on a pseudo-terminal.",
    "eval": "Play episodes from fresh seeds and count successes, with Wilson 95 % intervals.",
    "export": "Quantise a model, compare it with what it was, and write it as a bundle.",
    "jog": "Move one joint at a time from the keyboard, slowly: for the first minutes with an arm.",
    "profile": "Measure where the milliseconds go: stages, layers, limits of the machine, power, with a trace.",
    "replay": "Feed a recording's pictures and joints through a bundle again and compare plans and chunks.",
    "report": "Draw a recording as one HTML page: film, joints, plan, latencies, faults, one cursor for all of them.",
    "run": "Do a task with a robot arm, watched, fenced in and recorded.",
    "stop": "Stop the arm: slow down to a standstill, then leave it as its run was told to (`--on-exit`).",
}
INTERRUPTED = 130


class Verbs(click.Group):
    """Imports a verb's module when it is called, so that `--help` is quick and extras stay optional."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb, in alphabetical order."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The click command named `command` in `libra_edge.cli.<verb>`, or None for an unknown verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"libra_edge.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, VERBS[verb]) for verb in self.list_commands(ctx)])


@click.group(
    cls=Verbs,
    subcommand_metavar="VERB [OPTIONS]",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="libra-edge")
def cli() -> None:
    """Run Libra-VLA policies on a robot arm: export a model, then run it, on a Jetson or on any laptop.

    \b
    Example:
      libra-edge export libra_base
      libra-edge run --robot koch-sim --task "pick up the red cube"
    """  # noqa: D301 - click reads the \b and keeps the lines below it as they are
    _log_to_stderr()


def run_command(arguments: Sequence[str]) -> int:
    """Run `libra-edge` with `arguments`; whatever happens ends in an exit code and a sentence on stderr."""
    try:
        code = cli.main(list(arguments), prog_name="libra-edge", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return InputError.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", INTERRUPTED)
    except LibraEdgeError as error:
        return _say(str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last resort: the user gets a sentence, the file the traceback
        return _say(save_crash(error, arguments), RuntimeFault.exit_code)
    return code if isinstance(code, int) else 0


def _say(sentence: str, code: int) -> int:
    click.echo(f"libra-edge: {sentence}", err=True)
    return code


def _log_to_stderr() -> None:
    from rich.logging import RichHandler  # noqa: PLC0415 - `--help` does without it

    handler = RichHandler(console=stderr_console(), show_path=False, log_time_format="%H:%M:%S")
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])


def main() -> None:
    """Entry point of the `libra-edge` command."""
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
