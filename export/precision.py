"""`precision.<target>.toml` of a model directory: which layers keep which precision on that target, and why.

`libra-edge export --tune` measures and writes it; a plain export reads it, and so gives the same bytes every time. It
names the graphs that it was measured on: for others it is announced as outdated, and used all the same.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from libra_edge.bundle import Sha256, Target, sha256_of
from libra_edge.errors import ModelDirectoryError
from libra_edge.model_directory import GRAPHS, ModelDirectory
from libra_edge.model_spec import Finite
from libra_edge.toml_file import read_toml

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Measured = Annotated[Finite, AfterValidator(lambda value: float(f"{value:.4g}"))]
"""Four digits: more would be noise."""
Percentile = Annotated[float, Field(gt=50, le=100, allow_inf_nan=False)]
Method = Literal["min-max", "percentile", "entropy"]
SAFE_FP32 = ("normalisation", "softmax", "pictures", "sampler", "elementwise")
"""Without a measurement, only products are computed in 16 bit."""
HEADING = "# Measured by `libra-edge export --tune` for target {}; a plain export follows it.\n"


class Section(BaseModel):
    """A frozen table that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Calibrating(Section):
    """How INT8 ranges are set; a smoothing of 0 is none."""

    method: Method = "min-max"
    percentile: Percentile = 99.999
    smoothing: Share = 0.0

    @property
    def label(self) -> str:
        """For people."""
        name = f"{self.method} {self.percentile:g}" if self.method == "percentile" else self.method
        return f"{name}, smoothed by {self.smoothing:g}" if self.smoothing else name


class PlannerPrecision(Calibrating):
    """How the planner is quantised.

    Attributes:
        not_int8: layer groups, and nodes by name, that stay out of INT8.
        fp32: groups of operators, and nodes by name, that stay in FP32 where the rest is FP16 (target `tensorrt`).
    """

    not_int8: tuple[str, ...] = ()
    fp32: tuple[str, ...] = SAFE_FP32

    @property
    def calibrating(self) -> Calibrating:
        """How its ranges are set."""
        return Calibrating(method=self.method, percentile=self.percentile, smoothing=self.smoothing)


class RefinerPrecision(Section):
    """How the refiner is rounded: `fp32` as in `PlannerPrecision`."""

    fp32: tuple[str, ...] = SAFE_FP32


class Sensitivity(Section):
    """What a group costs in accuracy when it alone loses precision, and what that saves.

    Attributes:
        stage: planner or refiner.
        precision: the one it was tried in.
        share: of the stage's multiply-adds.
        error: planner: relative error of the logits. Refiner: mean change of an action, degrees, of the worst joint.
        exact: planner: share of tokens that stay the same.
        saved_ms: what the stage gains by it; None where it cannot be timed.
        kept: whether it stays in that precision.
    """

    stage: Literal["planner", "refiner"]
    group: str
    precision: str
    nodes: int
    share: Share
    error: Measured
    exact: Share | None = None
    saved_ms: Measured | None = None
    kept: bool


class MethodTried(Calibrating):
    """What a way of setting ranges does to the planner when every layer is INT8."""

    error: Measured
    exact: Share
    within_one: Share
    chosen: bool


class Precision(Section):
    """The whole file.

    Attributes:
        measured_on: file of the model directory -> SHA-256, of the graphs it was measured on.
    """

    schema_version: Literal[1] = 1
    planner: PlannerPrecision = PlannerPrecision()
    refiner: RefinerPrecision = RefinerPrecision()
    measured_on: dict[str, Sha256] = {}
    methods: tuple[MethodTried, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()


def precision_file(target: Target) -> str:
    """Name of the file for a target."""
    return f"precision.{target}.toml"


def read_precision(folder: Path, target: Target) -> Precision | None:
    """What was measured for this target, None if nothing was. Raises ModelDirectoryError."""
    path = folder / precision_file(target)
    if not path.exists():
        return None
    try:
        return read_toml(path, Precision)
    except (ValueError, OSError) as error:
        raise ModelDirectoryError(folder, f"{error}; make it anew with --tune, or remove it") from error


def write_precision(folder: Path, target: Target, precision: Precision) -> None:
    """Write the file in one step. Raises ModelDirectoryError."""
    path = folder / precision_file(target)
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_text(precision_text(precision, target), encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        problem = f"{path.name} cannot be written ({error.strerror or error}); tune a copy of it that you may write to"
        raise ModelDirectoryError(folder, problem) from error


def precision_text(precision: Precision, target: Target) -> str:
    """The file's content."""
    table = precision.model_dump(mode="json", exclude_none=True)
    return HEADING.format(target) + tomli_w.dumps(table)


def outdated(precision: Precision, directory: ModelDirectory) -> bool:
    """Whether it was measured on other graphs than the directory's."""
    files = {file.name: sha256_of(file) for name in GRAPHS for file in directory.graph_files(name)}
    return precision.measured_on != files
