"""Graphs of one operator each, repeated in a chain: nothing but its own cost is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from benchmarks.operators.chain import Chain

COPIES = 8
TOKENS = (16, 64, 200, 400)
WIDTHS = ((96, 96), (128, 384), (192, 768), (384, 384))
IMAGES = ((16, 56, 3), (32, 28, 3), (64, 28, 3), (64, 14, 3), (128, 14, 3), (256, 14, 1), (256, 7, 3))
"""Channels, size, kernel."""
SIZES = (2_000, 16_000, 128_000, 1_000_000)
ROWS = ((16, 64), (64, 192), (200, 200), (800, 256))


@dataclass(frozen=True, slots=True)
class Single:
    """One graph; `optimised` where the operator's fast kernel comes only from ONNX Runtime's optimiser."""

    kind: str
    model: ModelProto
    optimised: bool


def suite() -> Iterator[Single]:
    """All of them, kind by kind: what a kind contains besides itself comes before it."""
    yield from _elementwise()
    yield from _rows()
    yield from _layout()
    yield from _products()
    yield from _convolutions()


def _elementwise() -> Iterator[Single]:
    for size in SIZES:
        shape = [size // 100, 100]
        yield _single("pointwise", shape, lambda chain: chain.node("Sub", chain.last, chain.first))
        yield _single("pointwise", shape, lambda chain: chain.node("Relu", chain.last))
        yield _single("function", shape, lambda chain: chain.node("Erf", chain.last))
        yield _single("quantise", shape, _quantise)
    for size in SIZES[:2]:  # the first one copies the graph's input, which is little enough here
        yield _single("view", [size // 100, 100], lambda chain: chain.node("Reshape", chain.last, np.array([-1, 100])))


def _rows() -> Iterator[Single]:
    for rows, width in ROWS:
        scale = np.ones(width, np.float32)
        yield _single("softmax", [rows, width], lambda chain: chain.node("Softmax", chain.last, axis=-1))
        yield _single("norm", [rows, width], lambda chain, scale=scale: chain.norm(scale))
        yield _single("reduce", [rows, width], _centre)


def _layout() -> Iterator[Single]:
    for rows, width in ROWS:
        yield _single("turned", [rows, 4, width // 4], _turn)
        yield _single("cut", [rows, width], _slice)
        yield _single("cut", [rows, width], _double, copies=3)


def _products() -> Iterator[Single]:
    for tokens in TOKENS:
        for narrow, wide in WIDTHS:
            for kind, layer in (("product.fp32", Chain.linear), ("product.int8", Chain.int8_linear)):

                def pair(chain: Chain, layer: Callable[..., str] = layer, n: int = narrow, w: int = wide) -> None:
                    layer(chain, n, w)
                    layer(chain, w, n)

                yield _single(kind, [tokens, narrow], pair, copies=COPIES // 2, optimised=True)
        for width in (16, 64):
            yield _single("batched.fp32", [4, tokens, width], Chain.attention, optimised=True)


def _convolutions() -> Iterator[Single]:
    for channels, size, kernel in IMAGES:
        for kind, layer in (("convolution.fp32", Chain.conv), ("convolution.int8", Chain.int8_conv)):

            def one(chain: Chain, layer: Callable[..., str] = layer, c: int = channels, k: int = kernel) -> None:
                layer(chain, c, c, k, 1)

            yield _single(kind, [1, channels, size, size], one, copies=COPIES // 2, optimised=True)


def _quantise(chain: Chain) -> None:
    chain.node("QuantizeLinear", chain.last, np.float32(0.05), np.uint8(128))
    chain.node("DequantizeLinear", chain.last, np.float32(0.05), np.uint8(128))


def _turn(chain: Chain) -> None:
    chain.node("Transpose", chain.last, perm=[1, 0, 2])


def _centre(chain: Chain) -> None:
    values = chain.last
    chain.node("Sub", values, chain.node("ReduceMean", values, np.array([-1])))


def _double(chain: Chain) -> None:
    chain.node("Concat", chain.last, chain.last, axis=0)


def _slice(chain: Chain) -> None:
    """All rows but the last."""
    chain.node("Slice", chain.last, np.array([0]), np.array([-1]), np.array([0]))


def _single(
    kind: str,
    shape: list[int],
    step: Callable[[Chain], object],
    *,
    copies: int = COPIES,
    optimised: bool = False,
) -> Single:
    chain = Chain(shape)
    for _ in range(copies):
        step(chain)
    return Single(kind, chain.model(), optimised)
