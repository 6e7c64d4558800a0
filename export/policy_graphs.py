"""The three graphs of a policy as two functions of one sample: what the planner says, where the refiner goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.errors import EngineError
from libra_edge.export.graphs import FEATURES, SAMPLE_NEXT
from libra_edge.export.session import Feed, GraphSession
from libra_edge.model_directory import GRAPHS
from libra_edge.model_spec import ModelSpec

Array = NDArray[Any]


class PolicyGraphs:
    """Planner and refiner of one model, FP32 or exported.

    Attributes:
        planner_inputs, refiner_inputs: names of what a sample must hold for each of them.
    """

    def __init__(self, label: str, paths: Mapping[str, Path], spec: ModelSpec) -> None:
        """`paths` by graph name. Raises EngineError if ONNX Runtime cannot load one."""
        self._label = label
        self._sessions = {name: GraphSession(f"{label} {name}", paths[name]) for name in GRAPHS}
        self._steps = spec.policy.denoising_steps
        self.planner_inputs = tuple(spec.planner_inputs())
        self.refiner_inputs = (*spec.refiner_encoder_inputs(), "sample")

    def logits(self, sample: Feed) -> Array:
        """float32 [L_macro, D, N]. Raises EngineError if a logit is not finite."""
        logits = self._sessions["planner"].run(sample)["logits"][0]
        return self._finite("planner", logits)

    def actions(self, sample: Feed) -> Array:
        """Normalised actions float32 [H_chunk, D] of a whole chunk. Raises EngineError if one is not finite."""
        inputs = dict(sample)
        noisy = inputs.pop("sample")
        features = self._sessions["refiner_encoder"].run(inputs)[FEATURES]
        for step in range(self._steps):
            feed = {FEATURES: features, "sample": noisy, "step": np.array([step], dtype=np.int64)}
            noisy = self._sessions["refiner_step"].run(feed)[SAMPLE_NEXT]
        return self._finite("refiner", noisy[0])

    def _finite(self, stage: str, values: Array) -> Array:
        if not np.all(np.isfinite(values)):
            raise EngineError(f"{self._label} {stage}", "its output is not finite for a calibration sample")
        return values


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """The FP32 policy, the exported one, and samples for both."""

    fp32: PolicyGraphs
    exported: PolicyGraphs
    samples: CalibrationSamples
