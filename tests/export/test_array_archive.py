"""Archives made to harm: refused by what they say of themselves, before anything is unpacked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from libra_edge.calibration.array_archive import open_arrays
from tests.export.odd_arrays import Archive, Arrays, header, npy_bytes, with_header

ROOM = 1 << 20
PLAIN = npy_bytes(np.zeros(3, np.float32))


def read(path: Path, content: bytes) -> Arrays:
    path.write_bytes(content)
    with open_arrays(path, ROOM) as archive:
        return archive.arrays()


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (with_header(header(shape="(1099511627776,)")), r"float32 \[1099511627776\], but its \d+ bytes are not that"),
        (with_header(header(shape="(4294967296, 4294967296)")), "bytes are not that"),
        (with_header(header(shape="(8,)")), "bytes are not that"),
        (with_header(header(shape="(-1,)")), r"has the shape \[-1\]"),
        (with_header(header(shape="(True,)")), r"has the shape \[True\]"),
        (with_header(header("()")), "a cannot be read: tuple index out of range"),
        (with_header("{[]: 1}"), "a cannot be read: unhashable"),
        (with_header("{'descr': ((("), "a cannot be read: .*EOF"),
        (with_header("-" * 3900 + "1"), "a cannot be read: .+"),
        (with_header(header() + " " * 5000), "a cannot be read: EOF: reading array header"),
        (with_header(header(), version=(3, 0)), r"npy version is \(3, 0\)"),
        (with_header(header("'|O'")), "holds Python objects"),
        (npy_bytes(np.full(3, 2, np.uint8).view(np.bool_)), "neither false nor true"),
    ],
)
def test_a_member_that_is_not_what_it_says(tmp_path: Path, member: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(tmp_path / "a.npz", Archive([("a.npy", member)]).to_bytes())


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (Archive([("a.npy", PLAIN), ("a.npy", PLAIN)]), "a is there twice"),
        (Archive([("a.txt", PLAIN)]), r"a\.txt is not an array"),
        (Archive([("a.npy", PLAIN)], zipfile.ZIP_LZMA), "compressed in an unusual way"),
        (Archive([("a.npy", bytes(2 * ROOM))], zipfile.ZIP_DEFLATED), "unpacks to 2 MiB, more than 1"),
        (Archive([(f"{index:01000}.npy", b"") for index in range(1100)]), "table of contents is larger than 1 MiB"),
    ],
)
def test_an_archive_that_numpy_does_not_write(tmp_path: Path, archive: Archive, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(tmp_path / "a.npz", archive.to_bytes())


def test_an_array_in_front_of_the_archive_is_not_mistaken_for_it(tmp_path: Path) -> None:
    arrays = read(tmp_path / "a.npz", Archive([("a.npy", PLAIN)], prefix=PLAIN).to_bytes())
    np.testing.assert_array_equal(arrays["a"], np.zeros(3, np.float32))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(ValueError, match="is not a file"), open_arrays(tmp_path / "pipe.npz", ROOM):
        pass
