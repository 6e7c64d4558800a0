"""Emulated servos behind a pseudo-terminal that takes as long as a wire would: `python -m benchmarks.wire.far_end`.

A process of its own, which never sleeps: nothing but the wire's time is between question and answer. Positions are
others in every cycle, as of an arm that moves. On stdin it is told which servos are missing.
"""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.wire.telling_plant import TellingPlant
from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.frozen_garbage import freeze_garbage
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from libra_edge.drivers.simulation.servos.wire_pace import WirePace
from libra_edge.robot import Robot, open_robot


@contextmanager
def far_end(
    robot_name: str, baud: int, module: str = "benchmarks.wire.far_end"
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The port of such a wire, and its process; `lose` tells it of missing servos."""
    arguments = [sys.executable, "-m", module, "--robot", robot_name, "--baud", str(baud)]
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


def asked_for(description: str | None) -> tuple[Robot, int]:
    """The robot and the baud rate that the command line of a far end names."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--robot", default="koch")
    options.add_argument("--baud", type=int, default=1_000_000)
    chosen = options.parse_args()
    return open_robot(chosen.robot), chosen.baud


def main() -> None:
    """Print the port, then serve until the process is ended."""
    robot, baud = asked_for(__doc__)
    plant = TellingPlant(MonotonicClock(), rest_ticks(robot))
    emulator = ServoBusEmulator(specs_of(robot), plant, baud=baud, pace=WirePace(sleeps=False))
    with emulator.servos() as servos:
        everyone = dict(servos)
    freeze_garbage()
    print(json.dumps({"port": emulator.port}), flush=True)
    while True:
        emulator.serve(timeout_s=0.0)
        if select.select([sys.stdin], [], [], 0.0)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            with emulator.servos() as servos:
                servos.clear()
                servos.update({key: servo for key, servo in everyone.items() if key not in json.loads(line)})
            print("done", flush=True)


if __name__ == "__main__":
    main()
