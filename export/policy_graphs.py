"""The graphs of a policy as two functions of one sample: what the planner says, where the refiner goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import LibraEdgeError
from libra_edge.export.graph import Graph
from libra_edge.export.graphs import FEATURES, SAMPLE_NEXT
from libra_edge.export.session import Feed, GraphSession
from libra_edge.messages import Int64
from libra_edge.model_spec import ModelSpec

Array = NDArray[Any]
Source = Path | Graph
Fault = Callable[[str], LibraEdgeError]


class PlannerGraph:
    """A planner of one model, FP32 or exported.

    Attributes:
        inputs: names of what a sample must hold for it.
    """

    def __init__(self, source: Source, spec: ModelSpec, fault: Fault) -> None:
        """Whatever goes wrong, here or later, is raised as `fault(problem)`."""
        self.inputs = tuple(spec.planner_inputs())
        self._graph = _BlamedGraph("planner", source, fault)

    def logits(self, sample: Feed) -> Array:
        """float32 [L_macro, D, N], all finite."""
        logits: Array = self._graph.run(sample, "logits")[0]
        return logits


class RefinerGraphs:
    """A refiner of one model, FP32 or exported.

    Attributes:
        inputs: names of what a sample must hold for it.
    """

    def __init__(self, encoder: Source, step: Source, spec: ModelSpec, fault: Fault) -> None:
        """Whatever goes wrong, here or later, is raised as `fault(problem)`."""
        self.inputs = (*spec.refiner_encoder_inputs(), "sample")
        self._steps = spec.policy.denoising_steps
        self._encoder = _BlamedGraph("refiner_encoder", encoder, fault)
        self._step = _BlamedGraph("refiner_step", step, fault)

    def actions(self, sample: Feed, tokens: Int64 | None = None, noise: Array | None = None) -> Array:
        """Normalised actions float32 [H_chunk, D] after all denoising steps, all finite.

        `tokens` int64 [1, H_chunk, D] and `noise` float32 [1, H_chunk, D] stand in for the sample's own.
        """
        inputs = dict(sample)
        own: Array = inputs.pop("sample")
        noisy = own if noise is None else noise
        if tokens is not None:
            inputs["tokens"] = tokens
        features = self._encoder.run(inputs, FEATURES)
        for step in range(self._steps):
            feed = {FEATURES: features, "sample": noisy, "step": np.array([step], dtype=np.int64)}
            noisy = self._step.run(feed, SAMPLE_NEXT)
        actions: Array = noisy[0]
        return actions


class _BlamedGraph:
    """A session whose errors name the graph."""

    def __init__(self, name: str, source: Source, fault: Fault) -> None:
        self._name, self._fault = name, fault
        with self._blaming():
            self._session = GraphSession(source)

    def run(self, feed: Feed, output: str) -> Array:
        with self._blaming():
            result = self._session.run(feed)[output]
            if not np.all(np.isfinite(result)):
                raise ValueError(f"gives {output} that are not finite for a calibration sample")
        return result

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise self._fault(f"{self._name}.onnx {error}") from error
