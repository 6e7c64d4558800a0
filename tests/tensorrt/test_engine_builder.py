"""How a graph is built, and the one sentence that every failure ends in."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from libra_edge.errors import EngineBuildError, EngineError, LibraEdgeError, PlanError
from libra_edge.export.build_phases import PIECES, BuildPhases
from libra_edge.export.engine_builder import MEGABYTE, BuildSettings, BuiltPlan, build_plan, read_layers
from libra_edge.export.progress import SilentProgress
from tests.tensorrt.software_faults import Faults
from tests.tensorrt.software_tensorrt import TIMING, described, software_tensorrt
from tests.tensorrt.test_build_phases import Bar

SETTINGS = BuildSettings(workspace_mb=64)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    file = tmp_path / "planner.onnx"
    file.write_bytes(b"a graph")
    return file


def built(trt: ModuleType, graph: Path, settings: BuildSettings = SETTINGS) -> BuiltPlan:
    return build_plan(trt, graph, settings, SilentProgress())


@pytest.mark.parametrize(("version", "flags"), [("10.3.0", 2), ("10.16.1.11", 2), ("11.4.0.106", 0)])
def test_the_network_is_strongly_typed_by_flag_until_it_always_is(graph: Path, version: str, flags: int) -> None:
    assert described(bytes(built(software_tensorrt(version=version), graph).plan))["flags"] == flags


def test_the_builder_gets_its_workspace_and_keeps_details_for_the_profiler(graph: Path) -> None:
    facts = described(bytes(built(software_tensorrt(), graph).plan))
    assert facts["workspace"] == 64 * MEGABYTE
    assert facts["verbosity"] == "DETAILED"


def test_a_timing_cache_goes_in_and_comes_out(graph: Path) -> None:
    first = built(software_tensorrt(), graph)
    assert first.timing_cache.startswith(TIMING)
    known = TIMING + b"something else"
    again = built(software_tensorrt(), graph, BuildSettings(64, known))
    assert (again.timing_cache, again.timing_cache_taken) == (known, True)


@pytest.mark.parametrize("content", [b"rubbish", TIMING])
def test_a_stale_timing_cache_is_replaced_by_an_empty_one(graph: Path, content: bytes) -> None:
    trt = software_tensorrt(Faults(refuses_timing_cache=True))
    result = built(trt, graph, BuildSettings(64, content))
    assert not result.timing_cache_taken
    assert result.timing_cache.startswith(TIMING)


def test_more_settings_reach_the_builder(graph: Path) -> None:
    given: list[object] = []
    built(software_tensorrt(), graph, BuildSettings(64, configure=given.append))
    assert [type(config).__name__ for config in given] == ["IBuilderConfig"]


def test_progress_is_shown_to_its_end(graph: Path) -> None:
    bar = Bar()
    build_plan(software_tensorrt(), graph, SETTINGS, bar)
    assert bar.pieces == PIECES


def test_a_terminal_that_is_gone_ends_the_build_with_its_own_error(graph: Path) -> None:
    with pytest.raises(BrokenPipeError, match="the terminal is gone"):
        build_plan(software_tensorrt(), graph, SETTINGS, Bar(breaks_at=5))


def test_a_build_runs_beside_the_main_thread_where_an_interruption_arrives(graph: Path) -> None:
    threads: list[threading.Thread] = []
    built(software_tensorrt(Faults(on_build=lambda: threads.append(threading.current_thread()))), graph)
    assert [thread is threading.main_thread() for thread in threads] == [False]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, even where the tests were started in the background of a shell."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_stops_the_build_at_its_next_step(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled, cancel = threading.Event(), BuildPhases.cancel

    def cancel_and_tell(phases: BuildPhases) -> None:
        cancel(phases)
        cancelled.set()

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled.wait(60)

    monkeypatch.setattr(BuildPhases, "cancel", cancel_and_tell)
    faults = Faults(on_build=interrupt)
    with pytest.raises(KeyboardInterrupt):
        built(software_tensorrt(faults), graph)
    assert faults.told_to_stop


@pytest.mark.parametrize(
    ("faults", "kind", "words"),
    [
        (
            Faults(parser_errors=[("/block/matmul", "Assertion failed: no such\ntype"), ("/next", "")]),
            EngineBuildError,
            "planner.onnx, node '/block/matmul (MatMul)': TensorRT 10.3.0 does not take it: no such type (and 1 more);",
        ),
        (Faults(logged=["no kernel", "so no engine"]), EngineBuildError, "builds no engine of it: no kernel;"),
        (Faults(logged=["Cuda Runtime (out of memory)"]), EngineError, "ran out of memory over"),
        (Faults(raises=TypeError("factory function returned nullptr")), EngineError, "factory function"),
        (Faults(raises=RuntimeError("no CUDA")), EngineError, "no CUDA"),
    ],
)
def test_a_failure_is_one_sentence(graph: Path, faults: Faults, kind: type[LibraEdgeError], words: str) -> None:
    with pytest.raises(kind) as caught:
        built(software_tensorrt(faults), graph)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert type(caught.value) is kind
    assert caught.value.exit_code == (2 if kind is EngineBuildError else 3)


def test_a_missing_graph_blames_no_node(tmp_path: Path) -> None:
    with pytest.raises(EngineBuildError, match="Input file cannot be found") as caught:
        built(software_tensorrt(), tmp_path / "nothing.onnx")
    assert caught.value.node is None


def test_errors_of_one_build_are_not_told_of_the_next(graph: Path) -> None:
    trt = software_tensorrt(Faults(logged=["the first fault"]))
    with pytest.raises(EngineBuildError, match="the first fault"):
        built(trt, graph)
    trt.faults.logged = ["the second fault"]
    with pytest.raises(EngineBuildError, match="the second fault"):
        built(trt, graph)


def test_layers_come_from_the_plan(graph: Path) -> None:
    trt = software_tensorrt()
    assert read_layers(trt, built(trt, graph).plan).startswith('{"Layers": [{"Name": "everything"')


@pytest.mark.parametrize("plan", [b"rubbish", b'{"version": "10.2.0"}'])
def test_a_plan_that_cannot_be_loaded_is_refused(plan: bytes) -> None:
    with pytest.raises(PlanError, match="cannot load it: Version tag does not match"):
        read_layers(software_tensorrt(), plan)


def test_layers_that_are_no_json_are_an_error(graph: Path) -> None:
    trt = software_tensorrt(Faults(layers="Layers:"))
    with pytest.raises(EngineError, match="gives no JSON"):
        read_layers(trt, built(trt, graph).plan)
