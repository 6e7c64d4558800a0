"""What the page reads of a recording's messages and metadata; other keys are not looked at. See docs/recording.md."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Word = Annotated[str, Field(max_length=200)]
Row = Annotated[list[Finite], Field(min_length=1, max_length=64)]


class RunFacts(BaseModel):
    """Metadata record `run`, which tells a recording of a run from any other MCAP file."""

    task: str
    robot: str
    joints: str = ""
    wall_offset_ns: int
    robot_file: str = ""
    model: str = ""
    model_file: str = ""
    mode: str = ""
    seed: str = ""
    backend: str = ""
    bundle_sha256: str = ""
    date: str = ""
    libra_edge: str = ""
    pictures: str = "lossless"
    max_plan_age_steps: Count | None = None


class RunResult(BaseModel):
    """Metadata record `result`, written when the recording was closed; without `start_ns` there was no control step."""

    success: Literal["true", "false", ""] = ""
    success_s: Finite | Literal[""] = ""
    start_ns: Count | None = None
    dropped: Count = 0
    figures: str = "{}"


class RunFigures(BaseModel):
    """The part of the run's own figures that the messages do not tell."""

    ended: str = ""
    seconds: Finite | None = None
    limits_violated: Count | None = None
    deadline_misses: Count | None = None
    servo_hz: Finite | None = None


class SeenForm(BaseModel):
    """What a plan or chunk was made from."""

    frames: dict[str, Count] = {}


class PlanForm(BaseModel):
    """A message of /policy/plan; `tokens` are L_macro rows of D."""

    plan_id: int
    first_step: int
    captured_ns: Count
    ready_ns: Count
    planner_ms: Finite | None = None
    tokens: list[list[Count]]
    seen: SeenForm = SeenForm()


class ChunkForm(BaseModel):
    """A message of /policy/chunk; `positions_rad` are H_chunk rows of D, row i due at start_ns + (i + 1) * step_ns."""

    chunk_id: int
    first_step: int
    start_ns: Count
    step_ns: Annotated[int, Field(gt=0, lt=1 << 40)]
    plan_id: int
    plan_age_steps: Count
    captured_ns: Count
    ready_ns: Count
    refiner_ms: Finite | None = None
    refine_ms: Finite | None = None
    positions_rad: list[Row]
    seen: SeenForm = SeenForm()


class CommandForm(BaseModel):
    """A message of /servo/command; `fences` say what the governor did to each joint's goal."""

    number: int
    time_ns: Count
    state: Word
    chunk_id: int | None
    plan_age_steps: Count | None
    captured_ns: Count | None
    fences: list[Word] = []
    goal_rad: Row
    measured_rad: Row
    lateness_us: Finite


class FaultForm(BaseModel):
    """A message of /fault."""

    time_s: Finite
    kind: str
    reaction: str
