"""What ONNX Runtime's profiler tells of one graph: each node that it executed, how long, and on which tensors.

The profiler costs time at every node, most of it within the node's own time: as much as a small node takes itself. So
the graph is run plainly as well, in turns, and what its nodes take more under the profiler is taken off each of them
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

from numpy.typing import NDArray

from libra_edge.errors import EngineError
from libra_edge.export.mac_share import END_OF_NAME
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


def profiled_graph(name: str, path: Path, feed: Feed, seconds: float) -> ProfiledGraph:
    """Run the graph for `seconds`, at least MIN_RUNS times each way. Raises PolicyFilesError, EngineError."""
    with tempfile.TemporaryDirectory(prefix="libra-edge-profile-") as scratch:
        plain = OnnxRuntimeEngine(name, path)
        watched = OnnxRuntimeEngine(name, path, profile=Path(scratch) / "profile")
        times: list[float] = []
        until = time.monotonic() + seconds
        while len(times) < MIN_RUNS or time.monotonic() < until:
            for _ in range(ROUND_RUNS):
                watched.run(feed)
            times += [_timed_us(plain, feed) for _ in range(ROUND_RUNS)][WARM_UP_RUNS:]
        events = json.loads(watched.end_profile().read_text(encoding="utf-8"))
    return ProfiledGraph(tuple(_nodes(name, events)), middle_mean(times))


def middle_mean(times: Sequence[float]) -> float:
    """Mean of the middle half: neither what disturbed a run nor the grain of the clock moves it much."""
    ordered = sorted(times)
    quarter = len(ordered) // 4
    return statistics.fmean(ordered[quarter : len(ordered) - quarter])


def _timed_us(engine: OnnxRuntimeEngine, feed: Feed) -> float:
    began_ns = time.monotonic_ns()
    engine.run(feed)
    return (time.monotonic_ns() - began_ns) / 1e3


def _nodes(name: str, events: Iterable[Mapping[str, Any]]) -> list[ExecutedNode]:
    """In the order of execution. Raises EngineError for a profile that tells of no node."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(END_OF_NAME):
            found.setdefault(event["args"]["node_index"], []).append(event)
    if not found:
        raise EngineError(name, "ONNX Runtime's profiler told of no layer")
    return [_node(runs) for runs in found.values()]


def _node(runs: Sequence[Mapping[str, Any]]) -> ExecutedNode:
    facts = runs[0]["args"]
    warm = [run["dur"] for number, run in enumerate(runs) if number % ROUND_RUNS >= WARM_UP_RUNS]
    return ExecutedNode(
        name=runs[0]["name"].removesuffix(END_OF_NAME),
        operator=facts["op_name"],
        us=middle_mean(warm),
        inputs=_tensors(facts["input_type_shape"]),
        outputs=_tensors(facts["output_type_shape"]),
        bytes=sum(int(facts[size]) for size in ("activation_size", "parameter_size", "output_size")),
    )


def _tensors(listed: Iterable[Mapping[str, Sequence[int]]]) -> tuple[tuple[str, Shape], ...]:
    return tuple((kind, tuple(shape)) for entry in listed for kind, shape in entry.items())
