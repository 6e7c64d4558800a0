"""Memory that two processes share, without a name: it is gone with its last user and leaves nothing behind."""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path

from libra_edge.errors import ProcessError


class MemoryFile:
    """An anonymous file in memory (Linux `memfd`), zeroed, reached by others of the same user through /proc."""

    def __init__(self, name: str, size: int) -> None:
        """`size` in bytes; `name` only shows up in /proc."""
        self._file = os.memfd_create(name)
        os.ftruncate(self._file, size)
        weakref.finalize(self, os.close, self._file)
        self.memory = mmap.mmap(self._file, size)

    @property
    def path(self) -> str:
        """Where another process finds it, as long as this one lives."""
        return f"/proc/{os.getpid()}/fd/{self._file}"


def attach(path: str, size: int) -> mmap.mmap:
    """Map another process's memory file. Raises ProcessError if it is gone or not of the expected size."""
    try:
        with Path(path).open("r+b") as file:
            found = os.fstat(file.fileno()).st_size
            if found != size:
                raise ProcessError(f"shared memory {path} has {found} bytes, expected {size}: not the same robot file?")
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise ProcessError(
            f"shared memory {path} cannot be opened ({error.strerror}); its process has ended"
        ) from error
