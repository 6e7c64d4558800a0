"""Makes the reference model from nothing: scenes, demonstrations, then rounds of corrections, training in between.

    python -m training --run training/runs/libra_base --data training/data --out models/libra_base

Goes on where it was stopped: finished rounds and stretches leave a mark in the run folder.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SYSTEMS = ("planner", "refiner")


@dataclass(frozen=True, slots=True)
class Round:
    """A round of recording and the stretch of training after it."""

    episodes: int
    minutes: float
    rate: float
    last_rate: float


SCENES_ROUND, SCENES = 20, 14_000
ROUNDS = (
    Round(episodes=2200, minutes=12.0, rate=8e-4, last_rate=6e-4),
    Round(episodes=700, minutes=10.0, rate=8e-4, last_rate=6e-4),
    Round(episodes=700, minutes=10.0, rate=8e-4, last_rate=6e-4),
    Round(episodes=520, minutes=21.0, rate=6e-4, last_rate=1e-5),
)


def record_scenes(data: Path) -> None:
    """Record the scenes unless they are there already."""
    _record(data, f"s{SCENES_ROUND}-*", ["--round", str(SCENES_ROUND), "--episodes", str(SCENES), "--scenes"])


def record(index: int, plan: Round, data: Path, run: Path) -> None:
    """Record round `index` unless it is there already."""
    options = ["--round", str(index), "--episodes", str(plan.episodes)]
    _record(data, f"r{index}-*", [*options, "--checkpoint", str(run)] if index else options)


def _record(data: Path, shards_named: str, options: list[str]) -> None:
    """What an interrupted recording left is thrown away."""
    shards = list(data.glob(shards_named))
    if shards and all((shard / "shard.json").exists() for shard in shards):
        return
    for shard in shards:
        shutil.rmtree(shard)
    _run(["training.collect", "--data", str(data), *options])


def train(index: int, plan: Round, data: Path, run: Path) -> None:
    """Train both systems side by side unless this stretch is done already."""
    done = run / f"trained-{index}"
    if done.exists():
        return
    options = ["--minutes", str(plan.minutes), "--rate", str(plan.rate), "--last-rate", str(plan.last_rate)]
    paths = ["--data", str(data), "--run", str(run)]
    processes = [_start(["training.train", system, *options, *paths]) for system in SYSTEMS]
    codes = [process.wait() for process in processes]
    if any(codes):
        raise SystemExit(f"training of round {index} failed")
    done.touch()


def _start(module_and_options: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", *module_and_options])  # noqa: S603 - our own modules


def _run(module_and_options: list[str]) -> None:
    if code := _start(module_and_options).wait():
        raise SystemExit(f"{module_and_options[0]} failed with exit code {code}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.run.mkdir(parents=True, exist_ok=True)
    record_scenes(options.data)
    for index, plan in enumerate(ROUNDS):
        record(index, plan, options.data, options.run)
        train(index, plan, options.data, options.run)
    _run(["training.write_model", "--run", str(options.run), "--out", str(options.out)])


if __name__ == "__main__":
    main()
