"""The folder in which built engines are kept: each is put in place whole, by one process at a time.

<digest of the key>/        plan, layers.json, engine.json
<digest of the key>.lock    held by whoever builds it; the kernel frees it if that process dies
.<digest of the key>.*/     an engine in the making; the next builder sweeps up what a killed one left
timing-*.bin                what TensorRT measured, for the next build
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from libra_edge.errors import EngineCacheError

_log = logging.getLogger(__name__)

PRIVATE = 0o700
MAX_TIMING_CACHE_BYTES = 256_000_000


class EngineFolder:
    """Where the engines of this user lie."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entry(self, digest: str) -> Path:
        """Where the engine with this key lies, if there is one."""
        return self.path / digest

    @contextlib.contextmanager
    def building(self, digest: str, what: str) -> Iterator[Path]:
        """An empty folder to build `what` in, while no other process builds it; it is gone afterwards.

        Raises EngineCacheError if nothing can be written there.
        """
        with self._locked(digest, what):
            with self._written():
                for leftover in self.path.glob(f".{digest}.*"):
                    shutil.rmtree(leftover, ignore_errors=True)
                staging = Path(tempfile.mkdtemp(prefix=f".{digest}.", dir=self.path))
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def publish(self, staging: Path, digest: str, files: dict[str, bytes | memoryview]) -> None:
        """Write the files, put them in place of what may be there. Raises EngineCacheError."""
        with self._written():
            made = staging / "new"
            made.mkdir(mode=PRIVATE)
            for name, content in files.items():
                write_down(made / name, content)
            with contextlib.suppress(FileNotFoundError):
                self.entry(digest).rename(staging / "old")
            made.rename(self.entry(digest))
            _flush(self.path)

    def timing_cache(self, tensorrt: str, architecture: str) -> bytes:
        """What builds by this TensorRT on this kind of GPU measured so far; empty if there is nothing of use."""
        file = self._timing_file(tensorrt, architecture)
        try:
            if file.stat().st_size > MAX_TIMING_CACHE_BYTES:
                _log.warning("timing cache %s is larger than %s bytes: starting anew", file, MAX_TIMING_CACHE_BYTES)
                return b""
            return file.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            _log.warning("timing cache %s cannot be read (%s): starting anew", file, error.strerror or error)
            return b""

    def keep_timing_cache(self, staging: Path, tensorrt: str, architecture: str, content: bytes) -> None:
        """Keep it for the next build; if that fails it is only said, for the engine is there."""
        file = self._timing_file(tensorrt, architecture)
        try:
            write_down(staging / file.name, content)
            (staging / file.name).replace(file)
        except OSError as error:
            _log.warning("timing cache %s cannot be written: %s", file, error.strerror or error)

    def _timing_file(self, tensorrt: str, architecture: str) -> Path:
        return self.path / f"timing-{tensorrt}-sm{architecture}.bin"

    @contextlib.contextmanager
    def _locked(self, digest: str, what: str) -> Iterator[None]:
        with self._written():
            self.path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            handle = os.open(self.path / f"{digest}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with self._written():
                _wait_for(handle, what)
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            advice = "make room or set XDG_CACHE_HOME to a folder that can be written"
            raise EngineCacheError(self.path, f"cannot be written: {error.strerror or error}; {advice}") from error


def write_down(file: Path, content: bytes | memoryview) -> None:
    """Write a file down to the disk. Raises OSError."""
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _wait_for(lock: int, what: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _log.info("another process is building %s: waiting for it", what)
        fcntl.flock(lock, fcntl.LOCK_EX)


def _flush(folder: Path) -> None:
    """Write down which files a folder holds."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
