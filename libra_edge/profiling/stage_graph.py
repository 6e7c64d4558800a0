"""One engine's graph and its place in a plan or chunk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StageGraph:
    """One engine's graph: `stage` as its layers are listed, `calls` in a `product`, which is `plan` or `chunk`."""

    stage: str
    product: str
    path: Path
    calls: int
