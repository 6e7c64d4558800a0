"""Keeps the older version of a file beside it, under the first free number, before a new one takes its place."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from libra_edge.errors import ConfigError


def keep_version(path: Path, data: bytes) -> Path | None:
    """Give what stands at `path` a second name, `NAME.N.SUFFIX`; None if nothing does, or it already is `data`.

    No name that is taken is ever taken again. Raises ConfigError.
    """
    try:
        if path.read_bytes() == data:
            return None
        for number in count(1):
            kept = path.with_name(f"{path.stem}.{number}{path.suffix}")
            try:
                os.link(path, kept)
            except FileExistsError:
                continue
            return kept
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"the older version of {path} cannot be kept beside it: {error.strerror or error}") from error
    raise AssertionError("there is always another number")
