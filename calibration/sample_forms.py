"""The arrays that a model's calibration samples consist of: names, dtypes and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.model_spec import ModelSpec

HOLDOUT = "holdout"
IMAGE = "image_"
"""Prefix of a camera's array."""

Array = NDArray[Any]


def array_forms(spec: ModelSpec) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Array name -> (dtype, shape without the sample axis)."""
    inputs = {**spec.planner_inputs(), **spec.refiner_encoder_inputs(), "sample": spec.refiner_step_inputs()["sample"]}
    return {HOLDOUT: ("bool", ()), **{name: (dtype, shape[1:]) for name, (dtype, shape) in inputs.items()}}


def empty_arrays(spec: ModelSpec, count: int) -> dict[str, Array]:
    """Array name -> zeros [`count`, ...], to be filled."""
    return {name: np.zeros((count, *shape), dtype) for name, (dtype, shape) in array_forms(spec).items()}


def cameras_of(spec: ModelSpec) -> dict[str, tuple[int, int]]:
    """Camera -> (height, width) of every camera that a graph looks through."""
    return {camera.name: (camera.height, camera.width) for camera in spec.camera if camera.used_by}
