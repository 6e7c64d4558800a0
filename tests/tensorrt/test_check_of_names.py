"""The check of names: it sees every TensorRT name in a source, and goes red over one that does not exist."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from requirements.check_tensorrt import unexpected
from requirements.tensorrt_lookup import lacking
from requirements.tensorrt_names import names_in, source_files
from requirements.tensorrt_reader import Findings
from tests.tensorrt.software_tensorrt import names_of_the_stand_in, software_tensorrt

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
def build(trt: ModuleType, log: tensorrt.ILogger) -> tensorrt.IHostMemory | None:
    builder: tensorrt.Builder = trt.Builder(log)
    config: tensorrt.IBuilderConfig = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    return builder.build_serialized_network(builder.create_network(0), config)

class Shell:
    engine: tensorrt.ICudaEngine
    def __init__(self, trt: ModuleType) -> None:
        self._trt = trt
        self._parser: tensorrt.OnnxParser = trt.OnnxParser(None, None)
    def errors(self) -> list[tensorrt.ParserError]:
        return [self._parser.get_error(index) for index in range(self._parser.num_errors)]
    def descriptions(self) -> list[str]:
        return [error.desc() for error in self.errors()]
    def version(self) -> str:
        return self._trt.__version__

def inspector(shell: Shell) -> tensorrt.EngineInspector:
    return shell.engine.create_engine_inspector()
"""


def found(tmp_path: Path, source: str) -> Findings:
    file = tmp_path / "source.py"
    file.write_text(source, encoding="utf-8")
    return names_in([file], tmp_path)


def complaints(tmp_path: Path, source: str, trt: ModuleType) -> list[str]:
    """What the check says of this source, held against the stand-in in place of the real bindings."""
    findings = found(tmp_path, source)
    return [*findings.faults, *unexpected(findings, "10.3.0", set(lacking(trt, list(findings.names))))]


def with_host_memory() -> ModuleType:
    trt = software_tensorrt()
    trt.IHostMemory = memoryview  # type: ignore[attr-defined]
    return trt


def test_names_are_found_through_variables_fields_and_results(tmp_path: Path) -> None:
    findings = found(tmp_path, GOOD)
    assert set(findings.names) >= {
        "Builder.create_builder_config",
        "Builder.create_network",
        "IBuilderConfig.profiling_verbosity",
        "ProfilingVerbosity.DETAILED",
        "OnnxParser.get_error",
        "OnnxParser.num_errors",
        "ParserError.desc",
        "ICudaEngine.create_engine_inspector",
        "EngineInspector",
        "IHostMemory",
        "__version__",
    }
    assert list(findings.faults) == []
    assert findings.names["Builder.create_network"] == "source.py:6"


def test_a_good_source_has_no_complaints(tmp_path: Path) -> None:
    plain = GOOD.replace("    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED\n", "")
    assert complaints(tmp_path, plain, with_host_memory()) == []


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("builder.create_network", "builder.create_net", "Builder.create_net"),
        ("trt.Builder(log)", "trt.Bilder(log)", "Bilder"),
        ("ProfilingVerbosity.DETAILED", "ProfilingVerbosity.FULL", "ProfilingVerbosity.FULL"),
        ("config.profiling_verbosity", "config.verbosity", "IBuilderConfig.verbosity"),
        ("self._parser.num_errors", "self._parser.error_count", "OnnxParser.error_count"),
        ("error.desc()", "error.description()", "ParserError.description"),
        ("shell.engine.create_engine_inspector", "shell.engine.inspect", "ICudaEngine.inspect"),
        ("-> tensorrt.EngineInspector", "-> tensorrt.Inspector", "Inspector"),
        ("self._trt.__version__", "self._trt.version", "version"),
    ],
)
def test_a_planted_wrong_name_turns_the_check_red(tmp_path: Path, right: str, wrong: str, name: str) -> None:
    assert right in GOOD
    told = complaints(tmp_path, GOOD.replace(right, wrong), with_host_memory())
    assert any(line.endswith(f"TensorRT 10.3.0 has no {name}") for line in told), told


@pytest.mark.parametrize(
    "hidden",
    [
        "parser.get_error(0).desc()",
        "error = parser.get_error(0)\n    error.desc()",
        "for error in parser.get_error(0):\n        error.desc()",
        "getattr(parser, name)()",
    ],
)
def test_a_name_behind_a_result_without_a_type_is_a_fault(tmp_path: Path, hidden: str) -> None:
    findings = found(tmp_path, f"def first(parser: tensorrt.OnnxParser, name: str) -> None:\n    {hidden}\n")
    assert len(findings.faults) == 1


def test_a_name_that_is_asked_for_first_may_be_missing_in_a_version(tmp_path: Path) -> None:
    source = """
def config_of(engine: tensorrt.ICudaEngine) -> object:
    return engine.create_runtime_config() if hasattr(engine, "create_runtime_config") else None
"""
    assert complaints(tmp_path, source, software_tensorrt()) == []
    unguarded = source.replace(' if hasattr(engine, "create_runtime_config") else None', "")
    assert complaints(tmp_path, unguarded, software_tensorrt()) != []


def test_a_method_that_overrides_nothing_is_a_wrong_name(tmp_path: Path) -> None:
    methods = "".join(f"    def {name}(self) -> bool: ...\n" for name in ("step_done", "step_complete", "_own"))
    source = f"class Monitor(trt.IProgressMonitor):\n{methods}"
    (told,) = complaints(tmp_path, source, software_tensorrt())
    assert told.endswith("has no IProgressMonitor.step_done")


def test_our_own_source_hides_no_name() -> None:
    findings = names_in(source_files(ROOT), ROOT)
    assert list(findings.faults) == []
    assert "Builder.build_serialized_network" in findings.names


def test_the_stand_in_has_every_name_of_our_own_source() -> None:
    """So a name taken for TensorRT's that is not turns red here, without the real bindings."""
    names = list(names_in(source_files(ROOT), ROOT).names)
    of_objects = {"IBuilderConfig.profiling_verbosity", "IBuilderConfig.progress_monitor", "DataType.name"}
    assert set(lacking(software_tensorrt(), names)) - of_objects == {"IHostMemory"}


def test_the_stand_in_claims_the_names_that_it_has() -> None:
    claimed = names_of_the_stand_in()
    assert lacking(software_tensorrt(), claimed) == []
    assert {"Builder.create_network", "ILogger.ERROR", "ParserError.node_operator"} <= set(claimed)
