"""The wheels that the check of TensorRT looks at, each set in a folder of its own below `.venv-tensorrt`.

They are fetched once, by pip and by hash, and unpacked; three of them bring the same package, so no environment could
hold them all. They are NVIDIA's own, under its licence: looked at here, never part of what is shipped.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(__file__).parent / "tensorrt"
BINDINGS = ("bindings-10.3", "bindings-10.16", "bindings-11.4")
BINDINGS_MODULE = "tensorrt_bindings"
BINDINGS_LIBRARY = "tensorrt_bindings/tensorrt.so"
RTX = "rtx"
RTX_MODULE = "tensorrt_rtx_bindings"


class WheelError(Exception):
    """pip could not fetch them; the text says why."""


@dataclass(frozen=True)
class WheelFolders:
    """Where they are unpacked."""

    root: Path

    def unpacked(self, name: str) -> Path:
        """The folder of one lock of `requirements/tensorrt/`, filled if it is not yet. Raises WheelError."""
        lock = LOCKS / f"{name}.txt"
        python = f"cp{sys.version_info.major}{sys.version_info.minor}"
        folder = self.root / f"{name}-{python}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
        if not folder.is_dir():
            print(f"fetching the wheels of {lock.name} ...", flush=True)
            _fetch(lock, folder)
        return folder


def _fetch(lock: Path, folder: Path) -> None:
    """Unpack aside, then put in place, so that an interruption leaves nothing that looks complete."""
    aside = folder.with_name(f".{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--no-compile", "--target", str(aside)]
    command += ["--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise WheelError(f"pip cannot install {lock.name}:\n{done.stderr.strip()}")
    aside.rename(folder)
