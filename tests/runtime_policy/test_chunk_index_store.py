"""A long recording costs little memory, and its index is none the worse for it."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap.records import ChunkIndex
from mcap.writer import CompressionType, Writer

from libra_edge.runtime.chunk_index_store import ChunkIndexStore, keep_index_small
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording_messages import Entry, JsonForm

CHANNELS = 12
SIZE = 1_000
FORM = JsonForm("test.Message", {"n": {"type": "integer"}})


def written(chunks: int, *, kept_in_store: bool) -> bytes:
    """A file of that many chunks, with a message on every channel in each."""
    file = io.BytesIO()
    writer = Writer(file, compression=CompressionType.ZSTD)
    if kept_in_store:
        keep_index_small(writer)
    writer.start()
    schema = writer.register_schema("test", "jsonschema", b"{}")
    channels = [writer.register_channel(f"/{number}", "json", schema) for number in range(CHANNELS)]
    for chunk in range(chunks):
        for channel in channels:
            writer.add_message(channel, chunk * 10 + channel, bytes([channel]) * chunk, chunk * 10, chunk)
        writer.flush()  # type: ignore[no-untyped-call]
    writer.finish()  # type: ignore[no-untyped-call]
    return file.getvalue()


def test_the_file_is_the_same_to_the_last_byte() -> None:
    assert written(50, kept_in_store=True) == written(50, kept_in_store=False)


def test_a_reader_that_seeks_finds_its_messages() -> None:
    reader = make_reader(io.BytesIO(written(50, kept_in_store=True)))
    found = [
        (channel.topic, message.log_time)
        for _, channel, message in reader.iter_messages(["/7"], starting_at=200, ending_before=230)
    ]
    assert found == [("/7", 208), ("/7", 218), ("/7", 228)]


def test_a_chunk_costs_less_than_150_bytes() -> None:
    """The library's own records hold 1,200."""
    store, chunks = ChunkIndexStore(), 5_000
    offsets = {channel: 10**9 + 2_000_000 + channel for channel in range(CHANNELS)}
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(chunks):
        fields = {"message_index_length": 900, "compressed_size": 10**6, "uncompressed_size": 10**6 + 1}
        store.append(
            ChunkIndex(
                chunk_start_offset=10**9 + number,
                chunk_length=10**6,
                compression="zstd",
                message_start_time=number,
                message_end_time=number + 5,
                message_index_offsets=dict(offsets),
                **fields,
            )
        )
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / chunks < 150
    assert sum(1 for _ in store) == chunks


def test_the_recorder_keeps_a_long_recording_in_little_memory(tmp_path: Path) -> None:
    recorder, held = Recorder(tmp_path / "long.mcap", {}), list[int]()
    picture = bytes(1_100_000)

    def weigh(_wall_ns: int) -> bytes:
        held.append(tracemalloc.get_traced_memory()[0])
        return b"{}"

    tracemalloc.start()
    for number in range(60):
        recorder.put(Entry(f"/{number % CHANNELS}", FORM, number, lambda _wall_ns: picture, SIZE))
        recorder.put(Entry("/weight", FORM, number, weigh, SIZE))
    recorder.close()
    tracemalloc.stop()
    assert len(held) == 60
    assert (held[59] - held[19]) / 40 < 120


def test_a_writer_of_another_make_is_left_as_it_is_and_told(caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer(io.BytesIO())
    keep_index_small(writer)
    assert not caplog.records
    keep_index_small(writer)
    assert "keeps its index elsewhere" in caplog.text
