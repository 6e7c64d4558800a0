"""From a recording to its page on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libra_edge.errors import ConfigError
from libra_edge.runtime.report_page.film import make_film
from libra_edge.runtime.report_page.limit_breaks import limit_breaks, recorded_robot
from libra_edge.runtime.report_page.page import page_html
from libra_edge.runtime.report_page.page_data import page_data
from libra_edge.runtime.report_page.read_episode import read_episode
from libra_edge.runtime.report_page.verdict import outcome

HEAD = b"<!doctype html>"


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A page that was written.

    Attributes:
        seconds: length of the run.
        success: None where nobody could tell.
        faults: `{time_s, kind, reaction}` each.
        lost: what of the recording could not be read, None if nothing.
        verdict: in words.
        size: bytes of the page.
    """

    html: Path
    seconds: float
    success: bool | None
    faults: tuple[dict[str, Any], ...]
    lost: str | None
    verdict: str
    size: int


def write_report(recording: Path, out: Path, read_on: Callable[[int], None] = lambda messages: None) -> WrittenReport:
    """Draw the page of `recording` into `out`; `read_on` is told how many messages more were read.

    Raises RecordingError; ConfigError if `out` cannot be written, or is something else than such a page.
    """
    _check_place(out)
    episode = read_episode(recording, read_on)
    robot = recorded_robot(episode)
    breaks = None if robot is None else limit_breaks(episode, robot)
    film = make_film(recording, episode, read_on)
    page = page_html(episode, film, page_data(episode, film, robot, breaks), breaks).encode()
    _write(out, page)
    faults = tuple(fault.model_dump() for fault in episode.faults)
    verdict = outcome(episode).text
    return WrittenReport(out, episode.seconds, episode.success, faults, episode.lost, verdict, len(page))


def _check_place(out: Path) -> None:
    """A page may take the place of a page, and of nothing else."""
    try:
        if out.exists() and (out.is_dir() or not _is_page(out)):
            raise ConfigError(f"{out} exists and is no web page, so it is not overwritten; give another --out")
    except OSError as error:
        raise ConfigError(f"{out} cannot be read: {error.strerror}; give another --out") from error


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HEAD)).lower() == HEAD


def _write(out: Path, page: bytes) -> None:
    """All of it or nothing."""
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(page)
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"the page cannot be written to {out}: {error.strerror}; give another --out") from error
