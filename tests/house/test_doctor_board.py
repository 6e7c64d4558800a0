"""What `libra-edge doctor` reads about a board, from file systems laid out in a folder."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from libra_edge.cli import board_checks as board
from libra_edge.errors import MissingDependencyError

CONF = "< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_the_accelerator_of_a_jetson_a_pc_and_neither(tmp_path: Path) -> None:
    assert not board.accelerator(tmp_path).ok
    write(tmp_path, "dev/nvidia0", "")
    assert board.accelerator(tmp_path).found == "NVIDIA GPU"
    write(tmp_path, "etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\nmore\n")
    check = board.accelerator(tmp_path)
    assert check.found == "R36 (release), REVISION: 4.3, JetPack's own package is not installed"
    status = (
        "Package: a\nVersion: 1\n\nPackage: nvidia-jetpack\nStatus: ok\nVersion: 6.2+b77\n\nPackage: z\nVersion: 3\n"
    )
    write(tmp_path, "var/lib/dpkg/status", status)
    assert board.accelerator(tmp_path).found == "R36 (release), REVISION: 4.3, JetPack 6.2+b77"


def test_cuda_by_its_own_version_file(tmp_path: Path) -> None:
    assert not board.cuda(tmp_path, needed=True).ok
    write(tmp_path, "usr/local/cuda/version.json", "[]")
    assert not board.cuda(tmp_path, needed=True).ok
    write(tmp_path, "usr/local/cuda/version.json", '{"cuda": {"name": "CUDA SDK", "version": "12.6.11"}}')
    assert board.cuda(tmp_path, needed=True).found == "12.6.11"


def test_tensorrt_with_its_version_or_with_what_to_do() -> None:
    present: Any = SimpleNamespace(__version__="10.3.0")
    assert board.tensorrt(lambda: present, needed=True).found == "10.3.0"

    def missing() -> ModuleType:
        raise MissingDependencyError("tensorrt", "it comes with JetPack")

    assert "JetPack" in board.tensorrt(missing, needed=True).advice


@pytest.mark.parametrize(
    ("status", "ok", "found"),
    [("pmode:0002", True, "MAXN_SUPER"), ("pmode:0000", False, "15W"), ("pmode:0007", False, "mode 7")],
)
def test_power_mode(tmp_path: Path, status: str, ok: bool, found: str) -> None:
    write(tmp_path, "etc/nvpmodel.conf", CONF)
    write(tmp_path, "var/lib/nvpmodel/status", status)
    (check,) = board.power_mode(tmp_path)
    assert (check.ok, check.found) == (ok, found)
    assert ("sudo nvpmodel -m 2" in check.advice) is not ok


def test_a_machine_without_nvpmodel_or_clock_files_has_no_such_lines(tmp_path: Path) -> None:
    assert board.power_mode(tmp_path) == []
    assert board.clocks(tmp_path) == []


@pytest.mark.parametrize(("lowest", "ok"), [(1_728_000, True), (729_600, False)])
def test_cpu_clock(tmp_path: Path, lowest: int, ok: bool) -> None:
    for core in ("cpu0", "cpu1"):
        for end, khz in (("min", lowest), ("cur", 1_000_000), ("max", 1_728_000)):
            write(tmp_path, f"sys/devices/system/cpu/{core}/cpufreq/scaling_{end}_freq", f"{khz}\n")
    (check,) = board.clocks(tmp_path)
    assert (check.name, check.ok) == ("CPU clock", ok)
    assert check.found.startswith("1000 of 1728 MHz")


def test_gpu_clock_of_a_jetson(tmp_path: Path) -> None:
    write(tmp_path, "etc/nv_tegra_release", "# R36\n")
    for end, hz in (("min", 306_000_000), ("cur", 306_000_000), ("max", 1_020_000_000)):
        write(tmp_path, f"sys/class/devfreq/17000000.gpu/{end}_freq", f"{hz}\n")
    (check,) = board.clocks(tmp_path)
    assert (check.name, check.ok, check.advice) == ("GPU clock", False, "sudo jetson_clocks")
    assert check.found.startswith("306 of 1020 MHz")


def orin(root: Path) -> None:
    """Lay out what the doctor reads on a Jetson Orin Nano with JetPack 6.2, in its slower mode and after a start."""
    write(
        root, "etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n"
    )
    write(root, "var/lib/dpkg/status", "Package: nvidia-jetpack\nStatus: install ok installed\nVersion: 6.2+b77\n\n")
    write(root, "usr/local/cuda/version.json", '{"cuda": {"name": "CUDA SDK", "version": "12.6.11"}}')
    write(root, "etc/nvpmodel.conf", CONF)
    write(root, "var/lib/nvpmodel/status", "pmode:0000")
    for core in range(6):
        for end, khz in (("min", 729_600), ("cur", 1_728_000), ("max", 1_728_000)):
            write(root, f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_{end}_freq", f"{khz}\n")
    for end, hz in (("min", 306_000_000), ("cur", 306_000_000), ("max", 1_020_000_000)):
        write(root, f"sys/class/devfreq/17000000.gpu/{end}_freq", f"{hz}\n")


def test_every_line_of_a_jetson(tmp_path: Path) -> None:
    orin(tmp_path)
    present: Any = SimpleNamespace(__version__="10.3.0")
    checks = board.board(tmp_path, lambda: present)
    assert [(check.name, check.ok, check.found) for check in checks] == [
        ("GPU", True, "R36 (release), REVISION: 4.3, JetPack 6.2+b77"),
        ("CUDA", True, "12.6.11"),
        ("TensorRT", True, "10.3.0"),
        ("power mode", False, "15W"),
        ("CPU clock", False, "1728 of 1728 MHz, may clock down between chunks"),
        ("GPU clock", False, "306 of 1020 MHz, may clock down between chunks"),
    ]
    assert not any(check.needed for check in checks if not check.ok)
    assert {check.advice for check in checks} >= {"sudo jetson_clocks"}


def test_a_jetson_needs_what_a_pc_does_not(tmp_path: Path) -> None:
    def missing() -> ModuleType:
        raise MissingDependencyError("tensorrt", "it comes with JetPack")

    pc = board.board(tmp_path, missing)
    assert [(check.name, check.needed) for check in pc] == [("GPU", False), ("TensorRT", False)]
    assert pc[1].advice == "not needed: ONNX Runtime runs the policy"
    write(tmp_path, "etc/nv_tegra_release", "# R36\n")
    jetson = board.board(tmp_path, missing)
    lacking = [(check.name, check.needed) for check in jetson if not check.ok]
    assert lacking == [("CUDA", True), ("TensorRT", True)]
    assert "JetPack" in jetson[2].advice
