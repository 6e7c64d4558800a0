"""Writes a checkpoint as a model directory: three ONNX graphs, `model.toml`, tokeniser and calibration samples.

python -m training.write_model --run training/runs/libra_base --out models/libra_base
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.drivers.simulation.scene import JOINTS
from libra_edge.drivers.simulation.tasks import ALL_TASKS
from libra_edge.robot import open_robot
from training.architecture import (
    BINS,
    CHUNK_STEPS,
    DENOISING_STEPS,
    PLAN_STEPS,
    Planner,
    Refiner,
    RefinerDecoder,
    RefinerEncoder,
    euler_step,
)
from training.collect import ROUND_SEEDS, task_of
from training.policy_actor import ACTION_RANGE, PolicyActor, load_systems
from training.recorder import FRONT, FRONT_STRIDE, WRIST, WRIST_COLUMNS, WRIST_STRIDE, Eyes, episode
from training.vocabulary import MAX_WORDS, encode, write_tokenizer

OPSET, IR_VERSION = 18, 10
CALIBRATION_ROUND = 24
"""Rounds stop at 24: its seeds, 480000 and up, are used for nothing but calibration samples."""
CALIBRATION_SAMPLES = 64
HOLDOUT_SAMPLES = 64
SAMPLE_EVERY = 5


def front_pixels(image: Tensor) -> Tensor:
    """uint8 [1, 180, 320, 3] to the pixels the policy looks at, [1, 90, 160, 3]."""
    return image[:, ::FRONT_STRIDE, ::FRONT_STRIDE]


def wrist_pixels(image: Tensor) -> Tensor:
    """uint8 [1, 240, 424, 3] to the pixels the policy looks at, [1, 80, 128, 3]."""
    first, last = WRIST_COLUMNS.start * WRIST_STRIDE, WRIST_COLUMNS.stop * WRIST_STRIDE
    return image[:, ::WRIST_STRIDE, first:last:WRIST_STRIDE]


class PlannerGraph(nn.Module):
    """The planner as the runtime feeds it."""

    def __init__(self, planner: Planner) -> None:
        super().__init__()
        self.planner = planner

    def forward(self, image_front: Tensor, instruction: Tensor, state: Tensor) -> Tensor:
        logits: Tensor = self.planner(front_pixels(image_front), instruction, state)[0]
        return logits


class EncoderGraph(nn.Module):
    """The refiner's encoder as the runtime feeds it."""

    def __init__(self, encoder: RefinerEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image_front: Tensor, image_wrist: Tensor, state: Tensor, tokens: Tensor) -> Tensor:
        features: Tensor = self.encoder(front_pixels(image_front), wrist_pixels(image_wrist), state, tokens)
        return features


class StepGraph(nn.Module):
    """One denoising step with the sampler's arithmetic."""

    def __init__(self, decoder: RefinerDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, features: Tensor, sample: Tensor, step: Tensor) -> Tensor:
        return euler_step(sample, self.decoder(features, sample, step), step)


def write_graphs(planner: Planner, refiner: Refiner, out: Path) -> None:
    """planner.onnx, refiner_encoder.onnx and refiner_step.onnx, FP32, fixed shapes."""
    front = torch.zeros(1, FRONT[1], FRONT[0], 3, dtype=torch.uint8)
    wrist = torch.zeros(1, WRIST[1], WRIST[0], 3, dtype=torch.uint8)
    state = torch.zeros(1, len(JOINTS))
    words = torch.zeros(1, MAX_WORDS, dtype=torch.int64)
    tokens = torch.zeros(1, CHUNK_STEPS, len(JOINTS), dtype=torch.int64)
    sample, step = torch.zeros(1, CHUNK_STEPS, len(JOINTS)), torch.zeros(1, dtype=torch.int64)
    encoder = EncoderGraph(refiner.encoder).eval()
    features = encoder(front, wrist, state, tokens)
    _write(
        PlannerGraph(planner), {"image_front": front, "instruction": words, "state": state}, "logits", out / "planner"
    )
    inputs = {"image_front": front, "image_wrist": wrist, "state": state, "tokens": tokens}
    _write(encoder, inputs, "features", out / "refiner_encoder")
    inputs = {"features": features.detach(), "sample": sample, "step": step}
    _write(StepGraph(refiner.decoder), inputs, "sample_next", out / "refiner_step")


