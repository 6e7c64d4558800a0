"""`libra-edge doctor` on machines laid out in a folder, and on the one the tests run on."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from libra_edge.cli import doctor, main
from libra_edge.cli import hardware_checks as hardware
from libra_edge.cli import software_checks as software
from libra_edge.cli.check import judged
from libra_edge.robot import open_robot


def test_json_holds_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    main.run_command(["doctor", "--json"])
    checks = json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]
    assert all({"name", "ok", "found", "advice"} <= set(check) for check in checks)
    assert all(bool(check["advice"]) != check["ok"] for check in checks)


@pytest.mark.parametrize(("needed", "code"), [(True, 1), (False, 0)])
def test_only_what_is_needed_fails(monkeypatch: pytest.MonkeyPatch, needed: bool, code: int) -> None:
    checks = [judged("lamp", False, "dark", "light it", needed=needed), judged("door", True, "open", "")]
    monkeypatch.setattr(doctor, "examine", lambda robot, model, name: checks)
    assert main.run_command(["doctor"]) == code


def test_a_real_arm_needs_what_a_simulated_one_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    needed = {}
    for robot in ("koch", "koch-sim"):
        main.run_command(["doctor", "--robot", robot, "--json"])
        checks = json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]
        needed[robot] = {check["name"] for check in checks if check["needed"]}
    assert {"serial port", "camera front", "camera wrist"} <= needed["koch"] - needed["koch-sim"]
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


@pytest.mark.parametrize(("seconds", "ok"), [(0.1, True), (10.0, False)])
def test_disk_speed_is_held_against_the_robots_pictures(tmp_path: Path, seconds: float, ok: bool) -> None:
    check = software.disk_speed(open_robot("koch"), tmp_path / "recordings" / "new", lambda folder: seconds)
    assert check.ok is ok
    assert check.found == f"{16 / seconds:.0f} MB/s in {tmp_path}, raw pictures of this robot take 14"


def test_disk_speed_writes_and_leaves_nothing(tmp_path: Path) -> None:
    assert software.seconds_to_write(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    def refuse(folder: Path) -> float:
        raise OSError(30, "Read-only file system")

    check = software.disk_speed(open_robot("koch"), tmp_path, refuse)
    assert check.needed
    assert "Read-only" in check.found


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


def process(proc: Path, number: int, name: str, *opened: str) -> None:
    """Lay out a process that has files open."""
    folder = proc / str(number)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    for descriptor, path in enumerate(opened):
        (folder / "fd" / str(descriptor)).symlink_to(path)


def adapter(sysfs: Path, port: str, vendor: str, product: str) -> None:
    """Lay out the USB device of a serial port as the kernel does: its ids stand some folders above."""
    interface = sysfs / "devices" / "usb1" / "1-1" / "1-1:1.0"
    interface.mkdir(parents=True)
    (interface.parent / "idVendor").write_text(f"{vendor}\n")
    (interface.parent / "idProduct").write_text(f"{product}\n")
    (sysfs / "class" / "tty" / port).mkdir(parents=True)
    (sysfs / "class" / "tty" / port / "device").symlink_to(interface)


@pytest.mark.parametrize(
    ("name", "opened", "ok", "found"),
    [
        ("ModemManager", "/dev/ttyACM0", False, "holds /dev/ttyACM0"),
        ("ModemManager", "/dev/null", False, "running"),
        ("bash", "/dev/ttyACM0", True, "not running"),
    ],
)
def test_modem_manager(tmp_path: Path, name: str, opened: str, ok: bool, found: str) -> None:
    process(tmp_path / "proc", 42, name, opened)
    adapter(tmp_path / "sys", "ttyACM0", "2f5d", "2202")
    check = hardware.modem_manager(["/dev/ttyACM0"], tmp_path / "proc", tmp_path / "sys")
    assert (check.ok, check.found) == (ok, found)
    rule = 'ATTRS{idVendor}=="2f5d", ATTRS{idProduct}=="2202", ENV{ID_MM_DEVICE_IGNORE}="1"'
    assert (rule in check.advice) is not ok


def test_another_program_on_the_port_is_named(tmp_path: Path) -> None:
    process(tmp_path, 42, "picocom", "/dev/null", "/dev/ttyACM0")
    process(tmp_path, 43, "bash", "/dev/null")
    check = hardware.port_holders(["/dev/ttyACM0"], tmp_path)
    assert (check.ok, check.found) == (False, "picocom (42) on /dev/ttyACM0")
    assert hardware.port_holders(["/dev/ttyACM1"], tmp_path).ok


def test_a_port_is_listed_with_the_ids_of_its_adapter(tmp_path: Path) -> None:
    adapter(tmp_path, "ttyUSB0", "0403", "6014")
    check = hardware.serial_ports("auto", ["/dev/ttyUSB0", "/dev/ttyUSB1"], tmp_path, needed=True)
    assert check.found == "/dev/ttyUSB0 (0403:6014), /dev/ttyUSB1"


@pytest.mark.parametrize(("latency_ms", "ok"), [(16, False), (1, True)])
def test_ftdi_latency(tmp_path: Path, latency_ms: int, ok: bool) -> None:
    (tmp_path / "ttyUSB0").mkdir()
    (tmp_path / "ttyUSB0" / "latency_timer").write_text(f"{latency_ms}\n")
    check = hardware.ftdi_latency(tmp_path)
    assert check.ok is ok
    assert f"ttyUSB0 {latency_ms} ms" in check.found
    assert ('ATTR{latency_timer}="1"' in check.advice) is not ok


def test_no_ftdi_adapter_is_no_fault(tmp_path: Path) -> None:
    assert hardware.ftdi_latency(tmp_path).ok


@pytest.mark.parametrize(
    ("limit", "root", "ok"), [(0, False, False), (99, False, True), (-1, False, True), (0, True, True)]
)
def test_real_time_priority(limit: int, root: bool, ok: bool) -> None:
    assert hardware.real_time_priority(limit, root=root).ok is ok


@pytest.mark.parametrize(("limit", "root", "ok"), [(65_536, False, False), (-1, False, True), (65_536, True, True)])
def test_memory_lock(limit: int, root: bool, ok: bool) -> None:
    assert hardware.memory_lock(limit, root=root).ok is ok


def test_the_right_to_keep_processors_awake(tmp_path: Path) -> None:
    request = tmp_path / "cpu_dma_latency"
    lacking = hardware.processors_awake(request)
    assert (lacking.ok, lacking.needed, lacking.found) == (False, False, f"no right to {request}")
    assert 'KERNEL=="cpu_dma_latency"' in lacking.advice
    request.touch()
    assert hardware.processors_awake(request).ok
