"""Stub libraries that stand in for TensorRT's own, so that its real Python bindings can be imported without them.

The bindings need three libraries that hold all of TensorRT. A stub has each of the functions they link to, and none
does anything: enough to look at the bindings' classes, not to call them.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path


def make_stubs(bindings: Path, folder: Path) -> list[str]:
    """Write into `folder` a stub of every library that `bindings` needs and this machine lacks; gives their names.

    Raises OSError or CalledProcessError if gcc or binutils are missing or fail.
    """
    libraries = [name for name in needed(bindings) if not can_be_loaded(name)]
    source = folder / "stub.c"
    functions = (f"void *{name}(void) {{ return 0; }}\n" for name in undefined(bindings))
    source.write_text("".join(functions), encoding="utf-8")
    for name in libraries:
        _output("gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(folder / name), str(source))
    return libraries


def needed(library: Path) -> list[str]:
    """Names of the libraries that it is linked to."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", _output("readelf", "--dynamic", "--wide", str(library)))


def undefined(library: Path) -> list[str]:
    """Functions that it takes from elsewhere, but neither from Python nor from the C and C++ libraries."""
    lines = _output("nm", "--dynamic", "--undefined-only", "--format=posix", str(library)).splitlines()
    names = [line.split()[0] for line in lines if line.split()[1] == "U"]
    here = ctypes.CDLL(None)
    return [name for name in names if "@" not in name and not name.startswith(("_", "Py")) and not hasattr(here, name)]


def can_be_loaded(library: str) -> bool:
    """Whether the linker finds it on this machine."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own arguments
