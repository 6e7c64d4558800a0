"""What `libra-edge doctor` reads about the board: JetPack, CUDA, power mode, clocks. All from files, none is run.

Every function takes the root of the file system that it reads, so that a test can lay out a machine of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from libra_edge.cli.check import Check, judged
from libra_edge.errors import MissingDependencyError
from libra_edge.tensorrt_library import load_tensorrt

ROOT = Path("/")
MODE_LINE = re.compile(r"^\s*<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", re.MULTILINE)
FASTEST = "MAXN"


def board(root: Path = ROOT, load: Callable[[], ModuleType] = load_tensorrt) -> list[Check]:
    """All of these checks, as far as they apply to the machine."""
    jetson, gpu = is_jetson(root), accelerator(root)
    toolkit = [cuda(root, needed=jetson)] if gpu.ok else []
    return [gpu, *toolkit, tensorrt(load, needed=jetson), *power_mode(root), *clocks(root)]


def is_jetson(root: Path = ROOT) -> bool:
    """Whether Linux for Tegra runs here."""
    return (root / "etc/nv_tegra_release").is_file()


def accelerator(root: Path = ROOT) -> Check:
    """An NVIDIA GPU: a Jetson's own, with its JetPack, or a card."""
    if is_jetson(root):
        return judged("GPU", True, f"{_linux_for_tegra(root)}, {_jetpack(root)}", "")
    card = (root / "dev/nvidia0").exists()
    advice = "not needed: ONNX Runtime runs the policy on the CPU"
    return judged("GPU", card, "NVIDIA GPU" if card else "none", advice, needed=False)


def cuda(root: Path = ROOT, *, needed: bool) -> Check:
    """The CUDA toolkit, by the version file that it brings."""
    file = root / "usr/local/cuda/version.json"
    try:
        version = str(json.loads(file.read_text(encoding="utf-8"))["cuda"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return judged("CUDA", False, "none", "JetPack brings it: sudo apt install nvidia-jetpack", needed=needed)
    return judged("CUDA", True, version, "")


def tensorrt(load: Callable[[], ModuleType] = load_tensorrt, *, needed: bool) -> Check:
    """TensorRT's Python module, which JetPack brings, in a version that libra-edge takes."""
    try:
        return judged("TensorRT", True, str(load().__version__), "", needed=needed)
    except MissingDependencyError as error:
        advice = str(error) if needed else "not needed: ONNX Runtime runs the policy"
        return judged("TensorRT", False, "none that can be used", advice, needed=needed)


def power_mode(root: Path = ROOT) -> list[Check]:
    """The mode nvpmodel has set, by its own status file; nothing where there is no nvpmodel."""
    status = _text(root / "var/lib/nvpmodel/status")
    known = {int(number): name for number, name in MODE_LINE.findall(_text(root / "etc/nvpmodel.conf"))}
    number = re.search(r"pmode:(\d+)", status)
    if number is None:
        return []
    current = known.get(int(number[1]), f"mode {int(number[1])}")
    fastest = next((number for number, name in known.items() if name.startswith(FASTEST)), None)
    ok = current.startswith(FASTEST) or fastest is None
    advice = "" if fastest is None else f"the board is slower than it can be: sudo nvpmodel -m {fastest}"
    return [judged("power mode", ok, current, advice, needed=False)]


def clocks(root: Path = ROOT) -> list[Check]:
    """Whether CPU and GPU may clock down between chunks; nothing where the kernel does not tell."""
    advice = "sudo jetson_clocks" if is_jetson(root) else "sudo cpupower frequency-set --governor performance"
    cpus = [
        _Clock(*(_number(folder / f"scaling_{end}_freq") * 1_000 for end in ("min", "cur", "max")))
        for folder in sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq"))
    ]
    gpus = [
        _Clock(*(_number(folder / f"{end}_freq") for end in ("min", "cur", "max")))
        for folder in sorted((root / "sys/class/devfreq").glob("*gpu*"))
    ]
    checks = [_clock("CPU clock", cpus, advice), _clock("GPU clock", gpus, advice)]
    return [check for check in checks if check is not None]


class _Clock(NamedTuple):
    """Hz."""

    lowest: int
    current: int
    highest: int


def _clock(name: str, found: Sequence[_Clock], advice: str) -> Check | None:
    known = [clock for clock in found if clock.highest > 0]
    if not known:
        return None
    fixed = all(clock.lowest == clock.highest for clock in known)
    slowest = min(clock.current for clock in known) / 1e6
    highest = max(clock.highest for clock in known) / 1e6
    found_text = f"{slowest:.0f} of {highest:.0f} MHz, {'fixed' if fixed else 'may clock down between chunks'}"
    return judged(name, fixed, found_text, advice, needed=False)


def _number(file: Path) -> int:
    """0 for a file that is not there or holds no number."""
    text = _text(file).strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _text(file: Path) -> str:
    """Its text, or "" if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _linux_for_tegra(root: Path) -> str:
    return _text(root / "etc/nv_tegra_release").partition("\n")[0].partition(", GCID")[0].lstrip("# ")


def _jetpack(root: Path) -> str:
    """From the package database, as JetPack leaves no version file."""
    installed = re.search(
        r"^Package: nvidia-jetpack\n(?:.+\n)*?Version: (\S+)", _text(root / "var/lib/dpkg/status"), re.MULTILINE
    )
    return f"JetPack {installed[1]}" if installed else "JetPack's own package is not installed"
