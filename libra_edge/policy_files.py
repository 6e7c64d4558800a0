"""What it takes to load a policy, wherever it lies: in a bundle, in a model directory or in an export under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from libra_edge.errors import PolicyFilesError
from libra_edge.model_spec import ModelSpec


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """Files of one policy. Nobody has looked into them yet: loading them does.

    Attributes:
        path: the folder that they belong to, for messages.
        spec: the model's own record, which the graphs are held against.
        tokenizer: the instruction tokeniser.
        graphs: graph name (planner | refiner_encoder | refiner_step) -> file.
    """

    path: Path
    spec: ModelSpec
    tokenizer: Path
    graphs: Mapping[str, Path]

    def graph(self, name: str) -> Path:
        """Path of a graph. Raises PolicyFilesError if there is none of that name."""
        if name not in self.graphs:
            raise PolicyFilesError(self.path, f"there is no graph {name!r}, only {', '.join(self.graphs) or 'none'}")
        return self.graphs[name]
