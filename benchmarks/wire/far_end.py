"""Emulated servos behind a pseudo-terminal that takes as long as a wire would: `python -m benchmarks.wire.far_end`.

A process of its own. It computes an answer while the question is on the wire, and spins until the answer.s last bit
would have come, so that pacing is exact to some microseconds. On stdin it is told which servos are missing.
"""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel.frame import Frame
from libra_edge.drivers.dynamixel.parser import FrameParser
from libra_edge.drivers.simulation.servos.emulated_bus import EmulatedBus
from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo
from libra_edge.drivers.simulation.servos.ledger import Ledger
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.pseudo_terminal import PseudoTerminal
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from libra_edge.robot import open_robot

BITS_A_BYTE = 10


class PacedWire:
    """One half-duplex wire: nothing begins before what is on it has ended."""

    def __init__(self, robot_name: str, baud: int) -> None:
        robot, clock = open_robot(robot_name), MonotonicClock()
        plant = KinematicPlant(clock, rest_ticks(robot))
        self._all = {spec.servo_id: EmulatedServo(spec, plant, clock) for spec in specs_of(robot)}
        self._servos = dict(self._all)
        self._bus = EmulatedBus(self._servos, clock, Ledger())
        self._ns_a_byte = BITS_A_BYTE * 1e9 / baud
        self._parser = FrameParser()
        self._free_ns = 0.0
        self._terminal = PseudoTerminal()
        self.port = self._terminal.port

    def lose(self, servo_ids: Sequence[int]) -> None:
        """These are missing from now on, all others are there."""
        self._servos.clear()
        self._servos.update({key: servo for key, servo in self._all.items() if key not in servo_ids})

    def serve(self) -> None:
        """Look for an instruction without waiting, and answer it in its time."""
        data = self._terminal.receive(0.0)
        heard_ns = time.monotonic_ns()
        for frame in self._parser.feed(data):
            self._free_ns = max(self._free_ns, heard_ns) + len(frame.raw) * self._ns_a_byte
            self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        for packet in self._bus.answer(frame):
            self._free_ns += len(packet) * self._ns_a_byte
            while time.monotonic_ns() < self._free_ns:
                pass
            self._terminal.send(packet)


@contextmanager
def far_end(robot_name: str, baud: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The port of such a wire, and its process; `lose` tells it of missing servos."""
    arguments = [sys.executable, "-m", "benchmarks.wire.far_end", "--robot", robot_name, "--baud", str(baud)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["port"], process
        finally:
            process.terminate()


def lose(process: subprocess.Popen[str], servo_ids: Sequence[int]) -> None:
    """From now on these are missing; returns once they are."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(list(servo_ids)) + "\n")
    process.stdin.flush()
    process.stdout.readline()


def main() -> None:
    """Print the port, then serve until the process is ended."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--robot", default="koch")
    options.add_argument("--baud", type=int, default=1_000_000)
    chosen = options.parse_args()
    wire = PacedWire(chosen.robot, chosen.baud)
    print(json.dumps({"port": wire.port}), flush=True)
    while True:
        wire.serve()
        if select.select([sys.stdin], [], [], 0.0)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            wire.lose(json.loads(line))
            print("done", flush=True)


if __name__ == "__main__":
    main()
