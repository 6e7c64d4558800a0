"""Byte stuffing of Protocol 2.0: a body never holds the header's `FF FF FD`, an extra `FD` follows it."""

from __future__ import annotations

MARK = b"\xff\xff\xfd"
STUFFED_MARK = MARK + b"\xfd"


def stuff(body: bytes) -> bytes:
    """Body as it goes over the wire."""
    return body.replace(MARK, STUFFED_MARK)


def unstuff(stuffed: bytes) -> bytes:
    """Body as it was meant. Raises ValueError for a mark that was not stuffed."""
    if stuffed.count(MARK) != stuffed.count(STUFFED_MARK):
        raise ValueError("FF FF FD inside the body is not stuffed")
    return stuffed.replace(STUFFED_MARK, MARK)
