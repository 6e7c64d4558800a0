"""`budgets.toml`: what each stage may take, so that a build on the device can fail when one takes more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libra_edge.errors import ConfigError
from libra_edge.profiling.document import StageEntry
from libra_edge.toml_file import read_toml

LIMITS = ("p50", "p90", "p99", "max")
Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class StageBudget(BaseModel):
    """The most that a stage may take, ms; at least one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    p50_ms: Limit | None = None
    p90_ms: Limit | None = None
    p99_ms: Limit | None = None
    max_ms: Limit | None = None

    @model_validator(mode="after")
    def _says_something(self) -> StageBudget:
        if not self.limits():
            raise ValueError("says nothing; give p50_ms, p90_ms, p99_ms or max_ms")
        return self

    def limits(self) -> dict[str, float]:
        """By quantile, those that are given."""
        given = {name: getattr(self, f"{name}_ms") for name in LIMITS}
        return {name: limit for name, limit in given.items() if limit is not None}


class Budgets(BaseModel):
    """`[stages.NAME]` each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: Annotated[dict[str, StageBudget], Field(min_length=1)]


def read_budgets(path: Path) -> Budgets:
    """Raises ConfigError, in one sentence."""
    try:
        return read_toml(path, Budgets)
    except ValueError as error:
        raise ConfigError(f"budgets {path}: {error}") from error
    except OSError as error:
        raise ConfigError(f"budgets {path}: {error.strerror}") from error


def over_budget(budgets: Budgets, stages: Mapping[str, StageEntry], path: Path) -> list[str]:
    """A clause for every limit that was not kept, worst first.

    Raises ConfigError for a stage that this profile does not have: a budget that nobody checks is none.
    """
    if unknown := [name for name in budgets.stages if name not in stages]:
        raise ConfigError(f"budgets {path}: no stage {unknown[0]!r} was measured; there are {', '.join(stages)}")
    broken = [
        (
            getattr(stages[name], quantile) / limit,
            f"{name} {quantile} {getattr(stages[name], quantile):.3g} ms > {limit:g} ms",
        )
        for name, budget in budgets.stages.items()
        for quantile, limit in budget.limits().items()
        if getattr(stages[name], quantile) > limit
    ]
    return [clause for _, clause in sorted(broken, reverse=True)]
