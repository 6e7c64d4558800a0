"""The live view of a run, in processes of its own: started before the arm, told of everything, never waited for."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import IO, Any

import click

from libra_edge.errors import MissingDependencyError, ProcessError
from libra_edge.runtime.view_stream import ViewStream

logger = logging.getLogger(__name__)

PATIENCE_S = 30.0
END_S = 3.0


@contextmanager
def run_view(metadata: Mapping[str, str], *options: str) -> Iterator[ViewStream]:
    """Where the run's messages go to be seen, while the context lasts.

    `options` are the viewer's: `--window`, `--web`. Raises MissingDependencyError, and ProcessError if the viewer
    does not get ready.
    """
    if find_spec("rerun") is None:
        raise MissingDependencyError("rerun", "install the extra `view`: pip install 'libra-edge[view]'")
    arguments = [sys.executable, "-m", "libra_edge.cli.viewer", *options]
    with subprocess.Popen(  # noqa: S603 - no shell; the program is our own
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as viewer:
        try:
            seen_at = _introduced(viewer)
            _announce(seen_at)
            with _stream(viewer, metadata) as stream:
                yield stream
        finally:
            _end(viewer)
            _sweep(viewer)


@contextmanager
def _stream(viewer: subprocess.Popen[bytes], metadata: Mapping[str, str]) -> Iterator[ViewStream]:
    stream = ViewStream(_pipe(viewer.stdin), metadata)
    try:
        yield stream
    finally:
        if not stream.close():
            logger.warning("the view does not take the last messages: it is ended")
            viewer.kill()


def _announce(seen_at: str | None) -> None:
    """Not through the log, which breaks lines: an address has to stay whole."""
    click.echo("view: a window of Rerun" if seen_at is None else f"view: open {seen_at} in a browser", err=True)


def _introduced(viewer: subprocess.Popen[bytes]) -> str | None:
    """Where it is to be seen: what it says in its first line."""
    output = _pipe(viewer.stdout)
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        line = output.readline() if selector.select(PATIENCE_S) else b""
    if not line:
        raise ProcessError("the view does not get ready; run without --view, or see what it said above")
    seen_at: str | None = json.loads(line)["url"]
    return seen_at


def _end(viewer: subprocess.Popen[bytes]) -> None:
    """Let it show what it was told, then end it."""
    if viewer.stdin is not None:
        with contextlib.suppress(OSError):
            viewer.stdin.close()
    try:
        viewer.wait(END_S)
    except subprocess.TimeoutExpired:
        viewer.kill()
        viewer.wait()


def _sweep(viewer: subprocess.Popen[bytes]) -> None:
    """End pages that outlived a viewer which had to be killed; one that ended by itself has seen to it."""
    if viewer.returncode != 0:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(viewer.pid, signal.SIGTERM)


def _pipe(stream: IO[bytes] | None) -> Any:
    if stream is None:
        raise ValueError("the viewer was started without a pipe")
    return stream
