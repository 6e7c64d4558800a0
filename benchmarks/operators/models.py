"""Two well-known networks with random weights, written down here: no coefficient was fitted on them.

Sources: ViT-Ti/16 (Touvron et al. 2021, table 1), ResNet-18 (He et al. 2016, table 1), each for a 224 x 224 picture.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto

from benchmarks.operators.chain import Chain

PICTURE = [1, 3, 224, 224]
WIDTH, HEADS, BLOCKS, TOKENS = 192, 3, 12, 196
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels, and pixels a step of the first block."""


def vit_tiny() -> ModelProto:
    """Patches of 16 x 16, twelve blocks, the mean of the tokens, a thousand classes."""
    chain = Chain(PICTURE)
    chain.node("Conv", chain.last, chain.noise(WIDTH, 3, 16, 16), chain.noise(WIDTH), strides=[16, 16])
    chain.node("Reshape", chain.last, np.array([WIDTH, TOKENS]))
    chain.node("Transpose", chain.last, perm=[1, 0])
    chain.node("Add", chain.last, chain.noise(TOKENS, WIDTH))
    for _ in range(BLOCKS):
        _attention(chain)
        _mlp(chain)
    chain.norm(np.ones(WIDTH, np.float32))
    chain.node("ReduceMean", chain.last, np.array([0]))
    chain.linear(WIDTH, 1000)
    return chain.model()


def resnet18() -> ModelProto:
    """Normalisation is folded into the convolutions, as every exporter for inference does."""
    chain = Chain(PICTURE)
    chain.conv(3, 64, 7, 2)
    chain.node("MaxPool", chain.last, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for width, stride in STAGES:
        _residual(chain, channels, width, stride)
        _residual(chain, width, width, 1)
        channels = width
    chain.node("GlobalAveragePool", chain.last)
    chain.node("Reshape", chain.last, np.array([1, channels]))
    chain.linear(channels, 1000)
    return chain.model()


def _attention(chain: Chain) -> None:
    residual = chain.last
    chain.norm(np.ones(WIDTH, np.float32))
    chain.linear(WIDTH, 3 * WIDTH)
    chain.node("Reshape", chain.last, np.array([TOKENS, 3, HEADS, WIDTH // HEADS]))
    heads = chain.node("Transpose", chain.last, perm=[1, 2, 0, 3])
    query, key, value = (chain.node("Gather", heads, np.array(index, np.int64), axis=0) for index in range(3))
    scores = chain.node("MatMul", query, chain.node("Transpose", key, perm=[0, 2, 1]))
    scaled = chain.node("Mul", scores, np.float32((WIDTH // HEADS) ** -0.5))
    chain.node("MatMul", chain.node("Softmax", scaled, axis=-1), value)
    chain.node("Transpose", chain.last, perm=[1, 0, 2])
    chain.node("Reshape", chain.last, np.array([TOKENS, WIDTH]))
    chain.linear(WIDTH, WIDTH)
    chain.node("Add", chain.last, residual)


def _mlp(chain: Chain) -> None:
    """The GELU in full, as it is exported at this opset."""
    residual = chain.last
    chain.norm(np.ones(WIDTH, np.float32))
    wide = chain.linear(WIDTH, 4 * WIDTH)
    chain.node("Erf", chain.node("Div", wide, np.float32(np.sqrt(2))))
    chain.node("Mul", wide, chain.node("Add", chain.last, np.float32(1)))
    chain.node("Mul", chain.last, np.float32(0.5))
    chain.linear(4 * WIDTH, WIDTH)
    chain.node("Add", chain.last, residual)


def _residual(chain: Chain, channels: int, width: int, stride: int) -> None:
    shortcut = chain.last
    if channels != width:
        weight, bias = chain.noise(width, channels, 1, 1), chain.noise(width)
        shortcut = chain.node("Conv", chain.last, weight, bias, strides=[stride] * 2)
        chain.last = chain.before(shortcut)
    chain.conv(channels, width, 3, stride)
    chain.node("Conv", chain.last, chain.noise(width, width, 3, 3), chain.noise(width), pads=[1] * 4)
    chain.node("Relu", chain.node("Add", chain.last, shortcut))
