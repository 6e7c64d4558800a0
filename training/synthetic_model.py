"""Writes a complete model directory whose planner has about as many parameters as asked for, all of them random.

python -m training.synthetic_model --parameters 1e9 --out billion

It knows nothing and drives nothing. It shows what becomes of an export, of memory and of time at the size of the
paper's planner (2.2 billion parameters): 4 bytes a parameter on disk. The same arguments give the same bytes. The last
line of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from libra_edge.drivers.simulation.tasks import ALL_TASKS
from libra_edge.robot import Robot, open_robot
from training.block_scenes import block_scenes
from training.synthetic_planner import PlannerSize, planner_size, write_planner
from training.synthetic_refiner import (
    BINS,
    CAMERAS,
    CHUNK_STEPS,
    DENOISING_STEPS,
    JOINTS,
    write_refiner_encoder,
    write_refiner_step,
)
from training.vocabulary import MAX_WORDS, encode, write_tokenizer

MODEL_TOML = """\
schema_version = 1
name = "synthetic"

[policy]
rate_hz = 10.0
bins = {bins}
chunk_steps = {chunk_steps}
plan_chunks = 2
denoising_steps = {denoising_steps}
max_plan_delay_steps = 5

[action]
convention = "absolute_joint_position"
unit = "rad"
joints = [{joints}]
low = {low}
high = {high}

[[camera]]
name = "front"
width = {front[1]}
height = {front[0]}
used_by = ["planner", "refiner"]

[[camera]]
name = "wrist"
width = {wrist[1]}
height = {wrist[0]}
used_by = ["refiner"]

[instruction]
max_tokens = {max_words}
examples = ["touch the red cube", "pick up the green cube"]

[inputs]
planner = ["state"]

[provenance]
license = "Apache-2.0"
author = "the libra-edge authors"
data = "none"
training = "none: random weights, width {width}, {depth} blocks, seed {seed}"
"""


def write_synthetic_model(out: Path, parameters: float, *, samples: int = 16, seed: int = 0) -> int:
    """Write the model directory `out`; returns how many parameters its planner has.

    `samples` are for calibration, and as many again are held out.

    Raises ValueError where no planner has so few parameters.
    """
    size = planner_size(parameters)
    out.mkdir(parents=True, exist_ok=True)
    robot = open_robot("koch-sim")
    low, high = (np.round(bound, 6).astype(np.float32) for bound in (robot.low, robot.high))
    rng = np.random.default_rng(seed)
    _write_spec(out / "model.toml", robot, size, seed)
    write_tokenizer(out / "tokenizer.json")
    _write_calibration(out / "calibration.npz", robot, samples, rng)
    write_refiner_encoder(out / "refiner_encoder.onnx", rng)
    write_refiner_step(out / "refiner_step.onnx")
    return write_planner(out / "planner.onnx", size, rng, low, high)


def _write_spec(path: Path, robot: Robot, size: PlannerSize, seed: int) -> None:
    text = MODEL_TOML.format(
        bins=BINS,
        chunk_steps=CHUNK_STEPS,
        denoising_steps=DENOISING_STEPS,
        joints=", ".join(f'"{name}"' for name in robot.joint_names),
        low=[round(float(value), 6) for value in robot.low],
        high=[round(float(value), 6) for value in robot.high],
        **CAMERAS,
        max_words=MAX_WORDS,
        width=size.width,
        depth=size.depth,
        seed=seed,
    )
    path.write_text(text, encoding="utf-8")


def _write_calibration(path: Path, robot: Robot, samples: int, rng: np.random.Generator) -> None:
    count = 2 * samples
    sentences = [ALL_TASKS[index].text for index in rng.integers(len(ALL_TASKS), size=count)]
    arrays: dict[str, Any] = {
        **{f"image_{camera}": block_scenes(count, *size, rng) for camera, size in CAMERAS.items()},
        "instruction": np.array([encode(sentence) for sentence in sentences], np.int64),
        "state": rng.uniform(robot.low, robot.high, (count, JOINTS)).astype(np.float32),
        "tokens": rng.integers(0, BINS, (count, CHUNK_STEPS, JOINTS)),
        "sample": rng.standard_normal((count, CHUNK_STEPS, JOINTS), np.float32),
        "holdout": np.arange(count) >= samples,
    }
    np.savez_compressed(path, **arrays)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", type=float, required=True, metavar="N", help="of the planner, 1e6 to 1e10")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=16, help="for calibration, and as many again held out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        count = write_synthetic_model(options.out, options.parameters, samples=options.samples, seed=options.seed)
    except ValueError as error:
        parser.error(str(error))
    print(json.dumps({"model_directory": str(options.out), "parameters": count}))


if __name__ == "__main__":
    main()
