"""`profile.json`: what a profile says, for machines. docs/profiling.md describes every key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libra_edge.errors import ConfigError
from libra_edge.toml_file import first_fault

MAX_BYTES = 20_000_000

Ms = Annotated[float, Field(ge=-1e9, le=1e9)]
Count = Annotated[int, Field(ge=0)]


class Entry(BaseModel):
    """What it does not name it does not take."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FiguresEntry(Entry):
    """Quantiles of `n` times, ms."""

    p50: Ms
    p90: Ms
    p99: Ms
    max: Ms
    mean: Ms
    n: Annotated[int, Field(ge=1)]


class StageEntry(FiguresEntry):
    """One stage; see `libra_edge.profiling.stages.Stage`."""

    on_path: bool = False
    part_of: str | None = None
    alone: FiguresEntry | None = None
    beside: FiguresEntry | None = None


class SumsEntry(Entry):
    """See `libra_edge.profiling.stages.Sums`."""

    end_to_end_ms: Ms
    stages_ms: Ms
    difference_percent: float
    worst_percent: float
    chunks: Count


class LayerEntry(Entry):
    """One layer of an engine in one plan or chunk; None where the backend or the graph does not tell.

    Attributes:
        share: of the time of all layers of its stage.
        bound_ms: the least that it can take on this machine; see `libra_edge.profiling.roofline`.
    """

    stage: str
    name: str
    type: str
    precision: str
    ms: Ms | None
    share: float | None
    flops: float | None
    bytes: float | None
    bound_ms: Ms | None
    bound_by: Literal["compute", "memory"] | None


class LayerSumEntry(Entry):
    """Whether the layers explain their stage.

    Attributes:
        layers_ms: their sum.
        stage_ms: the stage's own median: on ONNX Runtime in turns with its layers, on TensorRT alone, before them.
        difference_percent: of the two, in percent of the second.
        profiler_us: what looking at a layer added to it; it was taken off.
    """

    stage: str
    layers_ms: Ms
    stage_ms: Ms
    difference_percent: float
    profiler_us: float


class PeaksEntry(Entry):
    """`flops` by precision a second; `bandwidth`: (bytes of the working set, bytes a second)."""

    flops: dict[str, float]
    bandwidth: tuple[tuple[int, float], ...]


class StageRoofEntry(Entry):
    """See `libra_edge.profiling.roofline.StageRoof`."""

    layers_ms: Ms
    bound_ms: Ms
    memory_ms: Ms


class RooflineEntry(Entry):
    """`sheet`: the data sheet's peaks; None for a machine that is none of the known boards."""

    measured: PeaksEntry
    sheet: PeaksEntry | None
    stages: dict[str, StageRoofEntry]


class PredictedEntry(Entry):
    """ms; `measured_ms` and `error_percent` only of the machine at hand."""

    least_ms: Ms
    expected_ms: Ms
    measured_ms: Ms | None = None
    error_percent: float | None = None


class PredictionEntry(Entry):
    """Of one board, or of this machine.

    Attributes:
        plan, chunk: the engines of each, one after the other.
    """

    title: str
    plan: PredictedEntry
    chunk: PredictedEntry
    stages: dict[str, PredictedEntry]


class HeadlineEntry(Entry):
    """One sentence, and how to take it."""

    text: str
    look: Literal["good", "warn", "bad", "open"]


class WarmUpEntry(Entry):
    """What is paid once: loading, and the first call of each system."""

    load_s: float
    planner_ms: Ms | None
    refiner_ms: Ms | None


class CountsEntry(Entry):
    """What the run had."""

    plans: Count
    chunks: Count
    chunks_followed: Count
    late_chunks: Count
    ticks: Count
    deadline_misses: Count
    faults: Count


class MemoryEntry(Entry):
    """MiB; see `libra_edge.profiling.memory.Memory`."""

    engines: dict[str, float]
    io: float
    host: float | None
    peak: float | None


class ClockEntry(Entry):
    """A clock, and whether it is pinned."""

    name: str
    pinned: bool
    found: str


class ProfileDocument(Entry):
    """All of it."""

    schema_version: Literal[1] = 1
    libra_edge: str
    date: str
    machine: str
    model: str
    bundle_sha256: str
    backend: str
    runs_on: str
    robot: str | None
    task: str
    seconds: float
    headline: tuple[HeadlineEntry, ...]
    warm_up: WarmUpEntry
    stages: dict[str, StageEntry]
    sums: SumsEntry | None
    counts: CountsEntry | None
    layers: tuple[LayerEntry, ...]
    layer_sums: tuple[LayerSumEntry, ...]
    roofline: RooflineEntry | None
    predictions: dict[str, PredictionEntry]
    memory_mb: MemoryEntry
    power_w: float | None
    power_rails_w: dict[str, float] | None
    energy_per_chunk_j: float | None
    temperature_c: dict[str, float] | None
    throttled: tuple[str, ...] | None
    clocks: tuple[ClockEntry, ...]
    trace: str | None = None
    html: str | None = None


def read_profile(path: Path) -> ProfileDocument:
    """Raises ConfigError, in one sentence, for a file that is cut off, foreign, or of another version."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"profile {path}: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"profile {path} is larger than {MAX_BYTES // 1_000_000} MB; it is no profile.json")
    try:
        return ProfileDocument.model_validate_json(raw)
    except ValidationError as error:
        problem = first_fault(error)
        raise ConfigError(
            f"profile {path} is not a whole profile.json of this version ({problem}); profile again"
        ) from error
