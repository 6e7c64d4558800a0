"""`profile.json`: what a profile says, for machines. docs/profiling.md describes every key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

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
    """One layer of an engine; None where the backend does not tell."""

    stage: str
    name: str
    type: str
    precision: str
    ms: Ms | None
    flops: float | None
    bytes: float | None


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
    roofline: dict[str, Any] | None
    predictions: dict[str, Any]
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
