"""What ONNX Runtime's profiler tells of the graphs of a system: each node executed, how long, and on which tensors.

They run in the order in which a plan or chunk runs them, so that each finds in the caches what it finds there.

The profiler costs time at every node, most of it within the node's own time: as much as a small node takes itself. So
all is run plainly as well, in turns, and what a graph's nodes take more under the profiler is taken off each of them
alike. They then add up to the plain run; what nobody can tell is how evenly that cost was spread.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import EngineError
from libra_edge.export.mac_share import END_OF_NAME
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.runtime.engine_onnxruntime import OnnxRuntimeEngine

MIN_RUNS = 20
ROUND_RUNS, WARM_UP_RUNS = 10, 2
"""So many runs one way, then the other; the first ones of each find the caches full of the other way's weights."""
Feed = Mapping[str, NDArray[Any]]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExecutedNode:
    """One node as it ran.

    Attributes:
        name: as ONNX Runtime's optimiser left it.
        us: under the profiler, which counts whole us: the mean of the middle half of the runs.
        inputs, outputs: ONNX Runtime's type and the shape; weights that it laid out anew are not among them.
        bytes: of those.
    """

    name: str
    operator: str
    us: float
    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape], ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class ProfiledGraph:
    """`run_us`: a run without the profiler, in turns with those under it: the mean of their middle half."""

    nodes: tuple[ExecutedNode, ...]
    run_us: float

    @property
    def profiler_us(self) -> float:
        """What the profiler adds to a node's own time, at least 0."""
        return max(0.0, (sum(node.us for node in self.nodes) - self.run_us) / len(self.nodes))


def profiled_graphs(graphs: Sequence[StageGraph], seconds: float) -> list[ProfiledGraph]:
    """Run them on noise for `seconds`, at least MIN_RUNS times each way. Raises PolicyFilesError, EngineError."""
    with tempfile.TemporaryDirectory(prefix="libra-edge-profile-") as scratch:
        plain = [_Repeated(graph, None) for graph in graphs]
        watched = [_Repeated(graph, Path(scratch) / graph.stage) for graph in graphs]
        until = time.monotonic() + seconds
        while len(plain[0].times_us) < MIN_RUNS or time.monotonic() < until:
            for way in (watched, plain):
                for _ in range(ROUND_RUNS):
                    for graph in way:
                        graph.run()
        return [
            ProfiledGraph(tuple(_nodes(graph.stage, seen.events(), graph.calls)), middle_mean(_warm(bare.times_us)))
            for graph, seen, bare in zip(graphs, watched, plain, strict=True)
        ]


class _Repeated:
    """A graph that is run as often as a plan or chunk does.

    Attributes:
        times_us: of a single run, the mean of those in one plan or chunk.
    """

    def __init__(self, graph: StageGraph, profile: Path | None) -> None:
        self.times_us: list[float] = []
        self._engine = OnnxRuntimeEngine(graph.stage, graph.path, profile=profile)
        self._feed, self._calls = made_up_feed(self._engine.inputs), graph.calls

    def run(self) -> None:
        began_ns = time.monotonic_ns()
        for _ in range(self._calls):
            self._engine.run(self._feed)
        self.times_us.append((time.monotonic_ns() - began_ns) / 1e3 / self._calls)

    def events(self) -> list[Mapping[str, Any]]:
        """Of all runs so far; ends the profile."""
        events: list[Mapping[str, Any]] = json.loads(self._engine.end_profile().read_text(encoding="utf-8"))
        return events


def made_up_feed(inputs: Mapping[str, tuple[str, Shape]]) -> Feed:
    """Noise; whole numbers are 0, which every model knows, but for pictures. Times do not depend on any of it."""
    noise = np.random.default_rng(0)
    feed: dict[str, NDArray[Any]] = {}
    for name, (dtype, shape) in inputs.items():
        if dtype == "uint8":
            feed[name] = noise.integers(0, 256, shape, np.uint8)
        elif dtype.startswith("float"):
            feed[name] = noise.standard_normal(shape).astype(dtype)
        else:
            feed[name] = np.zeros(shape, dtype)
    return feed


def middle_mean(times: Sequence[float]) -> float:
    """Mean of the middle half: neither what disturbed a run nor the grain of the clock moves it much."""
    ordered = sorted(times)
    quarter = len(ordered) // 4
    return statistics.fmean(ordered[quarter : len(ordered) - quarter])


def _warm(runs: Sequence[Any]) -> list[Any]:
    """Without those at the beginning of each round."""
    return [run for number, run in enumerate(runs) if number % ROUND_RUNS >= WARM_UP_RUNS]


def _nodes(name: str, events: Iterable[Mapping[str, Any]], calls: int) -> list[ExecutedNode]:
    """In the order of execution. Raises EngineError for a profile that tells of no node."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(END_OF_NAME):
            found.setdefault(event["args"]["node_index"], []).append(event)
    if not found:
        raise EngineError(name, "ONNX Runtime's profiler told of no layer")
    return [_node(runs, calls) for runs in found.values()]


def _node(runs: Sequence[Mapping[str, Any]], calls: int) -> ExecutedNode:
    facts = runs[0]["args"]
    each = [statistics.fmean(run["dur"] for run in runs[at : at + calls]) for at in range(0, len(runs), calls)]
    return ExecutedNode(
        name=runs[0]["name"].removesuffix(END_OF_NAME),
        operator=facts["op_name"],
        us=middle_mean(_warm(each)),
        inputs=_tensors(facts["input_type_shape"]),
        outputs=_tensors(facts["output_type_shape"]),
        bytes=sum(int(facts[size]) for size in ("activation_size", "parameter_size", "output_size")),
    )


def _tensors(listed: Iterable[Mapping[str, Sequence[int]]]) -> tuple[tuple[str, Shape], ...]:
    return tuple((kind, tuple(shape)) for entry in listed for kind, shape in entry.items())
