"""Does every package of jetson.txt have a wheel for a Jetson's Python? Asks the package index, installs nothing.

JetPack 6 brings CPython 3.10 on glibc 2.35, JetPack 7 CPython 3.12 on glibc 2.39. Apart stand pycuda, of which there is
only source (it is built on the device, against its CUDA), and TensorRT, which comes with JetPack.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path(__file__).parent / "jetson.txt"
BUILT_ON_THE_DEVICE = ("pycuda",)


@dataclass(frozen=True)
class Jetson:
    """What wheels must fit: CPython's version and the minor version of glibc 2."""

    jetpack: str
    python: str
    glibc_minor: int

    @property
    def marker_environment(self) -> dict[str, str]:
        """What the markers in the lock are held against; pip would take those of the machine it runs on."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": "aarch64",
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @property
    def platforms(self) -> list[str]:
        """Platform tags, all of which pip must be told."""
        return ["manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in range(17, self.glibc_minor + 1))]


JETSONS = (Jetson("JetPack 6", "3.10", 35), Jetson("JetPack 7", "3.12", 39))


def locked(lock: Path, jetson: Jetson) -> Iterator[tuple[str, str]]:
    """`name==version` and its ` --hash=...` options, for every package that is installed on `jetson`."""
    for entry in re.sub(r"\\\n", "", lock.read_text(encoding="utf-8")).splitlines():
        requirement, *hashes = re.split(r"\s+(?=--hash=)", entry.strip())
        if not requirement or requirement.startswith("#"):
            continue
        parsed = Requirement(requirement)
        if parsed.marker is None or parsed.marker.evaluate(jetson.marker_environment):
            yield f"{parsed.name}{parsed.specifier}", "".join(f" {text}" for text in hashes)


def without_wheel(entries: list[tuple[str, str]], jetson: Jetson) -> str:
    """What pip complains of when it may take wheels for `jetson` only; empty if it finds them all."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text("".join(f"{name}{hashes}\n" for name, hashes in entries), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--dry-run"]
        command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", folder, "--ignore-installed"]
        # pip would hold Requires-Python against the Python it runs on; the lock was resolved for all of them.
        command += ["--ignore-requires-python"]
        command += ["--implementation", "cp", "--python-version", jetson.python, "--requirement", str(wanted)]
        for platform in jetson.platforms:
            command += ["--platform", platform]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    return "" if done.returncode == 0 else done.stderr


def main() -> int:
    """Exit code 0 if both Jetsons can be served, else 1."""
    failed = False
    for jetson in JETSONS:
        everything = list(locked(LOCK, jetson))
        entries = [entry for entry in everything if not entry[0].startswith(BUILT_ON_THE_DEVICE)]
        complaint = without_wheel(entries, jetson)
        failed |= bool(complaint)
        verdict = f"FAILED\n{complaint}" if complaint else f"{len(entries)} of {len(entries)} packages have a wheel"
        print(f"{jetson.jetpack}, CPython {jetson.python}, aarch64, glibc 2.{jetson.glibc_minor}: {verdict}")
        apart = [name for name, _ in everything if name.startswith(BUILT_ON_THE_DEVICE)]
        print(f"  apart: {', '.join(apart)} is built on the device, tensorrt comes with {jetson.jetpack}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
