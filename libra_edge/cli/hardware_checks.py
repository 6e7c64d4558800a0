"""What `libra-edge doctor` looks at around the computer: ports and who holds them, real-time rights.

Every function takes the place it reads from, so that a test can lay out a machine of its own.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path

from libra_edge.cli.check import Check, judged
from libra_edge.drivers.dynamixel.port_search import DEVICES, PATTERNS, usb_id
from libra_edge.runtime.realtime import LATENCY_REQUEST, PRIORITY

FTDI_LATENCY_MS = 1
SYSFS = Path("/sys")
PROC = Path("/proc")
TTYS = Path("class/tty")
MODEM_MANAGER = "ModemManager"
RULES_ADVICE = (
    "write to /etc/udev/rules.d/60-libra-edge.rules, then sudo udevadm control --reload, and replug the adapter"
)
LATENCY_RULE = f'ACTION=="add", SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio", ATTR{{latency_timer}}="{FTDI_LATENCY_MS}"'


def connected_ports(devices: Path = DEVICES) -> list[str]:
    """Device paths of the USB serial adapters that are plugged in."""
    return [str(path) for pattern in PATTERNS for path in sorted(devices.glob(pattern))]


def serial_ports(wanted: str, connected: Sequence[str], sysfs: Path = SYSFS, *, needed: bool) -> Check:
    """The port of the robot file ("auto" takes the first)."""
    named = wanted not in ("auto", "simulated")
    ok = Path(wanted).exists() if named else bool(connected)
    advice = "connect and power the arm's adapter; then it is listed by: python -m serial.tools.list_ports"
    found = ", ".join(f"{port}{_in_brackets(usb_id(port, sysfs / 'class/tty'))}" for port in connected)
    found = wanted if named and ok else found or "none"
    return judged("serial port", ok, found, advice, needed=needed)


def serial_permission(ports: Sequence[str], *, needed: bool) -> Check:
    """The right to open those ports."""
    closed = [port for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    found = f"no access to {', '.join(closed)}" if closed else "granted" if ports else "no port to ask for"
    advice = "sudo usermod -aG dialout $USER, then log out and in again"
    return judged("serial permission", not closed, found, advice, needed=needed)


def modem_manager(ports: Sequence[str] = (), proc: Path = PROC, sysfs: Path = SYSFS) -> Check:
    """ModemManager takes every new /dev/ttyACM* for a modem and holds it for seconds."""
    processes = [process for process, name in _processes(proc) if name == MODEM_MANAGER]
    held = sorted({port for process in processes for port in _opened_by(process, ports)})
    found = f"holds {', '.join(held)}" if held else "running" if processes else "not running"
    ids = sorted({known for port in ports if (known := usb_id(port, sysfs / TTYS))}) or ["VENDOR:PRODUCT"]
    advice = f"{RULES_ADVICE}: " + "; ".join(map(_ignore_rule, ids))
    return judged("ModemManager", not processes, found, advice, needed=False)


def port_holders(ports: Sequence[str], proc: Path = PROC) -> Check:
    """Other programs that have one of the ports open, as far as this user may see."""
    holders = [
        f"{name} ({process.name}) on {port}"
        for process, name in _processes(proc)
        for port in _opened_by(process, ports)
        if name != MODEM_MANAGER
    ]
    return judged("port in use", not holders, ", ".join(holders) or "by nobody", "end it first", needed=False)


def ftdi_latency(devices: Path = SYSFS / "bus/usb-serial/devices") -> Check:
    """An FTDI adapter waits up to 16 ms before it hands bytes over, unless told otherwise."""
    timers = {file.parent.name: int(file.read_text()) for file in sorted(devices.glob("*/latency_timer"))}
    slow = [port for port, latency_ms in timers.items() if latency_ms > FTDI_LATENCY_MS]
    found = ", ".join(f"{port} {latency_ms} ms" for port, latency_ms in timers.items()) or "no FTDI adapter"
    now = "; ".join(f"echo {FTDI_LATENCY_MS} | sudo tee {devices}/{port}/latency_timer" for port in slow)
    return judged(
        "FTDI latency", not slow, found, f"now: {now}; for good: {RULES_ADVICE}: {LATENCY_RULE}", needed=False
    )


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


def processors_awake(request: Path = LATENCY_REQUEST) -> Check:
    """The right to keep idle processors from going to sleep while an arm moves."""
    ok = os.access(request, os.W_OK)
    advice = f'a udev rule: KERNEL=="{request.name}", GROUP="dialout", MODE="0660"'
    return judged("processors awake", ok, "granted" if ok else f"no right to {request}", advice, needed=False)


def _limit(limit: int) -> str:
    return "unlimited" if limit < 0 else f"limit {limit}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _ignore_rule(known_id: str) -> str:
    vendor, product = known_id.split(":")
    return (
        f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}", '
        'ENV{ID_MM_DEVICE_IGNORE}="1"'
    )


def _processes(proc: Path) -> Iterator[tuple[Path, str]]:
    """Folder and name of every process but this one."""
    for file in sorted(proc.glob("[0-9]*/comm")):
        if file.parent.name == str(os.getpid()):
            continue
        try:
            yield file.parent, file.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # the process has ended meanwhile
            continue


def _opened_by(process: Path, ports: Sequence[str]) -> list[str]:
    """Those of `ports` that the process has open; empty for one that this user may not look into."""
    try:
        opened = {str(file.readlink()) for file in (process / "fd").iterdir()}
    except OSError:
        return []
    return [port for port in ports if str(Path(port).resolve()) in opened]
