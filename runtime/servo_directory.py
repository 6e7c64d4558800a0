"""Where a servo process and those who talk to it find each other: one private directory an arm.

It holds the lock (one servo process an arm), the control socket and the shared memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from libra_edge.errors import InputError

PRIVATE = 0o700
LOCK_FILE = "lock"
SOCKET_FILE = "control"
MAX_SOCKET_PATH = 100
"""Bytes; Linux allows 107 in a Unix socket's address."""


@dataclass(frozen=True, slots=True)
class ServoDirectory:
    """The directory of one arm's servo process."""

    path: Path

    @property
    def socket(self) -> Path:
        """Its control socket."""
        return self.path / SOCKET_FILE

    def is_served(self) -> bool:
        """True if a living servo process listens on its socket, even one that is too busy to answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(os.fspath(self.socket)) == 0

    def owner(self) -> int | None:
        """The process id of the servo process that claimed it last; it may be gone."""
        try:
            return int((self.path / LOCK_FILE).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None


@contextlib.contextmanager
def claim_directory(robot_name: str, port: str) -> Iterator[ServoDirectory]:
    """The directory for the arm at `port`, ours alone until the context ends or the process dies.

    Raises InputError if another servo process drives that arm, or the directory cannot be private.
    """
    arm = re.sub(r"[^A-Za-z0-9]+", "-", f"{robot_name} {os.path.realpath(port)}").strip("-")
    directory = ServoDirectory(_private(_private(_bases()[0]) / arm))
    if len(os.fsencode(directory.socket)) > MAX_SOCKET_PATH:
        raise InputError(
            f"{directory.socket} is too long for a socket: set XDG_RUNTIME_DIR to a shorter private directory"
        )
    lock = os.open(directory.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, directory, port)
        directory.socket.unlink(missing_ok=True)
        yield directory
        directory.socket.unlink(missing_ok=True)
    finally:
        os.close(lock)


def running_servos() -> list[ServoDirectory]:
    """The directories of this user's servo processes, in order of name; those that died untidily are left out."""
    sockets = [path for base in _bases() for path in sorted(base.glob(f"*/{SOCKET_FILE}"))]
    return [directory for directory in map(ServoDirectory, (path.parent for path in sockets)) if directory.is_served()]


def _lock(lock: int, directory: ServoDirectory, port: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            f"the arm on {port} is already driven by process {directory.owner()}: `libra-edge stop` ends it"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode("ascii"), 0)


def _bases() -> list[Path]:
    """Where arms' directories may be, best place first: not every shell sets XDG_RUNTIME_DIR, so look beside it too."""
    runtime_directories = [Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere"), Path(f"/run/user/{os.getuid()}")]
    usable = [path / "libra-edge" for path in dict.fromkeys(runtime_directories) if os.access(path, os.W_OK | os.X_OK)]
    return [*usable, Path(tempfile.gettempdir()) / f"libra-edge-{os.getuid()}"]


def _private(path: Path) -> Path:
    """`path` as a directory that nobody else can enter."""
    try:
        path.mkdir(mode=PRIVATE, exist_ok=True)
        facts = path.lstat()
    except OSError as error:
        raise InputError(f"cannot make the private directory {path}: {error.strerror}") from error
    if facts.st_uid != os.getuid() or facts.st_mode & 0o777 != PRIVATE:
        raise InputError(f"{path} is not private to this user (mode 0700): remove it, or set XDG_RUNTIME_DIR elsewhere")
    return path
