"""Calibration files that numpy would not have written: odd arrays, invented headers, archives put together by hand."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.export.fuzzing import weighted

Arrays = dict[str, NDArray[Any]]
Members = list[tuple[str, bytes]]
Make = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Archive:
    """What goes into the zip file, and how: the compression, and bytes in front of it."""

    members: Members
    compression: int = zipfile.ZIP_STORED
    prefix: bytes = b""

    def to_bytes(self) -> bytes:
        """The whole file."""
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile finds doubled names worth a warning
            with zipfile.ZipFile(file, "w", self.compression) as archive:
                for name, content in self.members:
                    archive.writestr(zipfile.ZipInfo(name), content, self.compression)
        return self.prefix + file.getvalue()


def npy_bytes(array: NDArray[Any]) -> bytes:
    """The array as a `.npy` file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def with_header(header: str, data: bytes = bytes(64), version: tuple[int, int] = (1, 0)) -> bytes:
    """A `.npy` file whose header says what it likes."""
    text = header.encode("latin1")
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def header(descr: str = "'<f4'", order: str = "False", shape: str = "(16,)") -> str:
    """The text that numpy puts into a `.npy` file, with these three expressions in it."""
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


DTYPES = (
    *("<f4", ">f4", "<f2", "<f8", "<i8", ">i8", "<i4", "u1", "?", "b1", "<c8", "<U3", "S4", "<U0", "V0", "V8", "O"),
    *("<M8[s]", "<m8[D]", "f4,i8", "(2,3)f4"),
)
DESCRS = (
    *("'<f4'", "'|u1'", "'|b1'", "'<i8'", "'|O'", "'>f4'", "'|V0'", "'<U0'", "'a5'", "'i4,,'", "'<M8[foo]'", "'f4,f4'"),
    *("()", "('<f4',)", "('<f4', (2,))", "('<f4', -1)", "('<f4', (10**9,))", "('<f4', (1000000000, 1000000000))"),
    *("[('a', '<f4')]", "[('a',)]", "[('a', '<f4'), ('a', '<f4')]", "[('', '|V4')]", "[(('t', 'n'), '<f4')]", "[[]]"),
    *("['ab']", "[1]", "{}", "{'a': 1}", "1", "None", "b'<f4'", "f4", "''", "'\\x00'", "[('a', [('b', '|O')])]"),
)
SHAPES = (
    *("(16,)", "(4, 4)", "()", "(0,)", "(-1,)", "(-1, -2)", "(True,)", "(1.0,)", "('a',)", "((16,),)"),
    *("[16]", "16", "None", "(16", "(16L,)", "(2**62,)"),
    *("(1099511627776,)", "(8589934592,)", "(4294967296, 4294967296)", "(9223372036854775808,)", "(0, 4294967296)"),
    *("(" + "1, " * 100 + ")", "(" + "9" * 5000 + ",)", "(0x" + "f" * 3900 + ",)"),
)
HEADERS = (
    *("", "{}", "{[]: 1}", "{'a'}", "{**{}}", "{1: 2, 'a': 3}", "{'descr': (((", "'\\d'", "1 is 1", "f'{1}'", "..."),
    *("\x00", "#", "\xff", "(" * 4000, "[" * 200, "-" * 3900 + "1", "-" * 9000 + "1", " " * 20_000),
    *("{'descr': '<f4', 'shape': (16,)}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (16,)}"),
    *(header() + " " * 5000, header().strip() + "\n\n\tx"),
)
NAMES = (
    *("state.npy", "tokens.npy", "holdout.npy", "state", "state.NPY", "state.npy.npy", ".npy", "", "note.txt"),
    *("../state.npy", "/state.npy", "a/", "image_front.npy/", "C:\\state.npy"),
    *("a\nb.npy", "\x00.npy", "é.npy", "\u202e.npy", "x" * 3000 + ".npy"),
)
NUMBERS = (np.nan, np.inf, -np.inf, -0.0, 1e30, -1, 0, 1, 3, 200, 2.0**40)


def archives(valid: Arrays) -> st.SearchStrategy[bytes]:
    """`valid` as an archive after one to three changes of its members, now and then packed in an unusual way."""
    members = [(f"{name}.npy", npy_bytes(array)) for name, array in valid.items()]
    names, others = st.sampled_from(sorted(valid)), st.sampled_from(NAMES)
    contents = st.tuples(st.just("content"), names, weighted((2, changed_arrays(valid)), (1, odd_members())), others)
    kinds = st.sampled_from(("rename", "drop", "repeat", "add", "move"))
    changes = weighted((3, contents), (1, st.tuples(kinds, names, odd_members(), others)))
    packings = st.sampled_from((*[zipfile.ZIP_STORED] * 4, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    prefixes = st.sampled_from((*[b""] * 8, npy_bytes(np.zeros(3)), b"PK\x03\x04"))
    edited = st.lists(changes, min_size=1, max_size=3).map(lambda found: _edited(members, found))
    return st.builds(Archive, edited, packings, prefixes).map(Archive.to_bytes)


def changed_arrays(valid: Arrays) -> st.SearchStrategy[Make]:
    """From a name in `valid` to an array that differs from that one in dtype, shape, order or a value."""
    values = st.builds(_with_value, st.integers(0, 10**6), st.sampled_from(NUMBERS))
    dtypes = st.sampled_from(DTYPES).map(lambda name: lambda array: np.zeros(array.shape, name))
    lengths = st.integers(0, 40).map(lambda count: lambda array: array[:count])
    shapes = st.lists(st.integers(0, 3), max_size=5).map(lambda shape: lambda array: np.zeros(shape, array.dtype))
    wholes = st.sampled_from((np.asfortranarray, np.zeros_like, _all_bytes_2))
    changes = weighted((2, values), (1, dtypes), (1, lengths), (1, shapes), (1, wholes))
    return changes.map(lambda change: lambda name: npy_bytes(change(valid[name])))


def odd_members() -> st.SearchStrategy[Make]:
    """From any name to bytes that have a header of their own making, or none."""
    orders = st.sampled_from(("False", "True", "1", "None"))
    made = st.builds(header, st.sampled_from(DESCRS), orders, st.sampled_from(SHAPES))
    data = st.sampled_from((bytes(64), b"", bytes(65)))
    versions = st.sampled_from(((1, 0), (1, 0), (2, 0), (3, 0), (9, 9)))
    npy = st.builds(with_header, weighted((2, made), (1, st.sampled_from(HEADERS))), data, versions)
    return weighted((3, npy), (1, st.binary(max_size=40))).map(lambda content: lambda _: content)


def _with_value(place: int, value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        array = array.copy()
        with np.errstate(all="ignore"):
            array.reshape(-1)[place % array.size] = np.array(value).astype(array.dtype)
        return array

    return change


def _all_bytes_2(array: NDArray[Any]) -> NDArray[Any]:
    """In an array of truth values, none of them is false or true."""
    return np.full(array.nbytes, 2, np.uint8).view(array.dtype).reshape(array.shape)


def _edited(members: Members, changes: list[tuple[str, str, Make, str]]) -> Members:
    members = list(members)
    for kind, name, content, other in changes:
        where = [index for index, (found, _) in enumerate(members) if found == f"{name}.npy"]
        if not where:
            continue
        index = where[0]
        if kind == "content":
            members[index] = (members[index][0], content(name))
        elif kind == "rename":
            members[index] = (other, members[index][1])
        elif kind == "drop":
            del members[index]
        elif kind == "repeat":
            members.append(members[index])
        elif kind == "move":
            members.append(members.pop(index))
        else:
            members.append((other, content(name)))
    return members
