"""Lets a logger say less for a while, where what it says is shown in another way."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quieted_log(name: str, level: int) -> Iterator[None]:
    """In this context nothing below `level` is logged under `name`."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(level)
    try:
        yield
    finally:
        log.setLevel(before)
