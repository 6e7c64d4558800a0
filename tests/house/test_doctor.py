"""`libra-edge doctor` on machines laid out in a folder, and on the one the tests run on."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libra_edge.cli import doctor, main
from libra_edge.cli import hardware_checks as hardware
from libra_edge.cli import software_checks as software
from libra_edge.cli.check import judged
from libra_edge.errors import MissingDependencyError


def test_json_holds_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    main.run_command(["doctor", "--json"])
    checks = json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]
    assert all({"name", "ok", "found", "advice"} <= set(check) for check in checks)
    assert all(bool(check["advice"]) != check["ok"] for check in checks)


@pytest.mark.parametrize(("needed", "code"), [(True, 1), (False, 0)])
def test_only_what_is_needed_fails(monkeypatch: pytest.MonkeyPatch, needed: bool, code: int) -> None:
    checks = [judged("lamp", False, "dark", "light it", needed=needed), judged("door", True, "open", "")]
    monkeypatch.setattr(doctor, "examine", lambda robot, model: checks)
    assert main.run_command(["doctor"]) == code


def test_a_real_arm_needs_what_a_simulated_one_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    needed = {}
    for robot in ("koch", "koch-sim"):
        main.run_command(["doctor", "--robot", robot, "--json"])
        checks = json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]
        needed[robot] = {check["name"] for check in checks if check["needed"]}
    assert {"serial port", "RealSense"} <= needed["koch"] - needed["koch-sim"]
    assert "extra sim" in needed["koch-sim"] - needed["koch"]


def test_a_robot_nobody_knows_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run_command(["doctor", "--robot", "nonsense"]) == 2
    assert "koch-sim" in capsys.readouterr().err


@pytest.mark.parametrize(("version", "ok"), [((3, 9), False), ((3, 10), True), ((3, 12), True), ((3, 13), False)])
def test_python_versions(version: tuple[int, int], ok: bool) -> None:
    assert software.python_version(version).ok is ok


def test_packages_are_held_against_what_the_project_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        metadata, "requires", lambda name: ["numpy>=1", "rich>=999", "no-such-thing", "six; extra=='x'"]
    )
    check = software.base_packages()
    assert not check.ok
    assert check.found == "1 of 3"
    assert "rich" in check.advice
    assert "no-such-thing is missing" in check.advice
    assert "numpy" not in check.advice


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy", 'no-such-thing>=2; extra == "sim"'])
    check = software.extra_packages("sim", "a simulated robot", needed=True)
    assert not check.ok
    assert check.found == "no-such-thing missing"
    assert "pip install 'libra-edge[sim]'" in check.advice


def test_an_uninstalled_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "PACKAGE", "libra-edge-of-nowhere")
    assert "make setup" in software.base_packages().advice


def test_a_bundle_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check = software.bundle("libra_base")
    assert not check.ok
    assert check.needed
    assert "libra-edge export" in check.advice


def test_shared_memory_that_is_not_there(tmp_path: Path) -> None:
    assert not software.shared_memory(tmp_path / "shm").ok


def test_ports_are_found_and_asked_for_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ttyUSB0", "ttyACM1", "ttyS0"):
        (tmp_path / name).touch()
    ports = hardware.connected_ports(tmp_path)
    assert [Path(port).name for port in ports] == ["ttyACM1", "ttyUSB0"]
    assert hardware.serial_ports("auto", ports, needed=True).ok
    assert not hardware.serial_ports("auto", [], needed=True).ok
    assert not hardware.serial_ports(str(tmp_path / "ttyACM7"), ports, needed=True).ok
    assert hardware.serial_permission(ports, needed=True).ok
    monkeypatch.setattr("os.access", lambda path, mode: not path.endswith("ttyACM1"))
    check = hardware.serial_permission(ports, needed=True)
    assert not check.ok
    assert "ttyACM1" in check.found
    assert "ttyUSB0" not in check.found
    assert "dialout" in check.advice


@pytest.mark.parametrize(("process", "ok"), [("ModemManager", False), ("bash", True)])
def test_modem_manager(tmp_path: Path, process: str, ok: bool) -> None:
    (tmp_path / "42").mkdir()
    (tmp_path / "42" / "comm").write_text(f"{process}\n")
    assert hardware.modem_manager(tmp_path).ok is ok


@pytest.mark.parametrize(("latency_ms", "ok"), [(16, False), (1, True)])
def test_ftdi_latency(tmp_path: Path, latency_ms: int, ok: bool) -> None:
    (tmp_path / "ttyUSB0").mkdir()
    (tmp_path / "ttyUSB0" / "latency_timer").write_text(f"{latency_ms}\n")
    check = hardware.ftdi_latency(tmp_path)
    assert check.ok is ok
    assert f"ttyUSB0 {latency_ms} ms" in check.found


def test_no_ftdi_adapter_is_no_fault(tmp_path: Path) -> None:
    assert hardware.ftdi_latency(tmp_path).ok


def test_librealsense_without_a_camera_and_without_itself() -> None:
    nothing_connected: Any = SimpleNamespace(context=lambda: SimpleNamespace(query_devices=list))
    assert not hardware.realsense_cameras(lambda: nothing_connected, needed=True).ok

    def missing() -> Any:
        raise MissingDependencyError("pyrealsense2", "install it")

    assert "install it" in hardware.realsense_cameras(missing, needed=True).advice


def test_the_accelerator_of_a_jetson_a_pc_and_neither(tmp_path: Path) -> None:
    release = tmp_path / "nv_tegra_release"
    assert not hardware.accelerator(tmp_path, release).ok
    (tmp_path / "nvidia0").touch()
    assert hardware.accelerator(tmp_path, release).found == "NVIDIA GPU"
    release.write_text("# R36 (release), REVISION: 4.3\nmore\n")
    assert hardware.accelerator(tmp_path, release).found == "R36 (release), REVISION: 4.3"


@pytest.mark.parametrize(
    ("limit", "root", "ok"), [(0, False, False), (99, False, True), (-1, False, True), (0, True, True)]
)
def test_real_time_priority(limit: int, root: bool, ok: bool) -> None:
    assert hardware.real_time_priority(limit, root=root).ok is ok


@pytest.mark.parametrize(("limit", "root", "ok"), [(65_536, False, False), (-1, False, True), (65_536, True, True)])
def test_memory_lock(limit: int, root: bool, ok: bool) -> None:
    assert hardware.memory_lock(limit, root=root).ok is ok
