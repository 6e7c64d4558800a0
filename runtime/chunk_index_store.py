"""The index of a long recording in little memory: what the MCAP writer keeps of every chunk until the file is closed.

Its own list holds a Python object a chunk, 1.2 KB of them, 60 MB an hour of film. This one holds the same figures as
bytes, a tenth of that.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator

import mcap
from mcap.records import ChunkIndex
from mcap.writer import Writer

logger = logging.getLogger(__name__)

FIGURES = (
    "message_start_time",
    "message_end_time",
    "chunk_start_offset",
    "chunk_length",
    "message_index_length",
    "compressed_size",
    "uncompressed_size",
)
_CHUNK = struct.Struct(f"<{len(FIGURES)}QH")
_CHANNEL = struct.Struct("<Hi")
"""A channel's message index lies right behind its chunk, less than 2 GiB away."""
_LIST = "_Writer__chunk_indices"
"""The writer has no public way to say where its index is kept."""


class ChunkIndexStore:
    """Takes the place of the writer's list: `append`, and iteration in the same order. One compression for all."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._compression = ""

    def append(self, index: ChunkIndex) -> None:
        """Keep one chunk's entry."""
        self._compression = index.compression
        end = index.chunk_start_offset + index.chunk_length
        self._bytes += _CHUNK.pack(*(getattr(index, name) for name in FIGURES), len(index.message_index_offsets))
        for channel, offset in index.message_index_offsets.items():
            self._bytes += _CHANNEL.pack(channel, offset - end)

    def __iter__(self) -> Iterator[ChunkIndex]:
        at = 0
        while at < len(self._bytes):
            *figures, channels = _CHUNK.unpack_from(self._bytes, at)
            at += _CHUNK.size
            known = dict(zip(FIGURES, figures, strict=True))
            end, offsets = known["chunk_start_offset"] + known["chunk_length"], {}
            for _ in range(channels):
                channel, behind = _CHANNEL.unpack_from(self._bytes, at)
                offsets[channel] = end + behind
                at += _CHANNEL.size
            yield ChunkIndex(**known, message_index_offsets=offsets, compression=self._compression)


def keep_index_small(writer: Writer) -> None:
    """Let `writer`, not yet started, keep its index in a ChunkIndexStore. A writer of another make is left as it is."""
    if getattr(writer, _LIST, None) == []:
        setattr(writer, _LIST, ChunkIndexStore())
    else:
        logger.warning("mcap %s keeps its index elsewhere: a long recording will take more memory", mcap.__version__)
