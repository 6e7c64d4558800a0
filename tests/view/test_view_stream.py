"""A view gets what a recording gets, and costs the run nothing: not when it stands still, not when it dies."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from typing import BinaryIO

import numpy as np
import pytest
from mcap.exceptions import EndOfFile
from mcap.records import McapRecord, Message, Metadata
from mcap.stream_reader import StreamReader

from libra_edge.messages import Frame
from libra_edge.runtime.recording_messages import Entry, fault_entry, frame_entry
from libra_edge.runtime.view_stream import MAX_WAITING_BYTES, ViewStream

PATIENCE_S = 20.0


def pipe() -> tuple[BinaryIO, BinaryIO]:
    out, into = os.pipe()
    return os.fdopen(out, "rb"), os.fdopen(into, "wb")


def a_picture(number: int) -> Entry:
    return frame_entry(Frame("front", np.full((180, 320, 3), number % 256, np.uint8), number, number))


def test_everything_arrives_in_its_order() -> None:
    out, into = pipe()
    arrived: list[McapRecord] = []
    reader = threading.Thread(target=lambda: arrived.extend(_until_cut(out)))
    reader.start()
    stream = ViewStream(into, {"robot": "koch-sim"})
    for number in range(20):
        stream.put(a_picture(number))
    stream.put(fault_entry(5, 1.5, "a cable came loose", "hold"))
    assert stream.close()
    reader.join(PATIENCE_S)
    out.close()
    messages = [record for record in arrived if isinstance(record, Message)]
    assert [message.sequence for message in messages] == [*range(20), 0]
    assert b"a cable came loose" in messages[-1].data
    assert next(record.metadata for record in arrived if isinstance(record, Metadata)) == {"robot": "koch-sim"}
    assert (stream.dropped, stream.failure) == (0, None)


def _until_cut(out: BinaryIO) -> list[McapRecord]:
    records: list[McapRecord] = []
    with suppress(EndOfFile):
        records.extend(StreamReader(out).records)
    return records


def test_a_viewer_that_stands_still_misses_messages_and_holds_nobody(caplog: pytest.LogCaptureFixture) -> None:
    out, into = pipe()
    stream = ViewStream(into, {})
    pictures = 3 * MAX_WAITING_BYTES // a_picture(0).size
    for number in range(pictures):
        stream.put(a_picture(number))
    assert pictures // 2 < stream.dropped < pictures
    assert not stream.close(), "nobody reads what still waits"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "does not keep up" in caplog.text
    out.close()
    stream.close()
    assert stream.failure == "Broken pipe"


def test_a_viewer_that_dies_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    out, into = pipe()
    out.close()
    stream = ViewStream(into, {})
    stream.put(a_picture(0))
    assert stream.close()
    stream.put(a_picture(1))
    assert stream.failure == "Broken pipe"
    assert [record.getMessage() for record in caplog.records] == [
        "the view has ended (Broken pipe); run and recording go on"
    ]
