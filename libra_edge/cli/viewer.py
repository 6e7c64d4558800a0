"""The viewer process of `run --view`: `python -m libra_edge.cli.viewer`. Hidden: that verb starts it.

Reads a run's messages from stdin, as an MCAP stream, and shows them in Rerun, whose own process it starts. Its stdout
carries one JSON line once that listens: where it is to be seen.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import click
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import StreamReader

from libra_edge.errors import LibraEdgeError
from libra_edge.runtime.recording import RecordedMessage
from libra_edge.runtime.rerun_process import RerunProcess
from libra_edge.runtime.rerun_view import RerunView


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--window/--web", default=None, help="A window, or pages for a browser [default: a window if there can be one]"
)
def command(window: bool | None) -> None:
    """Show the MCAP stream on stdin in Rerun: what `libra-edge run --view` starts beside the policy.

    \b
    Example:
      python -m libra_edge.cli.viewer --web < recordings/RUN.mcap
    """  # noqa: D301 - click reads the \b
    _stand_back()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rerun = RerunProcess.start(window=_has_display() if window is None else window)
    try:
        click.echo(json.dumps({"url": rerun.seen_at, "process": os.getpid()}))
        sys.stdout.flush()
        show(sys.stdin.buffer, rerun.url)
    finally:
        rerun.close()


def show(stream: BinaryIO, url: str) -> None:
    """Until the stream ends, or is cut off."""
    view, channels, forms = None, dict[int, tuple[str, str]](), dict[int, str]()
    for record in _records(stream):
        if isinstance(record, Metadata) and record.name == "run":
            view = RerunView(record.metadata)
            view.connect(url)
        elif isinstance(record, Schema):
            forms[record.id] = record.name
        elif isinstance(record, Channel):
            channels[record.id] = record.topic, forms.get(record.schema_id, "")
        elif isinstance(record, Message) and view is not None:
            topic, form = channels[record.channel_id]
            with suppress(DecodeError, ValueError, KeyError):
                view.show(RecordedMessage(topic, record.log_time, record.data, record.sequence, form))
    if view is not None:
        view.close()


def _stand_back() -> None:
    """Seeing comes after moving: this process, and Rerun's, run where nothing else wants to."""
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError as error:
        click.echo(f"view: takes as much of the processor as anything else ({error.strerror})", err=True)


def _records(stream: BinaryIO) -> Iterator[McapRecord]:
    with suppress(EndOfFile, McapError):
        yield from StreamReader(stream).records


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> None:
    """Exit codes: 0 the stream has ended, 2 Rerun cannot be started."""
    try:
        command.main(standalone_mode=False)
        code = 0
    except click.ClickException as error:
        error.show()
        code = 2
    except LibraEdgeError as error:
        click.echo(f"view: {error}", err=True)
        code = error.exit_code
    sys.exit(code)


if __name__ == "__main__":
    main()
