"""Budgets and comparisons: what they say of two documents, and each way in which a file can be wrong."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from libra_edge.errors import ConfigError
from libra_edge.profiling.budget import over_budget, read_budgets
from libra_edge.profiling.comparison import compare, comparison_json
from libra_edge.profiling.document import ProfileDocument, read_profile
from libra_edge.profiling.tables import comparison_table
from tests.profile.made_document import made_document

DOCUMENT = made_document()


def budgets(folder: Path, text: str) -> Path:
    file = folder / "budgets.toml"
    file.write_text(text)
    return file


def slower(document: ProfileDocument, name: str, times: float) -> ProfileDocument:
    stage = document.stages[name]
    changed = stage.model_copy(update={"p50": stage.p50 * times, "p99": stage.p99 * times})
    return document.model_copy(update={"stages": {**document.stages, name: changed}})


def test_a_stage_over_its_budget_is_named_worst_first(tmp_path: Path) -> None:
    file = budgets(tmp_path, "[stages.refiner]\np50_ms = 8\np99_ms = 100\n[stages.wait]\nmax_ms = 2.0\n")
    assert over_budget(read_budgets(file), DOCUMENT.stages, file) == [
        "wait max 20 ms > 2 ms", "refiner p50 9 ms > 8 ms",
    ]  # fmt: skip


def test_what_is_just_within_its_budget_is_kept(tmp_path: Path) -> None:
    file = budgets(tmp_path, f"[stages.refiner]\np50_ms = {DOCUMENT.stages['refiner'].p50!r}\n")
    assert over_budget(read_budgets(file), DOCUMENT.stages, file) == []


def test_a_stage_that_was_not_measured_cannot_be_kept_quiet(tmp_path: Path) -> None:
    file = budgets(tmp_path, "[stages.refinery]\np50_ms = 8\n")
    with pytest.raises(ConfigError, match=r"no stage 'refinery' was measured; there are capture, .*refiner"):
        over_budget(read_budgets(file), DOCUMENT.stages, file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stages = 3", "stages"),
        ("", "stages: Field required"),
        ("[stages]", "at least 1"),
        ("[stages.refiner]", "says nothing"),
        ("[stages.refiner]\np50 = 3", r"stages\.refiner\.p50"),
        ("[stages.refiner]\np50_ms = -1", "greater than 0"),
        ("[stages.refiner]\np50_ms = nan", "stages.refiner.p50_ms"),
        ("[stages.refiner]\np50_ms = '3'", "valid number"),
        ("[stages.refiner]\np50_ms = true", "valid number"),
        ("[layers]\n[stages.refiner]\np50_ms = 1", "layers: Extra inputs"),
        ("p50 =", "not TOML"),
        ("\x00", "not TOML"),
    ],
)
def test_budgets_that_are_wrong_are_one_sentence(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        read_budgets(budgets(tmp_path, text))
    assert caught.value.exit_code == 2
    assert "budgets.toml" in str(caught.value)


def test_budgets_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_budgets(tmp_path / "none.toml")


def test_a_profile_survives_its_file(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(DOCUMENT.model_dump_json(indent=1))
    assert read_profile(file) == DOCUMENT


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "{}",
        lambda text: "[1, 2]",
        lambda text: '{"planner_ms": {"p50": 3}}',
        lambda text: text.replace('"schema_version": 1', '"schema_version": 2'),
        lambda text: text.replace('"p50": 9.0', '"p50": NaN'),
        lambda text: text.replace('"p50": 9.0', '"p50": "fast"'),
        lambda text: text.replace('"seconds"', '"surplus": 1, "seconds"'),
    ],
)
def test_a_cut_or_foreign_profile_is_one_sentence(tmp_path: Path, spoil: object) -> None:
    file, text = tmp_path / "profile.json", DOCUMENT.model_dump_json(indent=1)
    spoilt = spoil(text)  # type: ignore[operator]
    assert spoilt != text
    file.write_text(spoilt)
    with pytest.raises(ConfigError, match="profile again") as caught:
        read_profile(file)
    assert caught.value.exit_code == 2


def test_a_profile_that_is_no_text_or_no_file(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="profile again"):
        read_profile(file)
    with pytest.raises(ConfigError, match="Is a directory"):
        read_profile(tmp_path)


def test_comparing_tells_which_is_faster_and_what_differs() -> None:
    other = slower(DOCUMENT, "refiner", 0.5).model_copy(update={"machine": "another"})
    comparison = compare(DOCUMENT, other)
    (refiner,) = (stage for stage in comparison.stages if stage.name == "refiner")
    assert refiner.ratio() == pytest.approx(0.5)
    assert comparison.differs == ("machine: a machine and another",)
    figures = comparison_json(comparison)["compare"]
    assert figures["refiner"]["p50"] == {"a": 9.0, "b": 4.5, "ratio": 0.5}  # type: ignore[index]
    assert figures["wait"]["p99"]["ratio"] == 1.0  # type: ignore[index]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(comparison_table(comparison, "a.json", "b.json"))
    lines = {line.split("│")[1].strip(): line for line in console.export_text().splitlines() if line.startswith("│")}
    assert "B faster" in lines["refiner"]
    assert "the same" in lines["wait"]


def test_stages_that_only_one_has_are_told() -> None:
    fewer = {name: stage for name, stage in DOCUMENT.stages.items() if name != "wait"}
    comparison = compare(DOCUMENT, DOCUMENT.model_copy(update={"stages": fewer}))
    assert (comparison.only_a, comparison.only_b) == (("wait",), ())
