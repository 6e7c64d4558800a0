"""Emulated servos on a paced wire that spoils their answers: `python -m benchmarks.wire.troubled_end`.

A process of its own. A line on stdin begins the trouble, the next one ends it and is answered with the number of
answers spoilt, by kind.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterable

from benchmarks.wire.far_end import asked_for
from benchmarks.wire.telling_plant import TellingPlant
from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.frozen_garbage import freeze_garbage
from libra_edge.drivers.simulation.servos.packet_faults import Transmit, corrupt, late, lost
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from libra_edge.drivers.simulation.servos.wire_pace import WirePace

SHARES = {"corrupt": 0.01, "lost": 0.005, "late": 0.002}
LATE_S = 0.004


class Trouble:
    """Spoils answers at random, and counts them by kind."""

    def __init__(self, kinds: Iterable[tuple[str, float, Transmit]], seed: int) -> None:
        """`kinds`: name, share of all answers, what happens to them."""
        self.counts: Counter[str] = Counter()
        self._kinds, self._random = tuple(kinds), random.Random(seed)

    def __call__(self, packet: bytes) -> bytes:
        """What arrives of it."""
        self.counts["answers"] += 1
        draw = self._random.random()
        for name, share, fault in self._kinds:
            if draw < share:
                self.counts[name] += 1
                return fault(packet)
            draw -= share
        return packet


def main() -> None:
    """Print the port, then serve."""
    robot, baud = asked_for(__doc__)
    plant = TellingPlant(MonotonicClock(), rest_ticks(robot))
    emulator = ServoBusEmulator(specs_of(robot), plant, baud=baud, pace=WirePace())
    faults = {"corrupt": corrupt, "lost": lost, "late": late(emulator.send_later, LATE_S)}
    trouble = Trouble([(name, SHARES[name], fault) for name, fault in faults.items()], seed=1)
    threading.Thread(target=_obey, args=(emulator, trouble), daemon=True).start()
    freeze_garbage()
    print(json.dumps({"port": emulator.port}), flush=True)
    while True:
        emulator.serve()


def _obey(emulator: ServoBusEmulator, trouble: Trouble) -> None:
    sys.stdin.readline()
    emulator.transmit = trouble
    print("begun", flush=True)
    sys.stdin.readline()
    emulator.transmit = bytes
    print(json.dumps(trouble.counts), flush=True)


if __name__ == "__main__":
    main()
