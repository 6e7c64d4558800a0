"""A tiny, complete model directory, written with onnx.helper and numpy: what the other tests export, load and run.

Its weights are random but arranged so that the numbers mean something. The planner's logits are bell curves over the
bins, moved by the words, the pictures and the state. The refiner walks from the noise to the middle of the planned
bins, shifted a little by what its cameras see.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, save_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from libra_edge.export.exporter import ExportOptions, export_model
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory
from libra_edge.robot import open_robot
from tests.graph_builder import GraphBuilder

WORDS = ("touch", "pick", "up", "push", "the", "red", "green", "blue", "yellow", "cube")
TASKS = ("touch the {} cube", "pick up the {} cube", "push the {} cube")
CAMERAS = {"front": (180, 320), "wrist": (240, 424)}
JOINTS, BINS, CHUNK_STEPS, PLAN_STEPS, DENOISING_STEPS, MAX_TOKENS = 6, 10, 5, 10, 5, 8
SAMPLES, HELD_OUT, CANDIDATES = 48, 24, 240
SURE = 0.49
NOISE_SHARE = 0.05
"""What is left of the noise in the actions, of what was there."""
WORD_WIDTH, IMAGE_WIDTH, POSE_WIDTH, HIDDEN, SWITCHES = 16, 16, 8, 64, 32
Weights = NDArray[np.float32]

MODEL_TOML = """schema_version = 1
name = "tiny"

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
width = 320
height = 180
used_by = ["planner", "refiner"]

[[camera]]
name = "wrist"
width = 424
height = 240
used_by = ["planner", "refiner"]

[instruction]
max_tokens = {max_tokens}
examples = ["touch the red cube", "pick up the green cube"]

[inputs]
planner = ["state"]

