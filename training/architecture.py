"""The reference policy's two systems, small enough to train on a laptop.

Planner: the front camera, the instruction's words, the joint state and ten learned queries attend to each other; one
pass gives the coarse tokens of ten control steps. Refiner: its own eyes (front and wrist) and the tokens of five
steps; a flow-matching decoder turns noise into goals. Source of the split: Libra-VLA, arXiv 2604.24921.

Both take the cameras' own bytes: cutting, scaling and normalising happen inside. B batch, D joints, N bins.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from training.vocabulary import MAX_WORDS

JOINTS, BINS, PLAN_STEPS, CHUNK_STEPS, DENOISING_STEPS = 6, 10, 10, 5, 5
KEYPOINTS, SHARPNESS = 8, 8.0


class Attention(nn.Module):
    """Multi-head attention written out: on a CPU in bfloat16 this trains faster than the fused kernel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.key_value(context).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(-1, -2)) * (query.shape[-1] ** -0.5)
        return self.out((weights.softmax(-1) @ value).transpose(1, 2).flatten(-2))


class Block(nn.Module):
    """Pre-norm transformer block; with `cross` it also looks at a context.

    x may hold several samples for each row of the context (in order), which then share its keys and values.
    """

    def __init__(self, width: int, heads: int, *, cross: bool = False) -> None:
        super().__init__()
        self.norm_self, self.attend_self = nn.LayerNorm(width), Attention(width, heads)
        self.norm_cross = nn.LayerNorm(width) if cross else None
        self.attend_cross = Attention(width, heads) if cross else None
        self.norm_feed = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        normed = self.norm_self(x)
        x = x + self.attend_self(normed, normed)
        if self.norm_cross is not None and self.attend_cross is not None and context is not None:
            asked = self.norm_cross(x).reshape(len(context), -1, x.shape[-1])
            x = x + self.attend_cross(asked, context).reshape(x.shape)
        return x + self.feed(self.norm_feed(x))


class Stem(nn.Module):
    """Pixels to tokens: a grid at stride 16, and a few keypoints that say exactly where something is.

    A keypoint is the mean position of a soft map over the stride-4 grid (spatial softmax, arXiv 1504.00702): it finds
    things to a fraction of a cell, which grid tokens alone learn slowly.
    """

    def __init__(self, width: int, rows: int, columns: int) -> None:
        super().__init__()
        channels = (3, 24, 48, 96, width)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.mix = nn.Linear(width, width)
        self.position = nn.Parameter(torch.randn(1, rows * columns, width) * 0.02)
        self.maps = nn.Conv2d(channels[2], KEYPOINTS, 3, padding=1)
        self.place = nn.Linear(2, width)
        self.identity = nn.Parameter(torch.randn(1, KEYPOINTS, width) * 0.02)

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1] -> [B, rows * columns + KEYPOINTS, width]."""
        fine = self.convolutions[:4](pixels)
        grid = self.mix(self.convolutions[4:](fine).flatten(2).transpose(1, 2)) + self.position
        points = self.place(spatial_mean(self.maps(fine).float() * SHARPNESS)) + self.identity
        return torch.cat([grid, points.to(grid.dtype)], 1)


def spatial_mean(maps: Tensor) -> Tensor:
    """Mean position of the softmax of each map: [B, K, rows, columns] -> [B, K, 2], each -1..1."""
    rows, columns = maps.shape[-2:]
    weights = maps.flatten(2).softmax(-1).unflatten(-1, (rows, columns))
    across = torch.linspace(-1.0, 1.0, columns)
    down = torch.linspace(-1.0, 1.0, rows)
    return torch.stack([(weights.sum(2) * across).sum(-1), (weights.sum(3) * down).sum(-1)], -1)


def _scale(picture: Tensor) -> Tensor:
    return picture.permute(0, 3, 1, 2).float() * (2.0 / 255.0) - 1.0


def normalise(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Radians to [-1, 1]."""
    return (values - low) / (high - low) * 2.0 - 1.0


def to_tokens(normalised: Tensor) -> Tensor:
    """[-1, 1] to bins 0..N-1."""
    return ((normalised + 1.0) * 0.5 * BINS).floor().clamp(0, BINS - 1).long()


