"""`libra-edge report`: a recording as one page that can be looked through and sent on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import click
from rich.markup import escape

from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.runtime.report_page.write_report import WrittenReport, write_report

logger = logging.getLogger(__name__)


@click.command("report")
@click.argument("recording", metavar="REC", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page [default: beside REC, as .html]")
@json_option
def command(recording: Path, out: Path | None, as_json: bool) -> None:
    """Draw a recording as one HTML page: film, joints, plan, latencies, faults, one cursor for all of them.

    The page holds everything it shows and fetches nothing. A recording that was cut off or is damaged is shown as far
    as it can be read.

    \b
    Example:
      libra-edge report recordings/run.mcap
    """  # noqa: D301 - click reads the \b
    with stderr_console().status(f"Reading {escape(recording.name)}") as status:
        counted = _Counted(lambda count: status.update(f"Reading {escape(recording.name)}: {count:,} messages"))
        written = write_report(recording, out or recording.with_suffix(".html"), counted.add)
    _tell(written)
    if as_json:
        print_json(
            {
                "html": str(written.html),
                "seconds": written.seconds,
                "faults": list(written.faults),
                "success": written.success,
                "lost": written.lost,
                "bytes": written.size,
            }
        )


class _Counted:
    """Counts messages and tells of every thousandth."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._count, self._tell = 0, tell

    def add(self, messages: int) -> None:
        """So many messages more were read."""
        self._count += messages
        if self._count % 1000 == 0:
            self._tell(self._count)


def _tell(written: WrittenReport) -> None:
    if written.lost is not None:
        logger.warning("%s", written.lost)
    faults = f"{len(written.faults)} faults" if written.faults else "no faults"
    stderr_console().print(f"{written.verdict}, {faults}; {written.html} ({written.size / 1e6:.1f} MB)", markup=False)