[provenance]
license = "Apache-2.0"
author = "libra-edge tests"
data = "none"
training = "none: random weights"
"""


def write_tiny_model_directory(path: Path, *, seed: int = 0) -> Path:
    """Write model.toml, three graphs, tokenizer.json and calibration.npz into `path`; returns it."""
    path.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    _write_spec(path / "model.toml")
    _write_tokenizer(path / "tokenizer.json")
    _write_planner(path / "planner.onnx", rng)
    _write_refiner_encoder(path / "refiner_encoder.onnx", rng)
    _write_refiner_step(path / "refiner_step.onnx")
    _write_calibration(path, rng)
    return path


def write_tiny_bundle(path: Path, *, seed: int = 0) -> Path:
    """Export the tiny model (INT8 planner, FP16 refiner) to the new folder `path`; returns it."""
    with tempfile.TemporaryDirectory() as folder:
        directory = open_model_directory(write_tiny_model_directory(Path(folder), seed=seed))
        result = export_model(directory, ExportOptions(path), SilentProgress())
    assert result.sha256, f"gates failed: {result.failed}"
    return path


def _write_spec(path: Path) -> None:
    robot = open_robot("koch-sim")
    text = MODEL_TOML.format(
        bins=BINS,
        chunk_steps=CHUNK_STEPS,
        denoising_steps=DENOISING_STEPS,
        max_tokens=MAX_TOKENS,
        joints=", ".join(f'"{name}"' for name in robot.joint_names),
        low=[round(float(value), 6) for value in robot.low],
        high=[round(float(value), 6) for value in robot.high],
    )
    path.write_text(text, encoding="utf-8")


def _write_tokenizer(path: Path) -> None:
    vocabulary = {word: index for index, word in enumerate(("[PAD]", "[UNK]", *WORDS))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path))


def _random(rng: np.random.Generator, *shape: int) -> Weights:
    """Normal weights, scaled by the square root of their fan-in (all axes but the last)."""
    fan_in = max(1, int(np.prod(shape[:-1])))
    return np.asarray(rng.standard_normal(shape) / np.sqrt(fan_in), np.float32)


def _image_features(graph: GraphBuilder, camera: str, rng: np.random.Generator) -> str:
    """Every 20th pixel -> Conv -> Relu -> MatMul: float32 [1, IMAGE_WIDTH]."""
    height, width = CAMERAS[camera]
    image = graph.input(f"image_{camera}", TensorProto.UINT8, [1, height, width, 3])
    stride = [np.array(values) for values in ([0, 0], [height, width], [1, 2], [20, 20])]
    pixels = graph.node("Cast", graph.node("Slice", image, *stride), to=TensorProto.FLOAT)
    channels_first = graph.node("Transpose", graph.node("Mul", pixels, np.float32(1 / 255)), perm=[0, 3, 1, 2])
    kernel = 2 * _random(rng, 3, 3, 3, 8).transpose(3, 2, 0, 1)
    edges = graph.node("Relu", graph.node("Conv", channels_first, kernel, strides=[2, 2], pads=[1, 1, 1, 1]))
    rows, columns = (-(-side // 40) for side in (height, width))
    return graph.node("MatMul", graph.node("Flatten", edges), _random(rng, 8 * rows * columns, IMAGE_WIDTH))


def _write_planner(path: Path, rng: np.random.Generator) -> None:
    """Words, pictures and state -> 32 switches of +-1 -> logits that are bell curves over the bins."""
    graph = GraphBuilder("planner")
    seen = [_image_features(graph, camera, rng) for camera in CAMERAS]
    words = graph.input("instruction", TensorProto.INT64, [1, MAX_TOKENS])
    embedding = _random(rng, 1, len(WORDS) + 2, WORD_WIDTH)[0] * np.float32(4)
    embedding[0] = 0
    meaning = graph.node("ReduceSum", graph.node("Gather", embedding, words), np.array([1]), keepdims=0)
    state = graph.input("state", TensorProto.FLOAT, [1, JOINTS])
    pose = graph.node("Gemm", state, _random(rng, JOINTS, POSE_WIDTH), np.zeros(POSE_WIDTH, np.float32))
    everything = graph.node("Concat", meaning, *seen, pose, axis=1)
    mixing = _random(rng, WORD_WIDTH + 2 * IMAGE_WIDTH + POSE_WIDTH, HIDDEN)
    inner = graph.node("Gemm", everything, mixing, np.zeros(HIDDEN, np.float32))
    thresholds = rng.choice([-40, 40], SWITCHES).astype(np.float32)
    outer = graph.node("Gemm", graph.node("Relu", inner), 80 * _random(rng, HIDDEN, SWITCHES), thresholds)
    flat = graph.node("Gemm", graph.node("Tanh", outer), *_bell_curves(rng))
    shape = [1, PLAN_STEPS, JOINTS, BINS]
    graph.output("logits", graph.node("Reshape", flat, np.array(shape)), shape)
    save_model(graph.model(), path)


def _bell_curves(rng: np.random.Generator) -> tuple[Weights, Weights]:
    """Head whose logit of bin n is n * mean - n^2 / 2 (n counted from the middle): the nearest bin wins."""
    bins = np.arange(BINS) - (BINS - 1) / 2
    means = np.zeros((SWITCHES, PLAN_STEPS * JOINTS))
    for column in range(means.shape[1]):
        means[rng.choice(SWITCHES, 2, replace=False), column] = rng.choice([-0.5, 0.5], 2)
    base = rng.integers(2, BINS - 2, PLAN_STEPS * JOINTS) - (BINS - 1) / 2
    weight = (means[:, :, None] * bins).reshape(SWITCHES, -1)
    bias = (base[:, None] * bins - bins**2 / 2).reshape(-1)
    return weight.astype(np.float32), bias.astype(np.float32)


def _write_refiner_encoder(path: Path, rng: np.random.Generator) -> None:
    """Pictures, state and tokens -> features [1, H_chunk, D]: where each action of the chunk should end, normalised."""
    graph = GraphBuilder("refiner_encoder")
    seen = [_image_features(graph, camera, rng) for camera in CAMERAS]
    state = graph.input("state", TensorProto.FLOAT, [1, JOINTS])
    tokens = graph.input("tokens", TensorProto.INT64, [1, CHUNK_STEPS, JOINTS])
    codebook = ((np.arange(BINS) + 0.5) / BINS * 2 - 1).astype(np.float32)
    coarse = graph.node("Gather", codebook, tokens)
    view = graph.node("Concat", *seen, state, axis=1)
    shift = graph.node("MatMul", view, _random(rng, 2 * IMAGE_WIDTH + JOINTS, JOINTS))
    fine = graph.node("Mul", graph.node("Tanh", shift), np.float32(0.5 / BINS))
    graph.output("features", graph.node("Add", coarse, fine), [1, CHUNK_STEPS, JOINTS])
    save_model(graph.model(), path)


def _write_refiner_step(path: Path) -> None:
    """One Euler step of flow matching: sample + v / k with v = (target - sample) / (1 + share - step / k).

    `share` of the way is never walked, so that other noise leads to other actions.
    """
    graph = GraphBuilder("refiner_step")
    shape = [1, CHUNK_STEPS, JOINTS]
    features = graph.input("features", TensorProto.FLOAT, shape)
    sample = graph.input("sample", TensorProto.FLOAT, shape)
    step = graph.input("step", TensorProto.INT64, [1])
    step_length = np.float32(1 / DENOISING_STEPS)
    target = graph.node("MatMul", features, np.eye(JOINTS, dtype=np.float32))
    elapsed = graph.node("Mul", graph.node("Cast", step, to=TensorProto.FLOAT), step_length)
    remaining = graph.node("Sub", np.float32(1 + NOISE_SHARE), elapsed)
    velocity = graph.node("Div", graph.node("Sub", target, sample), remaining)
    graph.output("sample_next", graph.node("Add", sample, graph.node("Mul", velocity, step_length)), shape)
    save_model(graph.model(), path)


def _write_calibration(path: Path, rng: np.random.Generator) -> None:
    """Scenes of coloured blocks, one of the known tasks each, a pose in range, tokens and noise.

    Only such as the planner is sure of: were a switch half on, the last bit of a sum would decide about a bin.
    """
    robot = open_robot("koch-sim")
    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    instruction = np.zeros((CANDIDATES, MAX_TOKENS), np.int64)
    for row in instruction:
        ids = tokenizer.encode(str(rng.choice(TASKS)).format(rng.choice(WORDS[5:9]))).ids
        row[: len(ids)] = ids
    seen: dict[str, Any] = {
        **{f"image_{camera}": _scenes(rng, *size) for camera, size in CAMERAS.items()},
        "instruction": instruction,
        "state": rng.uniform(robot.low, robot.high, (CANDIDATES, JOINTS)).astype(np.float32),
    }
    sure = _sure_rows(path / "planner.onnx", seen)[:SAMPLES]
    assert len(sure) == SAMPLES
    arrays: dict[str, Any] = {
        **{name: array[sure] for name, array in seen.items()},
        "tokens": rng.integers(0, BINS, (SAMPLES, CHUNK_STEPS, JOINTS)),
        "sample": rng.standard_normal((SAMPLES, CHUNK_STEPS, JOINTS)).astype(np.float32),
        "holdout": np.arange(SAMPLES) >= SAMPLES - HELD_OUT,
    }
    np.savez_compressed(path / "calibration.npz", **arrays)


def _sure_rows(planner: Path, seen: dict[str, NDArray[Any]]) -> list[int]:
    """Rows whose every token wins by half a logit, as it does when all switches are +-1."""
    session = ort.InferenceSession(str(planner))
    rows = []
    for row in range(CANDIDATES):
        (logits,) = session.run(None, {name: array[row : row + 1] for name, array in seen.items()})
        best, second = np.sort(logits, axis=-1)[..., :-3:-1].transpose(3, 0, 1, 2)
        if np.min(best - second) > SURE:
            rows.append(row)
    return rows


def _scenes(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """uint8 [CANDIDATES, H, W, 3]: flat blocks of 20 pixels, like cubes on a table seen through a poor lens."""
    blocks = rng.integers(0, 256, (CANDIDATES, -(-height // 20), -(-width // 20), 3), dtype=np.uint8)
    return blocks.repeat(20, axis=1).repeat(20, axis=2)[:, :height, :width]