class Planner(nn.Module):
    """Semantic planner; `low` and `high` float32 [6] rad are the normalised -1 and +1."""

    def __init__(self, low: Tensor, high: Tensor, vocabulary: int, width: int = 160, depth: int = 4) -> None:
        super().__init__()
        self.register_buffer("low", low)
        self.register_buffer("high", high)
        self.front = Stem(width, 6, 10)
        self.words = nn.Embedding(vocabulary, width)
        self.word_position = nn.Parameter(torch.randn(1, MAX_WORDS, width) * 0.02)
        self.state = nn.Linear(JOINTS, width)
        self.queries = nn.Parameter(torch.randn(1, PLAN_STEPS, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, 5) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, JOINTS * BINS)
        self.locate = nn.Linear(width, 3)

    def forward(self, front: Tensor, instruction: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, 10, 6, N], and where it thinks the named cube is, [B, 3] in decimetres (a training aid)."""
        batch = front.shape[0]
        parts = [
            self.front(_scale(front)),
            self.words(instruction) + self.word_position,
            self.state(normalise(state, self.low, self.high)).unsqueeze(1),
            self.queries.expand(batch, -1, -1),
        ]
        x = torch.cat(parts, 1)
        for block in self.blocks:
            x = block(x)
        queries = self.norm(x[:, -PLAN_STEPS:])
        logits = self.head(queries).unflatten(-1, (JOINTS, BINS))
        return logits, self.locate(queries.mean(1))


class RefinerEncoder(nn.Module):
    """What a chunk's five denoising steps share: features [B, F, width]; the last row carries the normalised state."""

    def __init__(self, low: Tensor, high: Tensor, width: int = 160, depth: int = 2) -> None:
        super().__init__()
        self.register_buffer("low", low)
        self.register_buffer("high", high)
        self.width = width
        self.front = Stem(width, 6, 10)
        self.wrist = Stem(width, 5, 8)
        self.state = nn.Linear(JOINTS, width)
        self.codebook = nn.Parameter(torch.randn(JOINTS, BINS, width) * 0.05)
        self.token_position = nn.Parameter(torch.randn(1, CHUNK_STEPS, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, 5) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.locate = nn.Linear(width, 3)

    def forward(self, front: Tensor, wrist: Tensor, state: Tensor, tokens: Tensor) -> Tensor:
        normalised = normalise(state, self.low, self.high)
        offsets = torch.arange(JOINTS, device=tokens.device) * BINS
        coarse = nn.functional.embedding(tokens + offsets, self.codebook.flatten(0, 1)).sum(2) + self.token_position
        seen = [self.front(_scale(front)), self.wrist(_scale(wrist))]
        x = torch.cat([*seen, self.state(normalised).unsqueeze(1), coarse], 1)
        for block in self.blocks:
            x = block(x)
        carried = nn.functional.pad(normalised, (0, self.width - JOINTS)).unsqueeze(1)
        return torch.cat([self.norm(x), carried.to(x.dtype)], 1)

    def cube(self, features: Tensor) -> Tensor:
        """Where it thinks the meant cube is, [B, 3] in decimetres (a training aid)."""
        return self.locate(features[:, -1 - CHUNK_STEPS : -1].mean(1))


class RefinerDecoder(nn.Module):
    """Predicts the clean chunk from a noisy one: goals as offsets from where the arm stands."""

    def __init__(self, width: int = 160, depth: int = 3) -> None:
        super().__init__()
        self.sample = nn.Linear(JOINTS, width)
        self.position = nn.Parameter(torch.randn(1, CHUNK_STEPS, width) * 0.02)
        self.time = nn.Embedding(DENOISING_STEPS, width)
        self.context = nn.Linear(width, width)
        self.blocks = nn.ModuleList(Block(width, 5, cross=True) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, JOINTS)

    def forward(self, features: Tensor, sample: Tensor, step: Tensor) -> Tensor:
        """Features [B, F, width], sample [S * B, 5, 6] normalised, step [S * B] in 0..4 -> clean sample [S * B, 5, 6].

        S samples in a row belong to the same features; at run time S = 1.
        """
        samples = len(sample) // len(features)
        state = features[:, -1:, :JOINTS]
        if samples > 1:
            state = state.repeat_interleave(samples, 0)
        context = self.context(features[:, :-1])
        x = self.sample(sample - state) + self.position + self.time(step).unsqueeze(1)
        for block in self.blocks:
            x = block(x, context)
        return state.float() + self.head(self.norm(x)).float()


def euler_step(sample: Tensor, clean: Tensor, step: Tensor) -> Tensor:
    """One of five equal steps of the straight flow from noise (time 0) to the clean chunk (time 1), in FP32.

    The velocity at time t is (clean - sample) / (1 - t); a step is 1/5 long. Source: flow matching, arXiv 2210.02747.
    """
    left = (DENOISING_STEPS - step.float()).reshape(-1, 1, 1)
    return sample + (clean - sample) / left


class Refiner(nn.Module):
    """Encoder and decoder together, as they are trained."""

    def __init__(self, low: Tensor, high: Tensor) -> None:
        super().__init__()
        self.encoder = RefinerEncoder(low, high)
        self.decoder = RefinerDecoder()

    @torch.no_grad()
    def refine(self, front: Tensor, wrist: Tensor, state: Tensor, tokens: Tensor, noise: Tensor) -> Tensor:
        """Normalised goals [B, 5, 6] from noise [B, 5, 6]."""
        features = self.encoder(front, wrist, state, tokens)
        sample = noise
        for step in range(DENOISING_STEPS):
            index = torch.full((len(noise),), step)
            sample = euler_step(sample, self.decoder(features, sample, index), index)
        return sample


def parameters_of(module: nn.Module) -> int:
    """How many weights a module has."""
    return sum(math.prod(weight.shape) for weight in module.parameters())
