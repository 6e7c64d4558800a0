"""`profile.json`, `trace.json` and `profile.html`, in one folder."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

from libra_edge.calibration.whole_file import write_whole
from libra_edge.errors import ConfigError
from libra_edge.profiling.build_document import Measured
from libra_edge.profiling.document import ProfileDocument
from libra_edge.profiling.page.profile_page import profile_html
from libra_edge.profiling.trace import model_trace, run_trace

PROFILE, TRACE, PAGE = "profile.json", "trace.json", "profile.html"


def made_folder(folder: Path) -> Path:
    """The folder, made if there is none. Raises ConfigError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigError(f"the profile cannot be written to {folder}: {error.strerror}; give another --out") from error
    return folder


def write_profile(folder: Path, document: ProfileDocument, measured: Measured) -> ProfileDocument:
    """Write all three, each whole or not at all; the document that names them. Raises ConfigError."""
    trace, page = folder / TRACE, folder / PAGE
    named = document.model_copy(update={"trace": str(trace), "html": str(page)})
    drawn = model_trace(measured.side) if measured.log is None else run_trace(measured.log, measured.period_ns)
    write_whole(trace, json.dumps(drawn, allow_nan=False, separators=(",", ":")).encode())
    write_whole(page, profile_html(named, drawn).encode())
    write_whole(folder / PROFILE, named.model_dump_json(indent=1).encode())
    return named
