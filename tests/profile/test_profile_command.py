"""`libra-edge profile` from outside: what it writes and says, and each way to be refused before it measures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libra_edge.cli import profile_measure
from libra_edge.cli.main import run_command
from libra_edge.errors import BusError, ConfigError, PlanError, RuntimeFault
from libra_edge.profiling.document import ProfileDocument, read_profile
from libra_edge.profiling.machine_watch import watched_machine
from libra_edge.profiling.path import PATH
from libra_edge.profiling.profile_log import ProfileLog
from tests.models import write_tiny_bundle
from tests.profile.made_document import made_document
from tests.profile.made_log import made_log
from tests.profile.test_trace import check_structure

CONTRACT = {"stages", "layers", "roofline", "memory_mb", "power_w", "predictions", "trace", "html"}
Profile = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def profile(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Profile:
    """Runs the verb; gives exit code, stdout and stderr."""

    def run(*options: object) -> tuple[int, str, str]:
        given = ["--bundle", str(bundle), "--out", str(tmp_path / "out"), "--seconds", "0.3"]
        code = run_command(["profile", *given, *map(str, options)])
        printed = capsys.readouterr()
        return code, printed.out, " ".join(printed.err.split())

    return run


def json_of(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_a_run_is_profiled_from_picture_to_bus(profile: Profile, tmp_path: Path) -> None:
    code, out, err = profile("--robot", "koch-sim", "--seconds", "3", "--json")
    assert code == 0, err
    found = json_of(out)
    assert found.keys() >= CONTRACT
    document = read_profile(tmp_path / "out/profile.json")
    assert document == ProfileDocument.model_validate(found)
    assert [name for name, stage in document.stages.items() if stage.on_path] == list(PATH)
    assert set(document.stages) >= {"planner", "intent", "refiner_encoder", "refiner_step", "bus_read", "end_to_end"}
    assert document.sums is not None
    assert document.sums.difference_percent < 3
    assert document.counts is not None
    assert document.counts.chunks >= document.counts.chunks_followed > 0
    assert document.stages["refiner"].n == document.counts.chunks_followed
    timed = check_structure(json.loads(Path(found["trace"]).read_text()))
    assert {event["ph"] for event in timed} >= {"X", "s", "t", "f"}
    assert Path(found["html"]).read_text().startswith("<!doctype html>")
    assert "From picture to command" in err


def test_without_a_robot_the_systems_are_profiled(profile: Profile) -> None:
    code, out, err = profile("--robot", "none", "--json")
    assert code == 0, err
    found = json_of(out)
    assert found["robot"] is None
    assert found["sums"] is None
    assert found["stages"]["refiner"]["beside"]["n"] > 0
    assert found["stages"]["refiner"]["alone"]["n"] > 0
    assert "end_to_end" not in found["stages"]
    check_structure(json.loads(Path(found["trace"]).read_text()))


def test_what_is_not_measured_is_null_and_never_zero(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(profile_measure, "watched_machine", lambda: watched_machine(tmp_path))
    monkeypatch.setattr(profile_measure, "clocks", list)
    _, out, err = profile("--robot", "none", "--json")
    found = json_of(out)
    for name in ("power_w", "power_rails_w", "energy_per_chunk_j", "temperature_c", "throttled"):
        assert found[name] is None
    assert "Power: not available on this machine." in err
    assert "Whether the clocks are pinned is not known" in err


def test_a_stage_over_its_budget_is_exit_code_1(profile: Profile, tmp_path: Path) -> None:
    budgets = tmp_path / "budgets.toml"
    budgets.write_text("[stages.refiner]\np50_ms = 0.001\n[stages.planner]\np50_ms = 60000\n")
    code, out, err = profile("--robot", "none", "--budget", budgets, "--json")
    assert code == 1
    assert "libra-edge: over budget: refiner p50" in err
    assert "planner" not in err.rpartition("over budget")[2]
    assert json_of(out)["stages"], "what was measured is told all the same"
    budgets.write_text("[stages.refiner]\np50_ms = 60000\n")
    code, _, err = profile("--robot", "none", "--budget", budgets)
    assert code == 0, err


def test_two_profiles_are_held_against_each_other(profile: Profile, tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        file.write_text(made_document().model_dump_json())
    code, out, err = profile("--compare", *files, "--json")
    assert code == 0, err
    assert json_of(out)["compare"]["refiner"]["p50"]["ratio"] == 1.0
    assert "the same" in err
    assert not (tmp_path / "out").exists(), "nothing is measured"


def never(*_arguments: object, **_options: object) -> None:
    pytest.fail("something was measured")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--robot", "kuka"), "unknown robot 'kuka'"),
        (("--robot", "none", "--bundle", "nothing"), "there is no such bundle"),
        (("--robot", "none", "--budget", "none.toml"), "budgets none.toml: No such file"),
        (("--compare", "none.json", "none.json"), "profile none.json: No such file"),
        (("--compare", "none.json"), "requires 2 arguments"),
        (("--robot", "none", "--predict", "toaster"), "no board 'toaster'; known are orin-agx-64, orin-nx-16"),
        (("--seconds", "0"), "Invalid value for '--seconds'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_measured(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.setattr(profile_measure, "watched_systems", never)
    code, out, err = profile(*options)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_run_that_breaks_leaves_what_was_seen_and_exit_code_3(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> tuple[ProfileLog, RuntimeFault]:
        return made_log(), BusError("no answer from servo 3")

    monkeypatch.setattr(profile_measure, "profiled_run", broken)
    code, out, err = profile("--json")
    assert code == 3
    assert err.endswith("libra-edge: no answer from servo 3")
    found = json_of(out)
    assert found["headline"][0] == {"look": "bad", "text": "A fault ended the run early: no answer from servo 3."}
    assert found["stages"]["end_to_end"]["n"] == 2
    assert json.loads(Path(found["trace"]).read_text())["traceEvents"]


def test_words_that_the_model_does_not_know(profile: Profile) -> None:
    code, _, err = profile("--robot", "none", "--task", "fold the laundry")
    assert code == 2
    assert "does not know: 'fold'" in err


def test_an_engine_of_another_device_is_one_sentence(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object) -> None:
        raise PlanError("planner", "TensorRT 10.3 cannot load planner.plan: platform tag does not match")

    monkeypatch.setattr("libra_edge.cli.profile_run.load_on", refused)
    code, _, err = profile("--robot", "none")
    assert code == 2
    assert "cannot load planner.plan" in err
    assert "built for another device or is damaged: delete it" in err


def test_no_permission_for_power_is_one_sentence(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object) -> None:
        raise ConfigError("power cannot be measured: no permission to read curr1_input")

    monkeypatch.setattr("libra_edge.profiling.machine_watch.power_rails", refused)
    code, _, err = profile("--robot", "none")
    assert code == 2
    assert err.endswith("libra-edge: power cannot be measured: no permission to read curr1_input")


def test_a_folder_that_cannot_be_written(profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_measure, "watched_systems", never)
    (tmp_path / "out").write_text("a file")
    code, _, err = profile("--robot", "none")
    assert code == 2
    assert "give another --out" in err
