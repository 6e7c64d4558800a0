"""What `run --view` costs the servo loop: the same run with and without it, in turns.

    python benchmarks/view_cost.py [--pairs 5] [--seconds 30]

Rerun serves its pages, and nobody opens them: what a browser takes is taken on the machine that it runs on. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.real_time.koch_sim_run import drive
from benchmarks.servo_loop import Ticks, lateness_us, ticks_of
from libra_edge.cli.run_session import Session
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_durations import Durations

TASK, FIRST_SEED = "pick up the red cube", 750_000


@dataclass
class Sum:
    """All runs of one kind."""

    ticks: list[Ticks] = field(default_factory=list)
    refine_ms: list[float] = field(default_factory=list)
    faults: int = 0

    def add(self, session: Session) -> None:
        self.ticks.append(ticks_of(session.run))
        self.refine_ms.append(session.run.log.refine_ms.quantile(0.5) or 0.0)
        self.faults += len(session.run.log.faults)

    def figures(self) -> dict[str, Any]:
        counts = np.sum([each.lateness.counts for each in self.ticks], axis=0)
        late = Durations(counts, max(each.lateness.longest_ns for each in self.ticks))
        ticks, missed = (sum(getattr(each, name) for each in self.ticks) for name in ("ticks", "missed"))
        return {
            "lateness_us": lateness_us(late),
            "ticks": ticks,
            "missed": missed,
            "missed_share": round(missed / ticks, 6),
            "refine_ms_p50": round(float(np.median(self.refine_ms)), 2),
            "faults": self.faults,
        }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pairs", type=int, default=5, help="runs with and runs without [default: 5]")
    options.add_argument("--seconds", type=float, default=30.0, help="length of each [default: 30]")
    chosen = options.parse_args()
    sums = {False: Sum(), True: Sum()}
    for pair in range(chosen.pairs):
        for view in (False, True) if pair % 2 == 0 else (True, False):
            sums[view].add(drive(TASK, FIRST_SEED + pair, Mode.ASYNC, chosen.seconds, view=view))
            print(f"pair {pair + 1}/{chosen.pairs}, {'with' if view else 'without'} view", file=sys.stderr)
    print(json.dumps({"without": sums[False].figures(), "with": sums[True].figures()}))


if __name__ == "__main__":
    main()
