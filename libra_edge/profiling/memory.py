"""What memory goes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from libra_edge.model_spec import ModelSpec

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """In MiB.

    Attributes:
        engines: by graph, the file that is loaded: weights, and for TensorRT its kernels.
        io: what the graphs are handed and hand out, once.
        host: this process in RAM, after the measurements; None where Linux does not tell.
        peak: the most that it ever was.
    """

    engines: dict[str, float]
    io: float
    host: float | None
    peak: float | None


def memory_of(engine_files: Mapping[str, Path], spec: ModelSpec, status: Path = Path("/proc/self/status")) -> Memory:
    """`engine_files` by graph; `status` as in proc_pid_status(5)."""
    engines = {name: round(_size(path) / MIB, 3) for name, path in engine_files.items()}
    tensors = [
        *spec.planner_inputs().values(),
        *spec.planner_outputs().values(),
        *spec.refiner_encoder_inputs().values(),
        *spec.refiner_step_inputs().values(),
    ]
    io_bytes = sum(int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize for dtype, shape in tensors)
    return Memory(engines, round(io_bytes / MIB, 3), _resident(status, "VmRSS"), _resident(status, "VmHWM"))


def _size(path: Path) -> int:
    """With the weights that an ONNX file keeps beside it."""
    beside = path.with_name(f"{path.name}.data")
    return path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)


def _resident(status: Path, field: str) -> float | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB$", status.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return None if found is None else round(int(found[1]) / 1024, 1)
