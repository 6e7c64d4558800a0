"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from libra_edge.errors import CameraCalibrationError


def write_whole(path: Path, data: bytes) -> None:
    """Write beside the place, then rename: readers see the old file or the new one. Raises CameraCalibrationError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(0o644)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CameraCalibrationError(f"{path} cannot be written ({error.strerror}); give another place") from error
