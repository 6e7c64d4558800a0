"""Pictures as JPEG: a tenth of the bytes, and not quite what the policy saw. Pillow does it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from libra_edge.messages import UInt8

QUALITY = 90
MAX_SIDE = 8192


def to_jpeg(picture: UInt8, quality: int = QUALITY, most_pixels_wide: int = MAX_SIDE) -> bytes:
    """`picture`: uint8 [H, W, 3] RGB, made smaller if it is wider than that."""
    file, image = io.BytesIO(), Image.fromarray(picture)
    if image.width > most_pixels_wide:
        image = image.resize((most_pixels_wide, max(1, round(image.height * most_pixels_wide / image.width))))
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def from_jpeg(data: bytes) -> UInt8:
    """uint8 [H, W, 3] RGB. Raises ValueError for what is no JPEG, or one of more than MAX_SIDE pixels a side."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if max(image.size) > MAX_SIDE:
                raise ValueError(f"a picture of {image.size[0]}x{image.size[1]}")
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"no JPEG picture: {error}") from error
