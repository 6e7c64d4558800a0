"""What `libra-edge doctor` looks at in Python and on the disk."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from libra_edge.bundle import open_bundle
from libra_edge.cli.check import Check, judged
from libra_edge.errors import BundleError
from libra_edge.locate import RECORDINGS, bundle_path
from libra_edge.robot import Robot

PACKAGE = "libra-edge"
FREE_DISK_BYTES = 1_000_000_000
FREE_SHARED_MEMORY_BYTES = 64_000_000
WRITTEN_BYTES = 16_000_000
BLOCK_BYTES = 1_000_000
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where the kernel keeps shared memory, not a temporary file of ours


def seconds_to_write(folder: Path) -> float:
    """How long WRITTEN_BYTES take until the disk has them. Raises OSError."""
    block = os.urandom(BLOCK_BYTES)  # a disk that compresses shall not look faster than it is
    with tempfile.TemporaryFile(dir=folder) as file:
        begun = time.monotonic()
        for _ in range(WRITTEN_BYTES // BLOCK_BYTES):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return time.monotonic() - begun


def python_version(version: tuple[int, int] = sys.version_info[:2]) -> Check:
    """CPython 3.10 to 3.12, for which all packages have wheels."""
    found = f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}"
    return judged("python", (3, 10) <= version <= (3, 12), found, "use CPython 3.10, 3.11 or 3.12")


def base_packages() -> Check:
    """Every package that libra-edge itself asks for, in a version it accepts."""
    try:
        requirements = _requirements("")
    except metadata.PackageNotFoundError:
        return judged("packages", False, "libra-edge is not installed", "run: make setup")
    faults = [fault for fault in map(_fault, requirements) if fault]
    found = f"{len(requirements) - len(faults)} of {len(requirements)}"
    return judged("packages", not faults, found, f"{'; '.join(faults)}; run: make setup")


def extra_packages(extra: str, purpose: str, *, needed: bool) -> Check:
    """The packages of one optional group, `pip install libra-edge[EXTRA]`."""
    try:
        requirements = _requirements(extra)
    except metadata.PackageNotFoundError:
        return judged(f"extra {extra}", False, "libra-edge is not installed", "run: make setup", needed=needed)
    faults = [fault for fault in map(_fault, requirements) if fault]
    found = ", ".join(f"{wanted.name} {_installed(wanted.name) or 'missing'}" for wanted in requirements) or "nothing"
    advice = f"{purpose} needs it: pip install 'libra-edge[{extra}]'"
    return judged(f"extra {extra}", bool(requirements) and not faults, found, advice, needed=needed)


def bundle(model: str) -> Check:
    """The bundle that `libra-edge run` would take: every byte as exported, no failed gate."""
    try:
        opened = open_bundle(bundle_path(model))
    except BundleError as error:
        return judged("bundle", False, "none that can be used", str(error))
    not_run = len(opened.gates_not_run)
    accepted = sum(gate.accepted for gate in opened.manifest.gates)
    gates = f", {not_run} of {len(opened.manifest.gates)} gates not run" if not_run else ""
    gates += f", {accepted} failed and accepted" if accepted else ""
    targets = " and ".join(sorted(opened.manifest.targets))
    return judged("bundle", True, f"{opened.path} for {targets}, SHA-256 {opened.sha256[:12]}{gates}", "")


def disk_space(folder: Path = Path()) -> Check:
    """Room for bundles and recordings where the command runs."""
    free = shutil.disk_usage(folder).free
    advice = f"recordings and bundles need room: free {FREE_DISK_BYTES / 1e9:.0f} GB"
    return judged("disk", free >= FREE_DISK_BYTES, f"{free / 1e9:.1f} GB free", advice)


def disk_speed(robot: Robot, folder: Path = RECORDINGS, write: Callable[[Path], float] = seconds_to_write) -> Check:
    """Whether what a run records of its cameras, as raw pictures, gets to the disk in time."""
    wanted = sum(camera.width * camera.height * 3 * camera.fps for camera in robot.camera)
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())
    try:
        rate = WRITTEN_BYTES / write(place)
    except OSError as error:
        advice = f"make {place} writable, or record elsewhere: libra-edge run --record PATH"
        return judged("disk speed", False, f"{place} cannot be written ({error.strerror})", advice)
    advice = "record to a faster disk (--record PATH), or as JPEG"
    found = f"{rate / 1e6:.0f} MB/s in {place}, raw pictures of this robot take {wanted / 1e6:.0f}"
    return judged("disk speed", rate >= wanted, found, advice, needed=False)


def shared_memory(folder: Path = SHARED_MEMORY) -> Check:
    """Room for what the processes hand each other."""
    if not folder.is_dir():
        return judged("shared memory", False, f"no {folder}", f"mount a tmpfs at {folder}")
    free = shutil.disk_usage(folder).free
    advice = f"free {FREE_SHARED_MEMORY_BYTES / 1e6:.0f} MB in {folder}; in a container raise its --shm-size"
    return judged("shared memory", free >= FREE_SHARED_MEMORY_BYTES, f"{free / 1e6:.0f} MB free", advice)


def _requirements(extra: str) -> list[Requirement]:
    """What is asked for on this machine, by libra-edge ("") or by one of its extras on top."""
    listed = map(Requirement, metadata.requires(PACKAGE) or [])
    return [wanted for wanted in listed if _applies(wanted, extra) and not (extra and _applies(wanted, ""))]


def _applies(wanted: Requirement, extra: str) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": extra})


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _fault(wanted: Requirement) -> str | None:
    version = _installed(wanted.name)
    if version is None:
        return f"{wanted.name} is missing"
    if not wanted.specifier.contains(version, prereleases=True):
        return f"{wanted.name} {version} is not {wanted.specifier}"
    return None
