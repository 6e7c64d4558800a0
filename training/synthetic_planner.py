"""A planner of any size with random weights: vision transformer, words, parallel decoder with learned queries.

Random weights have nothing to say, so the queries start from bits: what the sentence means, and a summary of what the
vision tower sees, each saturated to about +-1. The head reads these bits back from the stream, to which the decoder's
blocks have added by then, and turns them into bell curves over the bins. So the tokens depend on words and picture,
most of them clear of a bin's border, as those of a trained planner are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from training.streamed_graph import StreamedGraph
from training.transformer_block import TransformerBlocks, normal
from training.vocabulary import MAX_WORDS, VOCABULARY

JOINTS, BINS, PLAN_STEPS = 6, 10, 10
FRONT = (180, 320)
PATCH, ROWS, COLUMNS, STRIDE = 14, 6, 11, 2
PATCHES = ROWS * COLUMNS
HEAD_WIDTH = 64
WIDTH_OVER_DEPTH = 85
TOLERANCE = 0.08
WORD_BITS, PICTURE_BITS = 16, 16
BITS = WORD_BITS + PICTURE_BITS
BIT_STRENGTH = 4.0
"""Of a bit in the stream of a query, to which all blocks together add less than one."""
PICTURE_SHARPNESS = 20.0

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PlannerSize:
    """Width of the stream, and blocks in all; half of them are the vision tower."""

    width: int
    depth: int

    @property
    def parameters(self) -> int:
        """How many weights a planner of this size has, but for a few thousand."""
        block = 12 * self.width**2 + 13 * self.width
        ends = 3 * PATCH**2 + PATCHES + len(VOCABULARY) + MAX_WORDS + JOINTS + PLAN_STEPS * (1 + BITS)
        return self.depth * block + self.width * (self.width + ends + PICTURE_BITS + JOINTS * BINS)


def planner_size(parameters: float) -> PlannerSize:
    """The size nearest in shape to large vision-language models among those within 8 % of `parameters`.

    Raises ValueError below half a million, where no size fits.
    """
    sizes = [PlannerSize(width, depth) for width in range(HEAD_WIDTH, 8192, HEAD_WIDTH) for depth in range(2, 97)]
    fitting = [size for size in sizes if abs(size.parameters - parameters) <= TOLERANCE * parameters]
    if not fitting:
        raise ValueError(f"there is no planner of {parameters:g} parameters; ask for 1e6 to 1e10")
    return min(fitting, key=lambda size: abs(np.log(size.width / size.depth / WIDTH_OVER_DEPTH)))


def write_planner(path: Path, size: PlannerSize, rng: np.random.Generator, low: Weights, high: Weights) -> int:
    """Write `path` and `path`.data; returns the number of weights.

    `low` and `high`, float32 [D] radians, stand for -1 and +1.
    """
    with StreamedGraph(path) as graph:
        vision, decoder = size.depth // 2, size.depth - size.depth // 2
        seen = _vision_tower(graph, TransformerBlocks(graph, size.width, HEAD_WIDTH, vision, rng), rng)
        words = graph.input("instruction", TensorProto.INT64, [1, MAX_WORDS])
        state = graph.input("state", TensorProto.FLOAT, [1, JOINTS])
        blocks = TransformerBlocks(graph, size.width, HEAD_WIDTH, decoder, rng)
        bits = graph.node("Concat", _word_bits(graph, words, rng), _picture_bits(graph, seen, size, rng), axis=1)
        context = [
            blocks.linear("projector", seen, size.width),
            _words(graph, words, size, rng),
            _pose(graph, blocks, state, low, high),
        ]
        stream = graph.node("Concat", *context, _queries(graph, bits, size, rng), axis=1)
        stream = blocks.run("decoder", stream, PATCHES + MAX_WORDS + 1 + PLAN_STEPS)
        _head(graph, stream, size, rng)
    return graph.parameters


def _vision_tower(graph: StreamedGraph, blocks: TransformerBlocks, rng: np.random.Generator) -> str:
    """Front camera -> float32 [1, PATCHES, width], normalised."""
    image = graph.input("image_front", TensorProto.UINT8, [1, *FRONT, 3])
    ends = [STRIDE * PATCH * ROWS, STRIDE * PATCH * COLUMNS]
    cut = [np.array(values) for values in ([0, 0], ends, [1, 2], [STRIDE, STRIDE])]
    pixels = graph.node("Cast", graph.node("Slice", image, *cut), to=TensorProto.FLOAT)
    scaled = graph.node("Sub", graph.node("Mul", pixels, np.float32(2 / 255)), np.float32(1))
    channels_first = graph.node("Transpose", scaled, perm=[0, 3, 1, 2])
    width = blocks.width
    kernel = graph.weight("vision.patch.weight", normal(rng, 3 * PATCH**2, width).T.reshape(width, 3, PATCH, PATCH) * 2)
    bias = graph.weight("vision.patch.bias", np.zeros(width, np.float32))
    patches = graph.node("Conv", channels_first, kernel, bias, kernel_shape=[PATCH, PATCH], strides=[PATCH, PATCH])
    listed = graph.node("Transpose", graph.node("Reshape", patches, np.array([1, width, PATCHES])), perm=[0, 2, 1])
    places = graph.weight("vision.position", rng.standard_normal((PATCHES, width), np.float32) * np.float32(0.2))
    stream = blocks.run("vision", graph.node("Add", listed, places), PATCHES)
    return blocks.norm("vision.norm", stream)


def _word_bits(graph: StreamedGraph, words: str, rng: np.random.Generator) -> str:
    """Each word votes for or against a bit; padding does not: float32 [1, WORD_BITS]."""
    votes = rng.choice([-4.0, 4.0], (len(VOCABULARY), WORD_BITS)).astype(np.float32)
    votes[0] = 0
    table = graph.weight("bits.words", votes)
    counted = graph.node("ReduceSum", graph.node("Gather", table, words), np.array([1]), keepdims=0)
    return graph.node("Tanh", graph.node("Add", counted, np.float32(2)))


def _picture_bits(graph: StreamedGraph, seen: str, size: PlannerSize, rng: np.random.Generator) -> str:
    """Differences between parts of the picture, so that what all parts share cancels: float32 [1, PICTURE_BITS]."""
    signs = rng.permutation(np.resize([1.0, -1.0], PATCHES)) / np.sqrt(PATCHES)
    pooling = graph.weight("bits.pooling", signs.astype(np.float32)[:, None])
    pooled = graph.node("ReduceSum", graph.node("Mul", seen, pooling), np.array([1]), keepdims=0)
    reading = graph.weight("bits.picture", normal(rng, size.width, PICTURE_BITS) * np.float32(PICTURE_SHARPNESS))
    return graph.node("Tanh", graph.node("MatMul", pooled, reading))


def _words(graph: StreamedGraph, words: str, size: PlannerSize, rng: np.random.Generator) -> str:
    table = graph.weight("words", rng.standard_normal((len(VOCABULARY), size.width), np.float32))
    places = graph.weight("words.position", rng.standard_normal((MAX_WORDS, size.width), np.float32) * np.float32(0.2))
    return graph.node("Add", graph.node("Gather", table, words), places)


def _pose(graph: StreamedGraph, blocks: TransformerBlocks, state: str, low: Weights, high: Weights) -> str:
    centred = graph.node("Sub", state, (low + high) / 2)
    normalised = graph.node("Div", centred, (high - low) / 2)
    return graph.node("Unsqueeze", blocks.linear("state", normalised, JOINTS), np.array([1]))


def _queries(graph: StreamedGraph, bits: str, size: PlannerSize, rng: np.random.Generator) -> str:
    """Learned queries plus the bits, float32 [1, L_macro, width]: every control step takes them in another order."""
    spread = np.zeros((BITS, PLAN_STEPS, size.width), np.float32)
    for step in range(PLAN_STEPS):
        order = np.concatenate([rng.permutation(WORD_BITS), WORD_BITS + rng.permutation(PICTURE_BITS)])
        spread[:, step] = BIT_STRENGTH * _channels_of_bits(size.width)[order]
    weight = graph.weight("queries.bits", spread.reshape(BITS, -1))
    said = graph.node("Reshape", graph.node("MatMul", bits, weight), np.array([1, PLAN_STEPS, size.width]))
    learned = graph.weight("queries", rng.standard_normal((PLAN_STEPS, size.width), np.float32) * np.float32(0.1))
    return graph.node("Add", said, learned)


def _channels_of_bits(width: int) -> Weights:
    """Which channels carry which bit, and with which sign: float32 [BITS, width], rows at right angles."""
    channels = np.arange(width)
    signs = np.where(channels // BITS % 2, -1, 1)
    return np.asarray((channels % BITS == np.arange(BITS)[:, None]) * signs, np.float32)


def _head(graph: StreamedGraph, stream: str, size: PlannerSize, rng: np.random.Generator) -> None:
    """Logit of bin n is n * mean - n^2 / 2, n counted from the middle: the bin nearest to the mean wins.

    Words move every joint by up to three bins, the picture every second joint by half a bin.
    """
    bins = np.arange(BINS) - (BINS - 1) / 2
    means, constant = np.zeros((BITS, JOINTS)), np.full(JOINTS, 0.5)
    for joint in range(JOINTS):
        means[rng.choice(WORD_BITS, 2, replace=False), joint] = [2.0, 1.0]
    for joint in range(0, JOINTS, 2):
        means[WORD_BITS + rng.integers(PICTURE_BITS), joint] = 0.5
        constant[joint] = 0
    read = _channels_of_bits(size.width).T / (BIT_STRENGTH * size.width / BITS)
    weight = (read @ means)[:, :, None] * bins
    kernel = graph.weight("head.weight", weight.reshape(size.width, -1).astype(np.float32))
    bias = graph.weight("head.bias", (constant[:, None] * bins - bins**2 / 2).ravel().astype(np.float32))
    last = [np.array([value]) for value in (-PLAN_STEPS, np.iinfo(np.int64).max, 1)]
    flat = graph.node("Add", graph.node("MatMul", graph.node("Slice", stream, *last), kernel), bias)
    shape = [1, PLAN_STEPS, JOINTS, BINS]
    graph.output("logits", graph.node("Reshape", flat, np.array(shape)), shape)
