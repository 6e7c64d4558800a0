"""The simulated robot as a process.

    python -m libra_edge.drivers.simulation.process --robot koch-sim --seed 7 --task "pick up the red cube"

The first line on stdout says how to reach it, {"port":, "frames":, "status":, "servos":, "pid":}, or what is wrong,
{"error":, "exit_code":}; the last one is its ledger. It ends at SIGINT or SIGTERM and, if its stdin is a pipe, with
that pipe or its parent. Through that pipe it also takes orders, see cube_move.py.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from libra_edge.drivers.simulation.cube_move import LONGEST_LINE, CubeMove
from libra_edge.drivers.simulation.doorbell import Doorbell
from libra_edge.drivers.simulation.frozen_garbage import freeze_garbage
from libra_edge.drivers.simulation.order_pipe import OrderPipe
from libra_edge.drivers.simulation.printed_board import PrintedBoard
from libra_edge.errors import ConfigError, LibraEdgeError
from libra_edge.robot import Robot, open_robot
from libra_edge.toml_file import first_fault

log = logging.getLogger(__name__)

STDIN = "-"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SWITCH_INTERVAL_S = 0.0005
"""How long one thread may keep the interpreter from another; a servo answers within a millisecond."""


def main() -> int:
    """Run one episode. Returns the exit code."""
    options, orders = _parse_options(), OrderPipe(sys.stdin.fileno())
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # a thread waits for them
    try:
        # Imported here, because it raises MissingDependencyError where MuJoCo is missing.
        from libra_edge.drivers.simulation.live_episode import LiveEpisode  # noqa: PLC0415

        robot, doorbell = _read_robot(options.robot, orders), Doorbell(options.doorbell)
        episode = LiveEpisode(robot, options.seed, options.task, doorbell, dict(options.grain), board=options.board)
    except LibraEdgeError as error:
        _print_line({"error": str(error), "exit_code": error.exit_code})
        return error.exit_code
    episode.start()
    freeze_garbage()
    _print_line(episode.contact())
    episode.run(_ending(orders, episode.move_cube))
    if options.goals:
        options.goals.write_text("".join(f"{line}\n" for line in episode.goals()), encoding="utf-8")
    _print_line(episode.ledger())
    return 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m libra_edge.drivers.simulation.process", description=__doc__)
    parser.add_argument(
        "--robot", required=True, help="name or path of a robot file; - reads it as one line of JSON from stdin"
    )
    parser.add_argument("--seed", type=int, required=True, help="decides where the cubes lie")
    parser.add_argument("--task", required=True, help="the sentence whose success is watched")
    parser.add_argument(
        "--doorbell", type=int, help="inherited descriptor of a pipe: a camera's index a frame published"
    )
    parser.add_argument(
        "--grain", type=_camera_grain, action="append", default=[], metavar="CAMERA=N", help="one ray for N x N pixels"
    )
    parser.add_argument("--board", type=_printed_board, help="a printed board in hand or on the table, as JSON")
    parser.add_argument("--goals", type=Path, help="file that gets every goal position received, one line of JSON each")
    return parser.parse_args()


def _camera_grain(text: str) -> tuple[str, int]:
    camera, _, grain = text.partition("=")
    if not grain.isdecimal() or int(grain) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not CAMERA=N with N >= 1")
    return camera, int(grain)


def _printed_board(text: str) -> PrintedBoard:
    try:
        return PrintedBoard.model_validate_json(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"the board: {first_fault(error)}") from error


def _read_robot(name: str, orders: OrderPipe) -> Robot:
    if name != STDIN:
        return open_robot(name)
    try:
        return Robot.model_validate_json(orders.first_line())
    except ValidationError as error:
        raise ConfigError(f"robot on stdin: {first_fault(error)}") from error


def _ending(orders: OrderPipe, move_cube: Callable[[CubeMove], None]) -> threading.Event:
    """An event that is set once this process shall end; until then orders are carried out."""
    stop = threading.Event()
    threading.Thread(target=_watch_signals, args=(stop,), daemon=True).start()
    if orders.is_pipe:
        threading.Thread(target=_take_orders, args=(orders, move_cube, stop), daemon=True).start()
    return stop


def _watch_signals(stop: threading.Event) -> None:
    signal.sigwait(SIGNALS)
    stop.set()


def _take_orders(orders: OrderPipe, move_cube: Callable[[CubeMove], None], stop: threading.Event) -> None:
    def take(line: bytes) -> None:
        try:
            move_cube(CubeMove.model_validate_json(line))
        except ValidationError as error:
            log.warning("an order to the simulation is not carried out: %s", first_fault(error))

    orders.listen(take, LONGEST_LINE)
    stop.set()


def _print_line(result: dict[str, object]) -> None:
    """One JSON object, at once. A parent that has ended reads no more lines."""
    try:
        print(json.dumps(result), flush=True)
    except BrokenPipeError:
        sys.stdout = None


if __name__ == "__main__":
    sys.exit(main())
