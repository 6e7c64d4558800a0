"""Writes a bundle aside and puts it in place whole: whatever happens on the way, there is never half a bundle."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libra_edge.bundle import MANIFEST, REPORT
from libra_edge.errors import BundleError

AT_FDCWD = -100
RENAME_EXCHANGE = 2
"""Linux's renameat2: swaps two folders in one step."""


@contextmanager
def bundle_folder(out: Path) -> Iterator[BundleFolder]:
    """A hidden folder beside `out` to write into; it is gone afterwards. Raises BundleError if writing fails."""
    _check_replaceable(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
            folder, scratch = Path(beside) / out.name, Path(beside) / "scratch"
            folder.mkdir()
            scratch.mkdir()
            yield BundleFolder(folder, out, scratch)
    except OSError as error:
        raise BundleError(out, f"cannot be written: {error.strerror or error}; nothing was changed there") from error


class BundleFolder:
    """A bundle in the making.

    Attributes:
        path: where it is made.
        scratch: a folder beside it for what does not belong to it.
    """

    def __init__(self, path: Path, out: Path, scratch: Path) -> None:
        self.path = path
        self.scratch = scratch
        self._out = out

    def write(self, name: str, content: bytes) -> Path:
        """Write one file of the bundle down to the disk. Raises OSError."""
        path = self.place(name)
        path.write_bytes(content)
        sync(path)
        return path

    def place(self, name: str) -> Path:
        """Where a file of the bundle goes; its folder is there. Raises OSError."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def leave_report(self) -> Path:
        """Put the report of an export that failed beside where its bundle would be. Raises OSError."""
        left = self._out.with_name(f"{self._out.name}.failed.html")
        (self.path / REPORT).replace(left)
        return left

    def publish(self) -> None:
        """Put the folder in place of `out`, in one step where the file system can. Raises OSError."""
        if not self._out.exists():
            self.path.rename(self._out)
            return
        if _exchanged(self.path, self._out):
            return
        previous = self.path.with_name(f"{self.path.name}.previous")
        self._out.rename(previous)
        try:
            self.path.rename(self._out)
        except OSError:
            previous.rename(self._out)
            raise


def sync(path: Path) -> None:
    """Wait until a file is on the disk. Raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _check_replaceable(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BundleError(out, "is not a folder; choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise BundleError(out, f"there is a folder without {MANIFEST}, which is no bundle; choose another --out")


def _exchanged(one: Path, other: Path) -> bool:
    """True if the two folders were swapped; False where the system or the file system cannot."""
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is None:
        return False
    code: int = exchange(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
    return code == 0
