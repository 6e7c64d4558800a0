"""What `libra-edge doctor` looks at around the computer: ports, cameras, accelerator, real-time rights.

Every function takes the place it reads from, so that a test can lay out a machine of its own.
"""

from __future__ import annotations

import importlib.util
import os
import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from libra_edge.cli.check import Check, judged
from libra_edge.drivers.dynamixel.port_search import DEVICES, PATTERNS
from libra_edge.drivers.realsense.devices import describe
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.errors import MissingDependencyError
from libra_edge.runtime.realtime import PRIORITY

FTDI_LATENCY_MS = 1
JETSON_RELEASE = Path("/etc/nv_tegra_release")


def connected_ports(devices: Path = DEVICES) -> list[str]:
    """Device paths of the USB serial adapters that are plugged in."""
    return [str(path) for pattern in PATTERNS for path in sorted(devices.glob(pattern))]


def serial_ports(wanted: str, connected: Sequence[str], *, needed: bool) -> Check:
    """The port of the robot file ("auto" takes the first)."""
    ok = bool(connected) if wanted in ("auto", "simulated") else Path(wanted).exists()
    advice = "connect and power the arm's adapter; then it is listed by: python -m serial.tools.list_ports"
    return judged("serial port", ok, ", ".join(connected) or "none", advice, needed=needed)


def serial_permission(ports: Sequence[str], *, needed: bool) -> Check:
    """The right to open those ports."""
    closed = [port for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    found = f"no access to {', '.join(closed)}" if closed else "granted" if ports else "no port to ask for"
    advice = "sudo usermod -aG dialout $USER, then log out and in again"
    return judged("serial permission", not closed, found, advice, needed=needed)


def modem_manager(proc: Path = Path("/proc")) -> Check:
    """ModemManager takes every new /dev/ttyACM* for a modem and holds it for seconds."""
    running = "ModemManager" in _process_names(proc)
    advice = (
        'let it ignore the adapter with a udev rule, ENV{ID_MM_DEVICE_IGNORE}="1", '
        "or stop it: sudo systemctl disable --now ModemManager"
    )
    return judged("ModemManager", not running, "running" if running else "not running", advice, needed=False)


def ftdi_latency(devices: Path = Path("/sys/bus/usb-serial/devices")) -> Check:
    """An FTDI adapter waits up to 16 ms before it hands bytes over, unless told otherwise."""
    timers = {file.parent.name: int(file.read_text()) for file in sorted(devices.glob("*/latency_timer"))}
    slow = [port for port, latency_ms in timers.items() if latency_ms > FTDI_LATENCY_MS]
    found = ", ".join(f"{port} {latency_ms} ms" for port, latency_ms in timers.items()) or "no FTDI adapter"
    advice = "; ".join(f"echo {FTDI_LATENCY_MS} | sudo tee {devices}/{port}/latency_timer" for port in slow)
    return judged("FTDI latency", not slow, found, advice, needed=False)


def realsense_cameras(load: Callable[[], Any] = load_librealsense, *, needed: bool) -> Check:
    """RealSense cameras on USB, as librealsense sees them."""
    try:
        connected = [describe(device) for device in load().context().query_devices()]
    except MissingDependencyError as error:
        return judged("RealSense", False, "librealsense cannot be loaded", str(error), needed=needed)
    except RuntimeError as error:
        return judged("RealSense", False, f"librealsense failed: {error}", "check the camera's cable", needed=needed)
    advice = "connect the camera to a USB 3 port; rs-enumerate-devices lists what is seen"
    return judged("RealSense", bool(connected), ", ".join(connected) or "none", advice, needed=needed)


def accelerator(devices: Path = DEVICES, release: Path = JETSON_RELEASE) -> Check:
    """An NVIDIA GPU: a Jetson's own, or a card."""
    if release.is_file():
        return judged("GPU", True, release.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "), "")
    card = (devices / "nvidia0").exists()
    advice = "not needed: ONNX Runtime runs the policy on the CPU"
    return judged("GPU", card, "NVIDIA GPU" if card else "none", advice, needed=False)


def tensorrt(*, needed: bool) -> Check:
    """TensorRT's Python module, which JetPack brings."""
    found = importlib.util.find_spec("tensorrt") is not None
    advice = "it comes with JetPack; the virtual environment must see the system's packages, as make setup arranges"
    return judged("TensorRT", found, "installed" if found else "none", advice, needed=needed)


def real_time_priority(limit: int | None = None, *, root: bool = os.geteuid() == 0) -> Check:
    """The right to run the servo loop before other processes."""
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0] if limit is None else limit
    ok = root or limit < 0 or limit >= PRIORITY
    advice = f"add to /etc/security/limits.d/libra-edge.conf: @dialout - rtprio {PRIORITY}"
    return judged("real-time priority", ok, "root" if root else _limit(limit), advice, needed=False)


def memory_lock(limit: int | None = None, *, root: bool = os.geteuid() == 0) -> Check:
    """The right to keep the servo process out of swap."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] if limit is None else limit
    ok = root or limit < 0
    advice = "add to /etc/security/limits.d/libra-edge.conf: @dialout - memlock unlimited"
    return judged("memory lock", ok, "root" if root else _limit(limit), advice, needed=False)


def _limit(limit: int) -> str:
    return "unlimited" if limit < 0 else f"limit {limit}"


def _process_names(proc: Path) -> set[str]:
    names = set()
    for file in proc.glob("[0-9]*/comm"):
        try:
            names.add(file.read_text(encoding="utf-8", errors="replace").strip())
        except OSError:  # the process has ended meanwhile
            continue
    return names
