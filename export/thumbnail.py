"""A camera picture as a small PNG inside a page: no imaging library is needed to write one."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

WIDTH = 240


def png_data_uri(image: NDArray[np.uint8]) -> str:
    """uint8 [H, W, 3], RGB -> `data:image/png;base64,...`, every n-th pixel so that it is about 240 wide."""
    every = max(1, image.shape[1] // WIDTH)
    small = np.ascontiguousarray(image[::every, ::every])
    return f"data:image/png;base64,{base64.b64encode(_png(small)).decode()}"


def _png(image: NDArray[np.uint8]) -> bytes:
    """Source: PNG specification, third edition, sections 5 and 11 (8-bit truecolour, filter 0 on every row)."""
    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
