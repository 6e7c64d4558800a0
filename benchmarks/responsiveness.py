"""How soon the arm turns towards a cube that is moved while it approaches: async, serial and sync mode on koch-sim.

    python benchmarks/responsiveness.py [--trials 50] [--controls 20] [--picture docs/images/responsiveness.png]

In real time, over the wire. Between 0.5 and 1.0 s after control step 0, spread evenly over that half second and with it
over a chunk, the cube to be picked up is put down 0.4 rad (23 degrees) to the side. The time counts until the goal
positions that the servos get begin to turn there, as responsive/turning.py defines it. The same seeds and instants in
every mode, the modes by turns. Scenes in which another cube lies in the way are left out before anything is played, and
listed. A trial in which the arm does not turn within 2.5 s counts as never. In the controls nothing is moved.
The last line is one JSON object, times in milliseconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_time.report import Progress, end_with, print_result
from benchmarks.real_time.run_bench import RealTimeBench
from benchmarks.responsive.intervals import summary
from benchmarks.responsive.moved_cube import PAN, WATCHED_S, Outcome, Trial, play_trial
from benchmarks.responsive.turning import SHIFT_RAD, new_place
from libra_edge.drivers.simulation.scene import PALETTE
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.runtime.schedule import Mode

FIRST_SEED = 750_000
MOVE_FROM_S, MOVE_SPREAD_S = 0.5, 0.5
GOLDEN = 0.6180339887498949
"""Its multiples, less their whole parts, fill the unit interval evenly, however many one takes."""


def main() -> int:
    """Play, judge, print. Returns the exit code."""
    options = parse_options()
    bench = RealTimeBench()
    trials, left_out = chosen(options.trials, -float(bench.robot.rest[PAN]))
    moved, unmoved = play_all(bench, trials, options.controls)
    if options.picture is not None:
        # Imported here, because only a picture needs matplotlib.
        from benchmarks.pictures.turning_plot import draw_turning  # noqa: PLC0415

        draw_turning({mode: [each.turned_ms for each in of_mode] for mode, of_mode in moved.items()}, options.picture)
    print_result(
        {
            "benchmark": "responsiveness",
            "shift_rad": SHIFT_RAD,
            "watched_s": WATCHED_S,
            "seeds": [trials[0].seed, trials[-1].seed],
            "seeds_left_out": left_out,
            **{mode: figures(moved[mode], unmoved[mode]) for mode in moved},
        }
    )
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50, help="in each mode")
    parser.add_argument("--controls", type=int, default=20, help="in each mode, with nothing moved")
    parser.add_argument("--picture", type=Path, help="file for the distributions")
    options = parser.parse_args()
    if options.trials < 1 or options.controls < 0:
        parser.error("--trials must be at least 1, --controls at least 0")
    return options


def chosen(count: int, rest_bearing: float) -> tuple[list[Trial], list[int]]:
    """`count` trials in async mode, seeds in order; and the seeds in which the cube cannot be moved."""
    trials: list[Trial] = []
    left_out: list[int] = []
    colours, seed = list(PALETTE), FIRST_SEED
    while len(trials) < count:
        task = f"pick up the {colours[seed % len(colours)]} cube"
        if new_place(np.array(KochCubesWorld(seed, task).cubes), rest_bearing) is None:
            left_out.append(seed)
        else:
            move_s = MOVE_FROM_S + MOVE_SPREAD_S * (len(trials) * GOLDEN % 1.0)
            trials.append(Trial(task, seed, Mode.ASYNC, move_s))
        seed += 1
    return trials, left_out


def play_all(
    bench: RealTimeBench, trials: list[Trial], controls: int
) -> tuple[dict[str, list[Outcome]], dict[str, list[Outcome]]]:
    """By mode: what came of every trial, and of the first `controls` of them with nothing moved."""
    progress = Progress("trial", (len(trials) + min(controls, len(trials))) * len(Mode))
    moved: dict[str, list[Outcome]] = {mode.value: [] for mode in Mode}
    unmoved: dict[str, list[Outcome]] = {mode.value: [] for mode in Mode}
    for index, trial in enumerate(trials):
        for mode in Mode:
            for moves, kept in ((True, moved), (False, unmoved)):
                if moves or index < controls:
                    outcome = play_trial(bench, Trial(trial.task, trial.seed, mode, trial.move_s, moves))
                    kept[mode.value].append(outcome)
                    progress.advance(f"{mode.value}, {'' if moves else 'control, '}{told(outcome)}")
    return moved, unmoved


def figures(moved: list[Outcome], unmoved: list[Outcome]) -> dict[str, Any]:
    """Of one mode."""
    return {
        "turned_ms": summary([each.turned_ms for each in moved]),
        "first_picture_ms": summary([each.picture_ms for each in moved]),
        "first_plan_ms": summary([each.plan_ms for each in moved]),
        "turned_before_its_picture": sum(too_soon(each) for each in moved),
        "false_alarms": {"n": sum(each.turned_ms is not None for each in unmoved), "of": len(unmoved)},
        "single_turned_ms": [each.turned_ms for each in moved],
    }


def too_soon(outcome: Outcome) -> bool:
    """Whether the arm turned before a command could know of the move: by chance, then, not for the cube's sake."""
    turned, picture = outcome.turned_ms, outcome.picture_ms
    return turned is not None and (picture is None or turned < picture)


def told(outcome: Outcome) -> str:
    return "no turn" if outcome.turned_ms is None else f"turned after {outcome.turned_ms:.0f} ms"


if __name__ == "__main__":
    end_with(main)