def _write(graph: nn.Module, inputs: dict[str, Tensor], output: str, path: Path) -> None:
    file = path.with_suffix(".onnx")
    program = torch.onnx.export(
        graph.eval(),
        tuple(inputs.values()),
        input_names=list(inputs),
        output_names=[output],
        opset_version=OPSET,
        dynamo=True,
    )
    assert program is not None
    model = program.model_proto
    model.ir_version = IR_VERSION
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    model.graph.ClearField("value_info")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)


def record_calibration(planner: Planner, refiner: Refiner, out: Path) -> None:
    """calibration.npz: full pictures and inputs from the policy's own episodes, the second half held out."""
    robot = open_robot("koch-sim")
    lockstep = LockStepWorld(robot, 0, ALL_TASKS[0].text)
    eyes = Eyes(lockstep.world)
    rows: list[dict[str, NDArray[Any]]] = []
    seed = CALIBRATION_ROUND * ROUND_SEEDS
    while len(rows) < CALIBRATION_SAMPLES + HOLDOUT_SAMPLES:
        rng = np.random.default_rng([seed, 1])
        task = task_of(seed, rng)
        lockstep.reset(seed, task.text)
        actor = PolicyActor(planner, refiner, task.text, rng, expert_share=0.0)
        for step, sample in enumerate(episode(lockstep, robot, eyes, actor)):
            if step % SAMPLE_EVERY == 0:
                rows.append(_calibration_row(lockstep, task.text, sample.state, sample.tokens, rng))
        seed += 1
    rows = rows[: CALIBRATION_SAMPLES + HOLDOUT_SAMPLES]
    arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    arrays["holdout"] = np.arange(len(rows)) >= CALIBRATION_SAMPLES
    np.savez_compressed(out / "calibration.npz", **arrays)


def _calibration_row(
    world: LockStepWorld, task: str, state: NDArray[np.float32], tokens: NDArray[np.int8], rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    return {
        "image_front": world.picture("front").image,
        "image_wrist": world.picture("wrist").image,
        "instruction": np.array(encode(task), dtype=np.int64),
        "state": state,
        "tokens": tokens.astype(np.int64),
        "sample": rng.standard_normal((CHUNK_STEPS, len(JOINTS)), dtype=np.float32),
    }


MODEL_TOML = """\
schema_version = 1
name = "libra_base"

[policy]
rate_hz = 10.0
bins = {bins}
chunk_steps = {chunk_steps}
plan_chunks = {plan_chunks}
denoising_steps = {denoising_steps}
max_plan_delay_steps = 5

[action]
convention = "absolute_joint_position"
unit = "rad"
joints = {joints}
low = {low}
high = {high}

[[camera]]
name = "front"
width = {front[0]}
height = {front[1]}
used_by = ["planner", "refiner"]

[[camera]]
name = "wrist"
width = {wrist[0]}
height = {wrist[1]}
used_by = ["refiner"]

[instruction]
max_tokens = {max_words}
examples = {examples}

[inputs]
planner = ["state"]

[provenance]
license = "Apache-2.0"
author = "the libra-edge authors"
data = "scripted demonstrations and corrections in the koch_cubes simulation, seeds below 500000"
training = "training/README.md"
"""


def write_spec(out: Path) -> None:
    """model.toml."""
    text = MODEL_TOML.format(
        bins=BINS,
        chunk_steps=CHUNK_STEPS,
        plan_chunks=PLAN_STEPS // CHUNK_STEPS,
        denoising_steps=DENOISING_STEPS,
        joints=_toml_list(JOINTS),
        low=list(ACTION_RANGE[0]),
        high=list(ACTION_RANGE[1]),
        front=FRONT,
        wrist=WRIST,
        max_words=MAX_WORDS,
        examples=_toml_list(task.text for task in ALL_TASKS),
    )
    (out / "model.toml").write_text(text)


def _toml_list(words: Any) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    planner, refiner = load_systems(options.run)
    write_graphs(planner, refiner, options.out)
    write_spec(options.out)
    write_tokenizer(options.out / "tokenizer.json")
    record_calibration(planner, refiner, options.out)
    for file in sorted(options.out.iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
