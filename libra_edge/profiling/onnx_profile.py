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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import EngineError
from libra_edge.export.mac_share import END_OF_NAME
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.protocols import Engine
from libra_edge.runtime.engine_onnxruntime import OnnxRuntimeEngine

ROUND_RUNS, SLOW_ROUND_RUNS, WARM_UP_RUNS = 40, 10, 2
"""So many runs one way, then the other; the first ones of each find the caches full of the other way's weights. The
less the ways change, the less of that is left: 2 % of a plan of libra_base with rounds of 10, nothing with 40."""
LEAST_ROUNDS = 2
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


def profiled_graphs(
    graphs: Sequence[StageGraph],
    seconds: float,
    engines: Mapping[str, Engine] | None = None,
    system: Callable[[], object] = lambda: None,
) -> list[ProfiledGraph]:
    """Run them on noise for `seconds`, at least LEAST_ROUNDS each way. Raises PolicyFilesError, EngineError.

    Args:
        graphs: of one system, in the order in which a plan or chunk runs them.
        seconds: for all of it.
        engines: by stage, those that run plainly. A graph that is loaded anew may be 5 % faster or slower than the
            last time, by where its weights happen to lie.
        system: makes a plan or chunk; is called in turns with the two ways, as often, for whoever times its calls.
    """
    loaded = dict(engines or {})
    with tempfile.TemporaryDirectory(prefix="libra-edge-profile-") as scratch:
        plain = [_Repeated(graph, loaded.get(graph.stage) or _loaded(graph)) for graph in graphs]
        profiling = [_loaded(graph, Path(scratch) / graph.stage) for graph in graphs]
        watched = [_Repeated(graph, engine) for graph, engine in zip(graphs, profiling, strict=True)]
        began, rounds, runs = time.monotonic(), 0, _runs_a_round(plain, seconds)
        while rounds < LEAST_ROUNDS or time.monotonic() < began + seconds:
            rounds += 1
            for way in (watched, plain):
                for _ in range(runs):
                    for graph in way:
                        graph.run()
            for _ in range(runs):
                system()
        return [
            ProfiledGraph(
                tuple(_nodes(graph.stage, _events(engine), graph.calls, runs)), middle_mean(_warm(bare.times_us, runs))
            )
            for graph, engine, bare in zip(graphs, profiling, plain, strict=True)
        ]


def _runs_a_round(plain: Sequence[_Repeated], seconds: float) -> int:
    """Fewer where LEAST_ROUNDS of ROUND_RUNS would take longer than `seconds`."""
    for graph in plain:
        graph.run()
    plan_or_chunk_s = sum(graph.times_us.pop() * graph.calls for graph in plain) / 1e6
    return min(ROUND_RUNS, max(SLOW_ROUND_RUNS, int(seconds / (2 * LEAST_ROUNDS * plan_or_chunk_s))))


class _Repeated:
    """A graph that is run as often as a plan or chunk does.

    Attributes:
        times_us: of a single run, the mean of those in one plan or chunk.
        calls: in a plan or chunk.
    """

    def __init__(self, graph: StageGraph, engine: Engine) -> None:
        self.times_us: list[float] = []
        self._engine = engine
        self._feed, self.calls = made_up_feed(self._engine.inputs), graph.calls

    def run(self) -> None:
        began_ns = time.monotonic_ns()
        for _ in range(self.calls):
            self._engine.run(self._feed)
        self.times_us.append((time.monotonic_ns() - began_ns) / 1e3 / self.calls)


def _loaded(graph: StageGraph, profile: Path | None = None) -> OnnxRuntimeEngine:
    return OnnxRuntimeEngine(graph.stage, graph.path, profile=profile)


def _events(engine: OnnxRuntimeEngine) -> list[Mapping[str, Any]]:
    """Of all its runs; ends the profile."""
    events: list[Mapping[str, Any]] = json.loads(engine.end_profile().read_text(encoding="utf-8"))
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


def _warm(times: Sequence[float], runs: int) -> list[float]:
    """Without those at the beginning of each round of `runs`."""
    return [time_us for number, time_us in enumerate(times) if number % runs >= WARM_UP_RUNS]


def _nodes(name: str, events: Iterable[Mapping[str, Any]], calls: int, runs: int) -> list[ExecutedNode]:
    """In the order of execution. Raises EngineError for a profile that tells of no node."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(END_OF_NAME):
            found.setdefault(event["args"]["node_index"], []).append(event)
    if not found:
        raise EngineError(name, "ONNX Runtime's profiler told of no layer")
    return [_node(seen, calls, runs) for seen in found.values()]


def _node(seen: Sequence[Mapping[str, Any]], calls: int, runs: int) -> ExecutedNode:
    facts = seen[0]["args"]
    each = [statistics.fmean(run["dur"] for run in seen[at : at + calls]) for at in range(0, len(seen), calls)]
    return ExecutedNode(
        name=seen[0]["name"].removesuffix(END_OF_NAME),
        operator=facts["op_name"],
        us=middle_mean(_warm(each, runs)),
        inputs=_tensors(facts["input_type_shape"]),
        outputs=_tensors(facts["output_type_shape"]),
        bytes=sum(int(facts[size]) for size in ("activation_size", "parameter_size", "output_size")),
    )


def _tensors(listed: Iterable[Mapping[str, Sequence[int]]]) -> tuple[tuple[str, Shape], ...]:
    return tuple((kind, tuple(shape)) for entry in listed for kind, shape in entry.items())
