"""The newest record in shared memory: whole or not at all."""

from __future__ import annotations

import mmap
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.simulation.latest_record import SLOTS, LatestRecord

RECORD = np.dtype([("number", np.uint64), ("values", np.float64, (512,))])


def pair() -> tuple[LatestRecord, LatestRecord, mmap.mmap]:
    """Writer, reader, and the memory between them."""
    memory = mmap.mmap(-1, LatestRecord.size(RECORD))
    return LatestRecord(RECORD, memory), LatestRecord(RECORD, memory), memory


def write(writer: LatestRecord, number: int) -> None:
    writer.write(number=number, values=np.full(512, float(number)))


def test_nothing_before_the_first() -> None:
    _, reader, _ = pair()
    assert reader.read() is None


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=4 * SLOTS))
def test_newest_comes_back(numbers: list[int]) -> None:
    writer, reader, _ = pair()
    for number in numbers:
        write(writer, number)
        record = reader.read()
        assert record is not None
        assert int(record["number"]) == number
        assert (record["values"] == float(number)).all()
    assert reader.written == len(numbers)


@pytest.mark.parametrize("field", ["sequence", "record"])
def test_half_written_record_is_not_handed_out(field: str) -> None:
    writer, reader, _ = pair()
    write(writer, 1)
    slot: Any = writer._lane["slots"][0, ...]
    if field == "sequence":
        slot["sequence"] += 1
    else:
        slot["record"]["values"][200] = 99.0
    assert reader.read() is None


def test_no_torn_record_while_a_writer_races() -> None:
    writer, reader, _ = pair()
    done = threading.Event()

    def race() -> None:
        for number in range(1, 3000):
            write(writer, number)
        done.set()

    racing = threading.Thread(target=race)
    racing.start()
    newest = 0
    while not done.is_set():
        record = reader.read()
        if record is not None:
            assert (record["values"] == float(record["number"])).all()
            assert record["number"] >= newest
            newest = int(record["number"])
    racing.join()
    assert newest > 0
