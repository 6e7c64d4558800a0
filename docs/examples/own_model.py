"""A policy of your own as a model directory: another arm, another camera, another architecture, in one file.

    python docs/examples/own_model.py my_model
    libra-edge export my_model --check
    libra-edge export my_model

Needs PyTorch and onnxscript. The arm has four joints, the camera looks down on a board of 4 x 4 fields with three
blocks, and a sentence names the block to reach. Planner: a ConvNet and an MLP-Mixer over 16 control steps. Refiner: a
small 1-D U-Net that denoises 8 control steps with DDIM. Both are trained here, for half a minute, on drawn scenes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from torch.nn import functional

JOINTS, BINS, CHUNK_STEPS, PLAN_STEPS, DENOISING_STEPS = 4, 16, 8, 16, 4
HEIGHT, WIDTH, FIELDS = 96, 128, 4
COLOURS = {"red": (205, 45, 40), "green": (45, 150, 70), "blue": (50, 80, 200)}
WORDS = ("[PAD]", "[UNK]", "reach", "the", "block", *COLOURS)
LOW, HIGH = [-1.5, -0.5, -1.0, 0.0], [1.5, 1.0, 1.0, 1.2]  # radians
MODEL_TOML = f"""\
schema_version = 1
name = "own_model"
[policy]
rate_hz = 15.0
bins = {BINS}
chunk_steps = {CHUNK_STEPS}
plan_chunks = {PLAN_STEPS // CHUNK_STEPS}
denoising_steps = {DENOISING_STEPS}
max_plan_delay_steps = 4
[action]
convention = "absolute_joint_position"
unit = "rad"
joints = ["base", "shoulder", "elbow", "gripper"]
low = {LOW}
high = {HIGH}
[[camera]]
name = "overhead"
width = {WIDTH}
height = {HEIGHT}
used_by = ["planner"]
[instruction]
max_tokens = 4
examples = ["reach the red block", "reach the blue block"]
[provenance]
license = "Apache-2.0"
author = "you"
data = "scenes drawn by own_model.py"
training = "200 steps on a CPU"
"""


class Planner(nn.Module):
    """Overhead picture and words to logits [B, 16, 4, 16]."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), 2 * 32)
        self.low_level = nn.Sequential(nn.Conv2d(3, 32, 8, stride=8), nn.ReLU(), nn.Conv2d(32, 32, 1))
        self.high_level = nn.Sequential(nn.Conv2d(32, 32, 3, stride=3), nn.ReLU(), nn.Flatten())
        self.summary = nn.Linear(32 * (HEIGHT // 24) * (WIDTH // 24), width)
        self.steps = nn.Parameter(torch.randn(PLAN_STEPS, width))
        self.norm_across, self.norm_along = nn.LayerNorm(width), nn.LayerNorm(width)
        self.across = nn.Sequential(nn.Linear(PLAN_STEPS, 64), nn.GELU(), nn.Linear(64, PLAN_STEPS))
        self.along = nn.Sequential(nn.Linear(width, 256), nn.GELU(), nn.Linear(256, width))
        self.head = nn.Linear(width, JOINTS * BINS)

    def forward(self, image: Tensor, instruction: Tensor) -> Tensor:
        gain, shift = self.words(instruction).sum(1)[:, :, None, None].chunk(2, 1)
        seen = self.low_level(image.permute(0, 3, 1, 2).float() / 127.5 - 1)
        x = self.summary(self.high_level(torch.relu(seen * gain + shift)))[:, None] + self.steps
        x = x + self.across(self.norm_across(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.along(self.norm_along(x))
        return self.head(x).unflatten(-1, (JOINTS, BINS))


class RefinerEncoder(nn.Module):
    """Joint state and tokens of a chunk to features [B, 8, 8]: middles of the bins, and where the arm stands."""

    def forward(self, state: Tensor, tokens: Tensor) -> Tensor:
        middles = (tokens.float() + 0.5) / BINS * 2 - 1
        low, high = torch.tensor(LOW), torch.tensor(HIGH)
        normalised = (state - low) / (high - low) * 2 - 1
        return torch.cat([middles, normalised[:, None].expand_as(middles)], -1)


class RefinerStep(nn.Module):
    """One deterministic DDIM step (arXiv 2010.02502): the U-Net predicts the clean chunk, the rest is arithmetic."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("signal", torch.linspace(0, 1, DENOISING_STEPS + 1))
        self.time = nn.Embedding(DENOISING_STEPS, width)
        self.into = nn.Conv1d(3 * JOINTS, width, 3, padding=1)
        self.down = nn.Conv1d(width, 2 * width, 4, stride=2, padding=1)
        self.middle = nn.Conv1d(2 * width, 2 * width, 3, padding=1)
        self.up = nn.ConvTranspose1d(2 * width, width, 2, stride=2)
        self.out = nn.Conv1d(2 * width, JOINTS, 3, padding=1)

    def clean(self, features: Tensor, sample: Tensor, step: Tensor) -> Tensor:
        x = torch.cat([sample, features], -1).transpose(1, 2)
        fine = functional.gelu(self.into(x) + self.time(step)[:, :, None])
        coarse = functional.gelu(self.middle(functional.gelu(self.down(fine))))
        return self.out(torch.cat([fine, self.up(coarse)], 1)).transpose(1, 2) + features[..., :JOINTS]

    def forward(self, features: Tensor, sample: Tensor, step: Tensor) -> Tensor:
        clean = self.clean(features, sample, step)
        now, later = self.signal[step][:, None, None], self.signal[step + 1][:, None, None]
        noise = (sample - now.sqrt() * clean) / (1 - now).sqrt()
        return later.sqrt() * clean + (1 - later).sqrt() * noise


def scenes(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Pictures, sentences, poses, and the tokens of the right plan: over the block's field, then down, then close."""
    image = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    instruction, plan = np.empty((count, 4), np.int64), np.empty((count, PLAN_STEPS, JOINTS), np.int64)
    high, wide = HEIGHT // FIELDS, WIDTH // FIELDS
    for index in range(count):
        image[index] = rng.integers(110, 160) + rng.integers(-6, 7, (HEIGHT, WIDTH, 1))
        named = rng.integers(len(COLOURS))
        instruction[index] = [2, 3, 5 + named, 4]
        fields = rng.choice(FIELDS**2, len(COLOURS), replace=False)
        for colour, field in zip(COLOURS.values(), fields, strict=True):
            top, left = field // FIELDS * high + rng.integers(2, 7), field % FIELDS * wide + rng.integers(2, 11)
            image[index, top : top + 16, left : left + 18] = np.array(colour) + rng.integers(-15, 16, 3)
        row, column = divmod(int(fields[named]), FIELDS)
        plan[index] = [4 * column + 2, 4 * row + 1, 3, 12]
        plan[index, 6:, 2], plan[index, 12:, 3] = 3 * row + 5, 2
    state = rng.uniform(LOW, HIGH, (count, JOINTS)).astype(np.float32)
    return {"image_overhead": image, "instruction": instruction, "state": state, "plan": plan}


def chunks(state: Tensor, tokens: Tensor) -> Tensor:
    """What the refiner learns: at each step go half of the way from where the arm stands to the planned bin."""
    middles, poses = RefinerEncoder()(state, tokens).chunk(2, -1)
    goals = [poses[:, 0]]
    for middle in middles.unbind(1):
        goals.append((goals[-1] + middle) / 2)
    return torch.stack(goals[1:], 1)


def train(planner: Planner, refiner: RefinerStep, rng: np.random.Generator, steps: int = 200) -> None:
    optimiser = torch.optim.AdamW([*planner.parameters(), *refiner.parameters()], 2e-3)
    for _ in range(steps):
        batch = {name: torch.from_numpy(array) for name, array in scenes(32, rng).items()}
        logits = planner(batch["image_overhead"], batch["instruction"])
        tokens = batch["plan"][:, :CHUNK_STEPS]
        clean, step = chunks(batch["state"], tokens), torch.randint(DENOISING_STEPS, (32,))
        signal = refiner.signal[step][:, None, None]
        sample = signal.sqrt() * clean + (1 - signal).sqrt() * torch.randn_like(clean)
        guess = refiner.clean(RefinerEncoder()(batch["state"], tokens), sample, step)
        loss = functional.cross_entropy(logits.flatten(0, 2), batch["plan"].flatten()) + (guess - clean).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def write_graph(module: nn.Module, inputs: dict[str, Tensor], output: str, path: Path) -> None:
    """Fixed shapes, FP32, opset 20, IR version 10."""
    names = {"input_names": list(inputs), "output_names": [output]}
    program = torch.onnx.export(module.eval(), tuple(inputs.values()), **names, opset_version=20, dynamo=True)
    program.model_proto.ir_version = 10
    onnx.save(program.model_proto, path)


def main(out: Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # as fast for so small a model, and it leaves the other cores alone
    rng = np.random.default_rng(0)
    planner, refiner = Planner(), RefinerStep()
    train(planner, refiner, rng)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.toml").write_text(MODEL_TOML)
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token=WORDS[1]))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tokenizer.save(str(out / "tokenizer.json"))
    samples = scenes(128, rng)
    samples["tokens"] = samples.pop("plan")[:, :CHUNK_STEPS]
    samples["sample"] = rng.standard_normal((128, CHUNK_STEPS, JOINTS), dtype=np.float32)
    np.savez_compressed(out / "calibration.npz", **samples, holdout=np.arange(128) >= 64)
    one = {name: torch.from_numpy(array[:1]) for name, array in samples.items()}
    seen = {name: one[name] for name in ("image_overhead", "instruction")}
    given = {name: one[name] for name in ("state", "tokens")}
    noisy = {"sample": one["sample"], "step": torch.zeros(1, dtype=torch.int64)}
    write_graph(planner, seen, "logits", out / "planner.onnx")
    write_graph(RefinerEncoder(), given, "features", out / "refiner_encoder.onnx")
    write_graph(refiner, {"features": RefinerEncoder()(**given), **noisy}, "sample_next", out / "refiner_step.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
