"""Trains one of the two systems for a stretch of time and leaves a checkpoint to go on from.

    python -m training.train planner --minutes 8 --data training/data --run training/runs/libra_base
    python -m training.train refiner --minutes 8 --data training/data --run training/runs/libra_base

Each takes one thread: on two cores, both side by side.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from libra_edge.drivers.simulation.tasks import ALL_TASKS
from training.architecture import BINS, CHUNK_STEPS, DENOISING_STEPS, Planner, Refiner, normalise, to_tokens
from training.dataset import Batch, Samples
from training.policy_actor import ACTION_RANGE
from training.vocabulary import VOCABULARY, encode

BATCH = 32
MAX_DELAY = 5
NOISES = 4
JITTER = 0.15
OWN_TOKENS = 0.6
SCENE_SHARE = 0.4
LOCATE_WEIGHT, REFINER_LOCATE_WEIGHT = 0.5, 0.1
SAVE_EVERY_S = 60.0
WARM_UP_STEPS = 200
AVERAGE_DECAY = 0.999
WEIGHT_DECAY = 0.02


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, and how fast: the learning rate falls from `rate` to `last_rate` along a cosine."""

    minutes: float
    rate: float
    last_rate: float

    def rate_at(self, fraction: float) -> float:
        """Learning rate at 0..1 of the time."""
        return self.last_rate + (self.rate - self.last_rate) * 0.5 * (1.0 + math.cos(math.pi * min(fraction, 1.0)))


