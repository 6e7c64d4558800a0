"""Opens an `.npz` file that may be damaged or made to harm: nothing is unpacked before its size was found true.

`numpy.load` believes an array's header and a file's table of contents; here both are held against the bytes there are.
"""

from __future__ import annotations

import io
import math
import stat
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

SUFFIX = ".npy"
MAX_HEADER = 4096
MAX_CONTENTS = 1 << 20
"""Bytes of an array's header (numpy's own are 128 long) and of the zip file's table of contents."""

COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """What an array will be once unpacked; its bytes are there to the last."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class ArrayArchive:
    """The arrays of an open `.npz` file by name: headers at once, contents when asked for."""

    def __init__(self, archive: zipfile.ZipFile, max_bytes: int) -> None:
        """Raises ValueError for a file that unpacks to more than `max_bytes`, or holds anything but plain arrays."""
        self._archive = archive
        size = sum(member.file_size for member in archive.infolist())
        if size > max_bytes:
            raise ValueError(f"unpacks to {size >> 20} MiB, more than {max_bytes >> 20}")
        self._members = _by_name(archive)
        self.headers: Mapping[str, ArrayHeader] = {name: self._header(name) for name in self._members}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Unpack everything. Raises ValueError."""
        return {name: self._array(name) for name in self._members}

    def _header(self, name: str) -> ArrayHeader:
        member = self._members[name]
        with _named(name), self._archive.open(member) as file:
            start = io.BytesIO(file.read(MAX_HEADER))
            version = npy.read_magic(start)
            if version not in HEADER_READERS:
                raise ValueError(f"its npy version is {version}, not one of {list(HEADER_READERS)}")
            shape, _, dtype = HEADER_READERS[version](start)
        if dtype.hasobject:
            raise ValueError(f"{name} holds Python objects; they are never read (allow_pickle is off)")
        if any(type(length) is not int or length < 0 for length in shape):
            raise ValueError(f"{name} has the shape {list(shape)}")
        if start.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
            raise ValueError(f"{name} should be {dtype} {list(shape)}, but its {member.file_size} bytes are not that")
        return ArrayHeader(dtype, shape)

    def _array(self, name: str) -> NDArray[Any]:
        with _named(name), self._archive.open(self._members[name]) as file:
            array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
        if array.dtype == np.bool_ and np.any(array.view(np.uint8) > 1):
            raise ValueError(f"{name} has a byte that is neither false nor true")
        return array


class _InPieces(io.FileIO):
    """Gives at most MAX_CONTENTS bytes at once: zipfile takes in a table of contents whole, however long it is."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, all there are if that is negative. Raises ValueError for more than MAX_CONTENTS."""
        bounded = size is not None and 0 <= size <= MAX_CONTENTS
        data = super().read(size if bounded else MAX_CONTENTS + 1) or b""
        if len(data) > MAX_CONTENTS:
            raise ValueError(f"its table of contents is larger than {MAX_CONTENTS >> 20} MiB")
        return data


@contextmanager
def open_arrays(path: Path, max_bytes: int) -> Iterator[ArrayArchive]:
    """Open `path` for as long as the context lasts. Raises OSError, or ValueError whose text is one clause."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is not a file")
    with _InPieces(path, "rb") as file:
        with _named("the file"):
            archive = zipfile.ZipFile(file)
        yield ArrayArchive(archive, max_bytes)


def _by_name(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Array name -> member, as numpy names them. Raises ValueError for a member that numpy would not have written."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(SUFFIX)
        if name == member.filename:
            raise ValueError(f"{name} is not an array")
        if name in members:
            raise ValueError(f"{name} is there twice")
        if member.compress_type not in COMPRESSIONS:
            raise ValueError(f"{name} is compressed in an unusual way; write the file with numpy.savez_compressed")
        members[name] = member
    return members


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Turns the dozen kinds of errors and warnings that zipfile and numpy have for bad bytes into one ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except Exception as error:
        raise ValueError(f"{what} cannot be read: {str(error) or type(error).__name__}") from error
