"""A small refiner with random weights, beside a synthetic planner: it walks from the noise towards the planned bins.

As real ones do, it takes the plan as a hint (its eyes have their say), and other noise leads it elsewhere.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from onnx import TensorProto

from training.streamed_graph import StreamedGraph
from training.transformer_block import normal

JOINTS, BINS, CHUNK_STEPS, DENOISING_STEPS = 6, 10, 5, 5
CAMERAS = {"front": (180, 320), "wrist": (240, 424)}
STRIDE = 10
CHANNELS = (3, 16, 24)
HINT = 0.25
"""How far a plan moves an action, over how far it says."""
NOISE_SHARE = 0.1
"""Share of the way from the noise that is never walked."""


def write_refiner_encoder(path: Path, rng: np.random.Generator) -> None:
    """Pictures, state and tokens -> features float32 [1, H_chunk, D]: where each action should end, normalised."""
    with StreamedGraph(path) as graph:
        seen = [_picture(graph, camera, rng) for camera in CAMERAS]
        state = graph.input("state", TensorProto.FLOAT, [1, JOINTS])
        tokens = graph.input("tokens", TensorProto.INT64, [1, CHUNK_STEPS, JOINTS])
        middles = graph.weight("middles", (HINT * ((np.arange(BINS) + 0.5) / BINS * 2 - 1)).astype(np.float32))
        view = graph.node("Concat", *seen, state, axis=1)
        shift = graph.weight("shift.weight", normal(rng, len(CAMERAS) * CHANNELS[-1] + JOINTS, JOINTS))
        fine = graph.node("Mul", graph.node("Tanh", graph.node("MatMul", view, shift)), np.float32(0.5 / BINS))
        coarse = graph.node("Gather", middles, tokens)
        graph.output("features", graph.node("Add", coarse, fine), [1, CHUNK_STEPS, JOINTS])


def _picture(graph: StreamedGraph, camera: str, rng: np.random.Generator) -> str:
    """Every tenth pixel through two convolutions, then their mean: float32 [1, CHANNELS[-1]]."""
    height, width = CAMERAS[camera]
    image = graph.input(f"image_{camera}", TensorProto.UINT8, [1, height, width, 3])
    cut = [np.array(values) for values in ([0, 0], [height, width], [1, 2], [STRIDE, STRIDE])]
    pixels = graph.node("Cast", graph.node("Slice", image, *cut), to=TensorProto.FLOAT)
    scaled = graph.node("Sub", graph.node("Mul", pixels, np.float32(2 / 255)), np.float32(1))
    values = graph.node("Transpose", scaled, perm=[0, 3, 1, 2])
    for index, (before, after) in enumerate(itertools.pairwise(CHANNELS)):
        kernel = 2 * normal(rng, 9 * before, after).T.reshape(after, before, 3, 3)
        weight = graph.weight(f"{camera}.{index}.weight", kernel)
        values = graph.node("Relu", graph.node("Conv", values, weight, strides=[2, 2], pads=[1, 1, 1, 1]))
    return graph.node("Flatten", graph.node("GlobalAveragePool", values))


def write_refiner_step(path: Path) -> None:
    """One Euler step of flow matching (arXiv 2210.02747): sample + (target - sample) / (k (1 + share) - step).

    `share` of the way is never walked.
    """
    with StreamedGraph(path) as graph:
        shape = [1, CHUNK_STEPS, JOINTS]
        features = graph.input("features", TensorProto.FLOAT, shape)
        sample = graph.input("sample", TensorProto.FLOAT, shape)
        step = graph.node("Cast", graph.input("step", TensorProto.INT64, [1]), to=TensorProto.FLOAT)
        target = graph.node("MatMul", features, graph.weight("target.weight", np.eye(JOINTS, dtype=np.float32)))
        left = graph.node("Sub", np.float32(DENOISING_STEPS * (1 + NOISE_SHARE)), step)
        moved = graph.node("Div", graph.node("Sub", target, sample), left)
        graph.output("sample_next", graph.node("Add", sample, moved), shape)
