"""The three graphs of a policy as two functions of one sample: what the planner says, where the refiner goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.errors import LibraEdgeError
from libra_edge.export.graphs import FEATURES, SAMPLE_NEXT
from libra_edge.export.session import Feed, GraphSession
from libra_edge.model_directory import GRAPHS
from libra_edge.model_spec import ModelSpec

Array = NDArray[Any]
Fault = Callable[[str], LibraEdgeError]


class PolicyGraphs:
    """Planner and refiner of one model, FP32 or exported.

    Attributes:
        planner_inputs, refiner_inputs: names of what a sample must hold for each of them.
    """

    def __init__(self, paths: Mapping[str, Path], spec: ModelSpec, fault: Fault) -> None:
        """`paths` by graph name; whatever goes wrong, here or later, is raised as `fault(problem)`."""
        self._fault = fault
        self._steps = spec.policy.denoising_steps
        self.planner_inputs = tuple(spec.planner_inputs())
        self.refiner_inputs = (*spec.refiner_encoder_inputs(), "sample")
        self._sessions: dict[str, GraphSession] = {}
        for name in GRAPHS:
            with self._blaming(name):
                self._sessions[name] = GraphSession(paths[name])

    def logits(self, sample: Feed) -> Array:
        """float32 [L_macro, D, N], all finite."""
        logits: Array = self._run("planner", sample, "logits")[0]
        return logits

    def actions(self, sample: Feed) -> Array:
        """Normalised actions float32 [H_chunk, D] after all denoising steps, all finite."""
        inputs = dict(sample)
        noisy: Array = inputs.pop("sample")
        features = self._run("refiner_encoder", inputs, FEATURES)
        for step in range(self._steps):
            feed = {FEATURES: features, "sample": noisy, "step": np.array([step], dtype=np.int64)}
            noisy = self._run("refiner_step", feed, SAMPLE_NEXT)
        actions: Array = noisy[0]
        return actions

    def _run(self, name: str, feed: Feed, output: str) -> Array:
        with self._blaming(name):
            result = self._sessions[name].run(feed)[output]
            if not np.all(np.isfinite(result)):
                raise ValueError(f"gives {output} that are not finite for a calibration sample")
        return result

    @contextmanager
    def _blaming(self, name: str) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise self._fault(f"{name}.onnx {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """The FP32 policy, the exported one, and samples for both."""

    fp32: PolicyGraphs
    exported: PolicyGraphs
    samples: CalibrationSamples
