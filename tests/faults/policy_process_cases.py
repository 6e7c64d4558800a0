"""What can befall the policy process itself: killed, paused, its event loop blocked."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from tests.faults.policy_side import PolicySide, until
from tests.faults.policy_troubles import PAUSED, Trouble
from tests.faults.wire_times import wait_for_standstill

BLOCKED_S = 0.3
PAUSED_S = 2.0


@dataclass(frozen=True)
class BlockedLoop:
    """Something on the event loop takes 300 ms; then chunks go on."""

    name: str = "event loop blocked 300 ms"
    word: str = "stood still"

    async def scenario(self, side: PolicySide) -> None:
        """Block it, from within."""
        side.inject()
        time.sleep(BLOCKED_S)
        side.heal()
        await until(lambda: side.moved_after_ms() is not None)
        await side.chunks(2)


BLOCKED = BlockedLoop()


@dataclass
class PolicyProcess:
    """A policy side in a process of its own that drives the arm."""

    process: subprocess.Popen[str]

    def signal(self, number: signal.Signals) -> int:
        """Send it; returns when."""
        now_ns = time.monotonic_ns()
        self.process.send_signal(number)
        return now_ns

    def report(self) -> dict[str, Any]:
        """What it says at its end."""
        out, _ = self.process.communicate(timeout=60)
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told


@contextlib.contextmanager
def policy_process(emulator: ServoBusEmulator, trouble: Trouble = PAUSED) -> Iterator[PolicyProcess]:
    """One that is under way, and waits for its trouble or makes it itself."""
    command = [sys.executable, "-m", "tests.faults.policy_child", emulator.port, trouble.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "moving\n"
            yield PolicyProcess(process)
        finally:
            process.kill()


def pause(emulator: ServoBusEmulator, policy: PolicyProcess) -> tuple[float, int]:
    """Stop it for at least PAUSED_S and until the arm stands; how long that took (ms), and when it was woken (ns)."""
    stopped_ns = policy.signal(signal.SIGSTOP)
    stood_ms = wait_for_standstill(emulator, stopped_ns)
    time.sleep(max(0.0, PAUSED_S - (time.monotonic_ns() - stopped_ns) / 1e9))
    return stood_ms, policy.signal(signal.SIGCONT)
