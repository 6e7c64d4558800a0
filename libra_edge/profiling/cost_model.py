"""How long a task takes on a machine with such peaks: the ideal time, times what is known to be lost of it.

An ideal time is work over peak. Each kind of work has coefficients: by how much its computing, its reading of weights
and its handling of other tensors exceed the ideal. On one core these follow one another, so their times are added; a
GPU does them at once, so the longest counts. A constant for each task comes on top.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from libra_edge.profiling.executed_work import HEADS, Task
from libra_edge.profiling.peaks import Peaks
from libra_edge.toml_file import read_toml

Times = Annotated[float, Field(ge=0, le=1e4, allow_inf_nan=False)]


class Table(BaseModel):
    """What it does not name it does not take."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Coefficients(Table):
    """Of one kind of work.

    Attributes:
        compute: times the ideal; of work other than products: operations for each element, at the FP32 peak.
        weights, tensors: times the ideal, of bytes.
        constant_us: for each task.
    """

    compute: Times = 0.0
    weights: Times = 0.0
    tensors: Times = 0.0
    constant_us: Times = 0.0


class CostModel(Table):
    """Kind of work, for products with their precision (`product.int8`), to its coefficients.

    Attributes:
        run_us: for each run of a graph.
    """

    combine: Literal["sum", "longest"]
    run_us: Times = 0.0
    kinds: dict[str, Coefficients]

    def seconds(self, task: Task, peaks: Peaks, weights: int) -> float:
        """`weights`: bytes of all weights of the graph, which go by between two uses of one."""
        known = self._of(task)
        ideal = ideal_seconds(task, peaks, weights)
        parts = (known.compute * ideal.compute, known.weights * ideal.weights, known.tensors * ideal.tensors)
        joined = sum(parts) if self.combine == "sum" else max(parts[0], parts[1] + parts[2])
        return joined + known.constant_us * 1e-6

    def _of(self, task: Task) -> Coefficients:
        """Products in a precision that nobody knows are taken for FP32's."""
        if task.kind not in HEADS:
            return self.kinds[task.kind]
        return self.kinds.get(f"{task.kind}.{task.precision}") or self.kinds[f"{task.kind}.fp32"]


@dataclass(frozen=True, slots=True)
class IdealSeconds:
    """Work over peak: of computing, of reading the weights, of all other tensors."""

    compute: float
    weights: float
    tensors: float


def ideal_seconds(task: Task, peaks: Peaks, weights: int) -> IdealSeconds:
    """Weights of products come from where all of the graph's weights fit, the rest from where it fits itself."""
    if task.kind in HEADS:
        moved, stored = task.tensor_bytes, task.weight_bytes
        compute = task.flops / peaks.flops_per_s(task.precision)
    else:
        moved, stored = task.tensor_bytes + task.weight_bytes, 0
        compute = task.elements / peaks.flops_per_s("fp32")
    return IdealSeconds(compute, stored / peaks.bytes_per_s(weights), moved / peaks.bytes_per_s(moved))


def expected_seconds(tasks: Iterable[Task], peaks: Peaks, model: CostModel) -> float:
    """Of one run of a graph."""
    listed = list(tasks)
    weights = sum(task.weight_bytes for task in listed)
    return model.run_us * 1e-6 + sum(model.seconds(task, peaks, weights) for task in listed)


def least_seconds(tasks: Iterable[Task], peaks: Peaks, in_and_out: int) -> float:
    """No machine with these peaks is faster: all products at peak, or each weight, input and output moved once.

    `in_and_out`: bytes of the graph's inputs and outputs.
    """
    listed = list(tasks)
    compute = sum(task.flops / peaks.flops_per_s(task.precision) for task in listed if task.kind in HEADS)
    moved = in_and_out + sum(task.weight_bytes for task in listed)
    return max(compute, moved / peaks.bytes_per_s(moved))


def onnxruntime_costs() -> CostModel:
    """Fitted on single operators, see benchmarks/operators/."""
    with as_file(files("libra_edge.profiling").joinpath("costs_onnxruntime.toml")) as path:
        return read_toml(path, CostModel)
