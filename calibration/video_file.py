"""Reads single pictures out of videos and image files; the one place that imports PyAV."""

from __future__ import annotations

import functools
import importlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from libra_edge.errors import MissingDependencyError
from libra_edge.messages import UInt8
from libra_edge.model_spec import CameraSection

SEEK_OVER_S = 1.0
"""Up to so far ahead it is quicker to decode on than to seek."""
DAMAGED = "is damaged or holds no pictures"


@functools.cache
def load_av() -> Any:
    """The module `av`. Raises MissingDependencyError."""
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise MissingDependencyError("av", "install it with: pip install 'libra-edge[lerobot]'") from error


def pictures_at(path: Path, times_s: Sequence[float], camera: CameraSection, *, tolerance_s: float) -> Iterator[UInt8]:
    """The pictures shown at `times_s` (ascending, seconds from the video's beginning): uint8 [H, W, 3] RGB each.

    One picture at a time is held. Raises ValueError, of one clause, if the video is damaged, of another size, or has no
    frame within `tolerance_s` of a time; MissingDependencyError.
    """
    name = "/".join(path.parts[-4:])
    with _opened(str(path), name) as container:
        frames: Iterator[Any] = iter(())
        position_s = -np.inf
        stream = container.streams.video[0]
        _check_size(stream.codec_context, camera, name)
        for time_s in times_s:
            if time_s - position_s > SEEK_OVER_S:
                container.seek(int(time_s / stream.time_base), stream=stream)
                frames = container.decode(stream)
            frame = next((one for one in frames if one.time is not None and one.time >= time_s - tolerance_s), None)
            if frame is None or frame.time > time_s + tolerance_s:
                raise ValueError(f"{name} has no frame at {time_s:.3f} s")
            position_s = frame.time
            yield _pixels(frame)


def decode_picture(data: bytes, camera: CameraSection, name: str) -> UInt8:
    """An encoded picture (PNG, JPEG): uint8 [H, W, 3] RGB. Raises ValueError, of one clause; MissingDependencyError."""
    with _opened(io.BytesIO(data), name) as container:
        stream = container.streams.video[0]
        _check_size(stream.codec_context, camera, name)
        return _pixels(next(container.decode(stream)))


def _pixels(frame: Any) -> UInt8:
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _check_size(sized: Any, camera: CameraSection, name: str) -> None:
    if sized is None or not sized.height:  # no decoder, or a head that says nothing
        raise ValueError(f"{name} {DAMAGED}")
    if (sized.height, sized.width) != (camera.height, camera.width):
        raise ValueError(
            f"camera {camera.name!r} is {sized.width}x{sized.height} in {name}, "
            f"the model takes {camera.width}x{camera.height}"
        )


@contextmanager
def _opened(source: Any, name: str) -> Iterator[Any]:
    """The open container, with a video stream in it; what PyAV raises becomes one clause."""
    av = load_av()
    try:
        with av.open(source) as container:
            if not container.streams.video:
                raise ValueError(f"{name} {DAMAGED}")
            yield container
    except av.error.FileNotFoundError as error:
        raise ValueError(f"{name} is missing") from error
    except (av.FFmpegError, StopIteration, OSError) as error:
        raise ValueError(f"{name} {DAMAGED}: {error}") from error
