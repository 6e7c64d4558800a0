"""Reads the records of an MCAP file one by one. One that was cut off is read as far as it goes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import zstandard
from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, McapRecord, Message
from mcap.stream_reader import StreamReader

from libra_edge.errors import RecordingError

MAX_RECORD_BYTES = 500_000_000
MAGIC = b"\x89MCAP0\r\n"
"""The first and the last bytes of every MCAP file (https://mcap.dev/spec)."""

DAMAGE = (McapError, ValueError, KeyError, struct.error, zstandard.ZstdError, OverflowError, MemoryError)
"""What the library raises for bytes that are none of its; the last two for a length that no file could have."""


def read_records(path: Path) -> Iterator[McapRecord]:
    """Every record of the file, in its order, checksums checked.

    A file without its last bytes was cut off, perhaps in the midst of a write: it ends before the first record that
    cannot be read. Raises RecordingError for a file that was closed and is damaged, or is none of this kind.
    """
    found, channels = 0, set[int]()
    try:
        with path.open("rb") as file:
            for record in StreamReader(file, validate_crcs=True, record_size_limit=MAX_RECORD_BYTES).records:
                _check_channel(record, channels)
                found += 1
                yield record
    except EndOfFile as error:
        if not found:
            raise RecordingError(path, "is empty") from error
    except OSError as error:
        raise RecordingError(path, f"cannot be read: {error.strerror}") from error
    except DAMAGE as error:
        if found and not was_closed(path):
            return
        raise RecordingError(path, f"is damaged or no MCAP file: {error}") from error


def was_closed(path: Path) -> bool:
    """Whether the file ends as one does that was written to its end. Raises OSError."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(MAGIC)))
        return file.read() == MAGIC


def _check_channel(record: McapRecord, channels: set[int]) -> None:
    """Note a channel; raise McapError for a message of an undeclared one, as old bytes after a cut may hold."""
    if isinstance(record, Channel):
        channels.add(record.id)
    elif isinstance(record, Message) and record.channel_id not in channels:
        raise McapError(f"a message of channel {record.channel_id}, which is not declared")