class PlannerLoss:
    """Cross-entropy of the coarse tokens, and where the named cube is (decimetres)."""

    def __init__(self, model: Planner) -> None:
        self._model = model
        self._instructions = torch.tensor([encode(task.text) for task in ALL_TASKS])

    def __call__(self, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        model = self._model
        instruction = self._instructions[torch.from_numpy(batch.task).long()]
        front, state, goals, cube = (torch.from_numpy(x) for x in (batch.front, batch.state, batch.goals, batch.cube))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, cube_guess = model(front, instruction, state)
        target = to_tokens(normalise(goals, model.low, model.high))
        logits = logits.float()
        tokens = nn.functional.cross_entropy(logits.flatten(0, -2), target.flatten())
        located = (cube_guess.float() - cube * 10.0).abs().mean()
        exact = (logits.argmax(-1) == target).float().mean()
        return tokens + LOCATE_WEIGHT * located, {"exact": exact.item(), "cube_mm": located.item() * 100}


class RefinerLoss:
    """Distance of the predicted clean chunk from the expert's at a random denoising time, and where the cube is."""

    def __init__(self, model: Refiner) -> None:
        self._model = model

    def __call__(self, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        encoder = self._model.encoder
        front, wrist, state = (torch.from_numpy(x) for x in (batch.front, batch.wrist, batch.state))
        goals = torch.from_numpy(batch.goals[:, :CHUNK_STEPS])
        clean = normalise(goals, encoder.low, encoder.high).repeat_interleave(NOISES, 0)
        step = torch.randint(0, DENOISING_STEPS, (len(clean),))
        time_ = (step.float() / DENOISING_STEPS).reshape(-1, 1, 1)
        noisy = (1.0 - time_) * torch.randn_like(clean) + time_ * clean
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = encoder(front, wrist, state, self._tokens(batch, rng))
            guess = self._model.decoder(features, noisy, step)
            cube_guess = encoder.cube(features)
        located = (cube_guess.float() - torch.from_numpy(batch.cube) * 10.0).abs().mean()
        error = guess - clean
        milliradians = (error * 0.5 * (encoder.high - encoder.low)).abs().mean() * 1e3
        goals_loss = nn.functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05)
        told = {"mrad": milliradians.item(), "cube_mm": located.item() * 100}
        return goals_loss + REFINER_LOCATE_WEIGHT * located, told

    def _tokens(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """The planner's own tokens where they were recorded, else those of a stale plan, some off by one."""
        encoder = self._model.encoder
        tokens = to_tokens(normalise(torch.from_numpy(batch.stale_goals), encoder.low, encoder.high)).numpy()
        jitter = rng.choice([-1, 1], tokens.shape) * (rng.random(tokens.shape) < JITTER)
        tokens = np.clip(tokens + jitter, 0, BINS - 1)
        own = (batch.tokens[:, 0, 0] >= 0) & (rng.random(len(tokens)) < OWN_TOKENS)
        tokens[own] = batch.tokens[own]
        return torch.from_numpy(tokens).long()


class Trainer:
    """Model, its moving average, optimiser and step count; `save` and `load` carry all of it."""

    def __init__(self, system: str, run: Path) -> None:
        low, high = (torch.tensor(bound) for bound in ACTION_RANGE)
        self.model: Planner | Refiner = (
            Planner(low, high, len(VOCABULARY)) if system == "planner" else Refiner(low, high)
        )
        self.loss = PlannerLoss(self.model) if isinstance(self.model, Planner) else RefinerLoss(self.model)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=0.0, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98)
        )
        self.step = 0
        self._file = run / f"{system}.pt"
        if self._file.exists():
            self._load()

    def update(self, batch: Batch, rate: float, rng: np.random.Generator) -> dict[str, float]:
        """One step of the optimiser and of the moving average."""
        self.step += 1
        for group in self.optimiser.param_groups:
            group["lr"] = rate * min(1.0, self.step / WARM_UP_STEPS)
        loss, figures = self.loss(batch, rng)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        decay = min(AVERAGE_DECAY, 1.0 - 1.0 / (self.step + 1))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1.0 - decay)
        return figures

    def save(self) -> None:
        """Write aside, then rename: a killed run leaves the last whole checkpoint."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        aside = self._file.with_suffix(".tmp")
        torch.save(state, aside)
        aside.replace(self._file)

    def _load(self) -> None:
        state = torch.load(self._file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def round_weights(samples: Samples) -> NDArray[np.float64]:
    """Shares of the shards in a batch: scenes SCENE_SHARE; episodes by size, corrections counted twice."""
    sizes = np.array(samples.sizes, dtype=np.float64)
    is_scene = np.array([name.startswith("s") for name in samples.rounds])
    weights = sizes * [1.0 if name == "r0" else 2.0 for name in samples.rounds]
    weights[~is_scene] *= (1.0 - SCENE_SHARE * is_scene.any()) / weights[~is_scene].sum()
    weights[is_scene] *= SCENE_SHARE / max(weights[is_scene].sum(), 1.0)
    return weights / weights.sum()


def train(system: str, data: Path, run: Path, schedule: Schedule, seed: int) -> None:
    """Train for `schedule.minutes`, from the run's checkpoint if there is one."""
    trainer = Trainer(system, run)
    torch.manual_seed(seed + trainer.step)
    rng = np.random.default_rng([seed, trainer.step])
    samples = Samples(data)
    weights = round_weights(samples)
    started = saved = time.monotonic()
    smooth: dict[str, float] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(system, total=schedule.minutes * 60)
        while (elapsed := time.monotonic() - started) < schedule.minutes * 60:
            rate = schedule.rate_at(elapsed / (schedule.minutes * 60))
            figures = trainer.update(samples.draw(rng, BATCH, weights, MAX_DELAY), rate, rng)
            smooth = {name: 0.98 * smooth.get(name, value) + 0.02 * value for name, value in figures.items()}
            told = ", ".join(f"{name} {value:.3g}" for name, value in smooth.items())
            progress.update(bar, completed=elapsed, description=f"{system} step {trainer.step}: {told}")
            if time.monotonic() - saved > SAVE_EVERY_S:
                trainer.save()
                print(f"{system}: step {trainer.step}, {told}", flush=True)
                saved = time.monotonic()
    trainer.save()
    print(
        f"{system}: step {trainer.step}, {told}, {len(samples.sizes)} shards, {sum(samples.sizes)} samples", flush=True
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=["planner", "refiner"])
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--last-rate", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    schedule = Schedule(options.minutes, options.rate, options.last_rate)
    train(options.system, options.data, options.run, schedule, options.seed)


if __name__ == "__main__":
    main()
