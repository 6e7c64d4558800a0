"""What an engine is handed, held against what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import EngineError


def check_inputs(
    stage: str, signature: Mapping[str, tuple[str, tuple[int, ...]]], inputs: Mapping[str, NDArray[Any]]
) -> None:
    """Raises EngineError if an input is missing, or of another dtype or shape than the graph takes."""
    for name, (dtype, shape) in signature.items():
        if name not in inputs:
            raise EngineError(stage, f"input {name!r} is missing")
        array = inputs[name]
        if array.dtype != np.dtype(dtype) or array.shape != shape:
            got = f"{array.dtype} {list(array.shape)}"
            raise EngineError(stage, f"input {name!r} is {got}, the graph takes {dtype} {list(shape)}")
