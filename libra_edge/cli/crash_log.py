"""Keeps the traceback of an exception nobody expected in a file, so that the user reads one sentence instead."""

from __future__ import annotations

import platform
import shlex
import tempfile
import traceback
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from libra_edge import __version__


def save_crash(error: BaseException, arguments: Sequence[str]) -> str:
    """Save what is needed to mend the defect, and return the sentence that names the file. Never raises OSError."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    text = "\n".join((_circumstances(arguments), *traceback.format_exception(error)))
    try:
        path = _write(text)
    except OSError as refused:
        return f"unexpected {what}; this is a defect of libra-edge, and its traceback could not be saved ({refused})"
    return f"unexpected {what}; this is a defect of libra-edge, please report it with the file {path}"


def _circumstances(arguments: Sequence[str]) -> str:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return (
        f"libra-edge {__version__}, Python {platform.python_version()}, {platform.platform()}, {now}\n"
        f"libra-edge {shlex.join(arguments)}\n"
    )


def _write(text: str) -> Path:
    """A new file in the user's log folder, or in the temporary one where that cannot be written. Raises OSError."""
    import platformdirs  # noqa: PLC0415 - `--help` does without it

    try:
        return _write_into(platformdirs.user_log_path("libra-edge", ensure_exists=True), text)
    except OSError:
        return _write_into(Path(tempfile.gettempdir()), text)


def _write_into(folder: Path, text: str) -> Path:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=folder, prefix="libra-edge-crash-", suffix=".log", delete=False
    ) as file:
        file.write(text)
    return Path(file.name)
