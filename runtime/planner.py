"""The Semantic Planner over a compiled graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import EngineError
from libra_edge.messages import Int64, Observation
from libra_edge.model_spec import ModelSpec
from libra_edge.protocols import Engine
from libra_edge.runtime.graph_inputs import camera_inputs, state_input


class EnginePlanner:
    """One forward pass; the likeliest token of each step and joint."""

    def __init__(self, engine: Engine, spec: ModelSpec) -> None:
        self._engine = engine
        self._spec = spec
        self._cameras = spec.cameras_of("planner")

    def plan(self, observation: Observation, instruction: Int64) -> Int64:
        """See `Planner.plan`. Raises EngineError if the graph fails or its logits are not finite."""
        inputs: dict[str, NDArray[Any]] = {
            **camera_inputs(observation, self._cameras, "planner"),
            "instruction": instruction,
        }
        if "state" in self._spec.inputs.planner:
            inputs["state"] = state_input(observation, self._spec)
        logits = self._engine.run(inputs)["logits"]
        if not np.all(np.isfinite(logits)):
            raise EngineError("planner", "its logits are not finite; the plan is thrown away")
        tokens: Int64 = np.argmax(logits[0], axis=-1).astype(np.int64)
        return tokens
