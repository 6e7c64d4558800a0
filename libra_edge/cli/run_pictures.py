"""What is drawn of a run when it is over: its page and its picture, both from the recording alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from libra_edge.errors import ConfigError, MissingDependencyError, RecordingError
from libra_edge.runtime.film_strip import draw_film_strip
from libra_edge.runtime.report_page.write_report import write_report

logger = logging.getLogger(__name__)


def draw_run(recording: Path) -> dict[str, str | None]:
    """Paths of `report` (a page) and `picture` (PNG), beside the recording; None, said aloud, where there is none."""
    return {
        "report": _drawn("page", write_report, recording, recording.with_suffix(".html")),
        "picture": _drawn("picture", draw_film_strip, recording, recording.with_suffix(".png")),
    }


def _drawn(what: str, draw: Callable[[Path, Path], object], recording: Path, out: Path) -> str | None:
    try:
        draw(recording, out)
    except (MissingDependencyError, RecordingError, ConfigError, OSError) as error:
        logger.warning("no %s of this run: %s", what, error)
        return None
    return str(out)
