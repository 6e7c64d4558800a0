"""Which engine is taken, which is built anew, and what is left when building ends badly."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.bundle import Bundle
from libra_edge.cuda_device import CudaDevice
from libra_edge.errors import BundleError, EngineBuildError, EngineError, MissingHardwareError
from libra_edge.export import engine_cache
from libra_edge.export.engine_cache import BuildSite
from libra_edge.export.engine_record import LAYERS, PLAN, RECORD, EngineKey
from tests.tensorrt.small_bundle import GRAPHS, write_small_bundle
from tests.tensorrt.software_tensorrt import described, software_tensorrt
from tests.tensorrt.workshop import ORIN, Workshop, rubbish_in

KEY = EngineKey(
    onnx={"tensorrt/planner.onnx": "a" * 64},
    tensorrt="10.3.0",
    device="Orin",
    compute_capability="8.7",
    precision="int8",
    workspace_mb=1024,
)
CHANGES = {
    "onnx": {"tensorrt/planner.onnx": "b" * 64},
    "tensorrt": "10.3.1",
    "device": "Thor",
    "compute_capability": "11.0",
    "precision": "fp16",
    "workspace_mb": 1025,
    "flags": ("strongly_typed",),
}


def test_every_graph_gets_an_engine_once(bundle: Bundle, workshop: Workshop) -> None:
    first = workshop.ensure(bundle)
    assert tuple(first) == GRAPHS
    assert [engine.built for engine in first.values()] == [True] * 3
    again = workshop.ensure(bundle)
    assert workshop.builds == 3
    assert [engine.built for engine in again.values()] == [False] * 3
    assert [engine.plan for engine in again.values()] == [engine.plan for engine in first.values()]
    assert rubbish_in(workshop.folder) == []
    assert not any(path.is_relative_to(bundle.path) for path in workshop.folder.rglob("*"))


def test_beside_the_plan_lie_its_layers_and_what_it_was_made_from(bundle: Bundle, workshop: Workshop) -> None:
    engine = workshop.ensure(bundle)["planner"]
    assert "Layers" in json.loads(engine.layers.read_text())
    record = json.loads((engine.plan.parent / RECORD).read_text())
    assert record["graph"] == "planner"
    assert set(record["made_from"]["onnx"]) == {"tensorrt/planner.onnx", "tensorrt/planner.onnx.data"}
    assert record["made_from"]["precision"] == "int8"
    assert record["plan_bytes"] == engine.bytes == engine.plan.stat().st_size


def test_the_cache_is_the_users_alone(bundle: Bundle, workshop: Workshop) -> None:
    engine = workshop.ensure(bundle)["planner"]
    assert [path.stat().st_mode & 0o777 for path in (workshop.folder, engine.plan.parent)] == [0o700, 0o700]


@pytest.mark.parametrize("part", EngineKey.model_fields)
def test_every_part_of_the_key_changes_it(part: str) -> None:
    changed = KEY.model_copy(update={part: CHANGES[part]})
    assert changed.digest != KEY.digest
    assert EngineKey.model_validate_json(changed.model_dump_json()).digest == changed.digest


@given(st.permutations(list("abcd")))
def test_the_key_does_not_depend_on_the_order_of_files(order: list[str]) -> None:
    one = KEY.model_copy(update={"onnx": dict.fromkeys("abcd", "0" * 64)})
    assert KEY.model_copy(update={"onnx": dict.fromkeys(order, "0" * 64)}).digest == one.digest


def test_what_differs_is_built_anew(bundle: Bundle, workshop: Workshop, tmp_path: Path) -> None:
    engine = workshop.ensure(bundle)["planner"]
    others = [
        workshop.ensure(bundle, workspace_mb=65),
        workshop.ensure(write_small_bundle(tmp_path / "graph", {"tensorrt/planner.onnx": "other"})),
        workshop.ensure(write_small_bundle(tmp_path / "weights", {"tensorrt/planner.onnx.data": "other"})),
        workshop.ensure(write_small_bundle(tmp_path / "precision", precision="fp16")),
    ]
    workshop.site = BuildSite(software_tensorrt(workshop.faults, version="10.16.1.11"), ORIN, workshop.folder)
    others.append(workshop.ensure(bundle))
    workshop.site = BuildSite(software_tensorrt(workshop.faults), CudaDevice("Thor", (11, 0)), workshop.folder)
    others.append(workshop.ensure(bundle))
    assert all(other["planner"].built for other in others)
    assert len({engine.key, *(other["planner"].key for other in others)}) == 1 + len(others)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", [PLAN, LAYERS, RECORD])
@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_a_damaged_engine_is_announced_and_built_anew(
    bundle: Bundle, workshop: Workshop, name: str, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    entry = workshop.ensure(bundle)["planner"].plan.parent
    whole = (entry / PLAN).read_bytes()
    assert callable(damage)
    damage(entry / name)
    engine = workshop.ensure(bundle)["planner"]
    assert (engine.built, workshop.builds) == (True, 4)
    assert engine.plan.read_bytes() == whole
    assert not workshop.ensure(bundle)["planner"].built
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert f"the engine of planner in {workshop.folder} is built anew: " in warnings[0]
    assert rubbish_in(workshop.folder) == []


def test_a_plan_of_another_size_is_not_even_read(
    bundle: Bundle, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    plan = workshop.ensure(bundle)["planner"].plan
    size = plan.stat().st_size
    os.truncate(plan, 1 << 33)
    assert workshop.ensure(bundle)["planner"].built
    assert f"plan has {1 << 33} bytes where {size} were written" in caplog.text


def test_a_record_of_another_engine_is_not_believed(bundle: Bundle, workshop: Workshop) -> None:
    first = workshop.ensure(bundle)
    (first["planner"].plan.parent / RECORD).write_bytes((first["refiner_step"].plan.parent / RECORD).read_bytes())
    for name in (PLAN, LAYERS):
        content = (first["refiner_step"].plan.parent / name).read_bytes()
        (first["planner"].plan.parent / name).write_bytes(content)
    again = workshop.ensure(bundle)["planner"]
    assert again.built
    assert described(again.plan.read_bytes())["onnx"] == described(first["planner"].plan.read_bytes())["onnx"]


def test_a_plan_that_tensorrt_refuses_is_built_anew(
    bundle: Bundle, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.ensure(bundle)
    workshop.faults.on_build = lambda: setattr(workshop.faults, "refuses_plans", False)
    workshop.faults.refuses_plans = True
    assert workshop.ensure(bundle)["planner"].built
    assert "built anew: TensorRT 10.3.0 cannot load it: Version tag does not match" in caplog.text


def test_a_new_plan_that_tensorrt_refuses_is_not_kept(bundle: Bundle, workshop: Workshop) -> None:
    workshop.faults.refuses_plans = True
    with pytest.raises(EngineError, match="cannot load it"):
        workshop.ensure(bundle)
    assert [path.name for path in workshop.folder.iterdir() if path.is_dir()] == []


def test_a_graph_that_is_not_taken_leaves_nothing(bundle: Bundle, workshop: Workshop) -> None:
    workshop.faults.parser_errors = [("/matmul", "no such type")]
    with pytest.raises(EngineBuildError, match="/matmul"):
        workshop.ensure(bundle)
    assert rubbish_in(workshop.folder) == []
    workshop.faults.parser_errors = []
    assert workshop.ensure(bundle)["planner"].built


def test_a_bundle_without_the_target_is_sent_back(tmp_path: Path, workshop: Workshop) -> None:
    bundle = write_small_bundle(tmp_path / "cpu", target="cpu")
    with pytest.raises(BundleError, match="export it with --target tensorrt"):
        workshop.ensure(bundle)


def test_the_device_is_asked_for_before_tensorrt_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_device() -> CudaDevice:
        raise MissingHardwareError("no NVIDIA GPU")

    def no_tensorrt() -> None:
        raise AssertionError("TensorRT was touched")

    monkeypatch.setattr(engine_cache, "first_cuda_device", no_device)
    monkeypatch.setattr(engine_cache, "load_tensorrt", no_tensorrt)
    with pytest.raises(MissingHardwareError):
        engine_cache.this_site()


def test_on_a_device_engines_are_kept_among_the_users_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(engine_cache, "first_cuda_device", lambda: ORIN)
    monkeypatch.setattr(engine_cache, "load_tensorrt", software_tensorrt)
    assert engine_cache.this_site().folder == tmp_path / "libra-edge" / "engines"
