"""The report: one page that needs nothing else, shows the figures of the bundle, and says plainly what is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from libra_edge.bundle import Manifest, open_bundle
from libra_edge.export.latency import Latency
from libra_edge.export.layers import weighted_layers
from libra_edge.export.mac_share import ExecutedProduct, MacShare
from libra_edge.export.precision import PlannerPrecision, Precision
from libra_edge.export.report import report_html
from libra_edge.export.report_examples import one_an_instruction
from libra_edge.export.report_gates import WORDS
from tests.report_page import LOOP, Arguments, Page, changed, export_arguments, tuned, with_closed_loop, with_gates


@pytest.fixture(scope="module")
def exported(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Arguments:
    return export_arguments(tiny, tmp_path_factory.mktemp("report") / "bundle")


@pytest.fixture
def given(exported: Arguments) -> Arguments:
    """The same, free to be changed."""
    return {**exported, "exports": dict(exported["exports"])}


def test_the_page_stands_alone_and_is_balanced(given: Arguments) -> None:
    html = report_html(**given)
    page = Page(html)
    assert not page.open
    assert not page.wrong
    assert not re.search(r"(src|href)=\"(?!data:)|@import|url\(", html)
    assert "script" not in {tag for tag, _ in page.elements}
    assert len(html) < 1_000_000


def test_what_is_drawn_is_also_told(given: Arguments) -> None:
    page = Page(report_html(**given))
    drawings = [attrs for tag, attrs in page.elements if tag == "svg" and attrs.get("aria-hidden") != "true"]
    assert len(drawings) > 50
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in drawings)
    assert all(attrs["alt"] for tag, attrs in page.elements if tag == "img")


def number(text: str) -> float:
    """The first number of a cell, a percentage as a share."""
    found = re.match(r"(-?[\d.]+(?:e-?\d+)?)(%?)", text)
    assert found, text
    return float(found[1]) / (100 if found[2] else 1)


def test_figures_are_the_manifests(given: Arguments) -> None:
    page = Page(report_html(**given))
    manifest: Manifest = given["manifest"]
    targets = list(manifest.targets)
    for gate in manifest.gates:
        row = page.row(WORDS[gate.name][0])
        assert number(row[1].split(maxsplit=2)[2]) == gate.threshold
        cell = row[2 + targets.index(cast(Any, gate.target))]
        assert cell.endswith(gate.verdict)
        if gate.value is not None:
            assert number(cell) == pytest.approx(gate.value, rel=5e-3, abs=1e-9)
    share = manifest.targets["cpu"].planner.int8_mac_share
    assert f"{share:.1%} of the planner's multiply-adds ran in INT8" in page.text
    for target, entry in manifest.targets.items():
        assert f"{target}, INT8 {entry.planner.bytes / 1e6:.2f} MB" in page.text
        assert f"{target}, FP16 {entry.refiner.bytes / 1e6:.2f} MB" in page.text


def test_times_are_shown_where_they_were_measured_and_missed_where_not(given: Arguments) -> None:
    times = {"planner": Latency(3.25, 13.0, 9.75, 7), "refiner": Latency(20.5, 20.75, 0.25, 9)}
    page = changed(given, latency=times)
    for words in ("FP32 13.00 ms cpu, INT8 3.25 ms", "FP32 20.75 ms cpu, FP16 20.50 ms", "medians of 7 to 9 calls"):
        assert words in page.text
    assert page.bar("Time of the planner, cpu, INT8: 3.25 ms") == pytest.approx(0.25)
    assert page.bar("Time of the planner, FP32: 13.00 ms") == 1.0
    assert "4.00 times FP32's speed, planner" in page.text
    assert page.text.count("tensorrt, INT8 does not run here") == 1
    assert "an emulation that rounds every intermediate" in page.text


def test_an_export_for_tensorrt_alone_says_what_it_cannot(tiny: Path, tmp_path: Path) -> None:
    page = Page(report_html(**export_arguments(tiny, tmp_path / "out", targets=("tensorrt",))))
    assert "No times: no target of this bundle runs here." in page.text
    assert "Not known: only an execution profile tells" in page.text
    assert not re.search(r"[\d.]+ ms", page.text)
    assert "product of" not in page.text


def test_the_three_verdicts_look_different(given: Arguments) -> None:
    failing = {"value": 0.5, "verdict": "failed"}
    manifest = with_gates(
        given["manifest"], planner_tokens_exact=failing, planner_logit_cosine={**failing, "accepted": True}
    )
    page = Page(report_html(**{**given, "manifest": manifest}))
    assert page.row("Tokens equal")[2] == "50% ✕ failed"
    assert page.row("Cosine")[2] == "0.5 ✕ failed, accepted"
    assert page.row("Closed loop")[2] == "— not run"
    assert len(page.classed("over")) == 2
    assert "✕ 14 of 16 gates passed" in page.text
    assert "2 failed, 1 of them accepted" in page.text
    looks = [attrs["class"] for attrs in page.classed("chip")]
    assert looks.count("chip failed") == 3
    assert looks.count("chip passed") == 14


def test_a_page_of_passed_gates_warns_of_nothing(given: Arguments) -> None:
    manifest: Manifest = given["manifest"]
    gates = {gate.name: {"verdict": "passed", "value": gate.threshold} for gate in manifest.gates}
    rest = tuple(gate for gate in with_gates(manifest, **gates).gates if gate.target == "cpu")
    manifest = manifest.model_copy(update={"gates": rest, "targets": {"cpu": manifest.targets["cpu"]}})
    page = Page(report_html(**{**given, "manifest": manifest, "exports": {"cpu": given["exports"]["cpu"]}}))
    assert "✓ 9 of 9 gates passed" in page.text
    assert not page.classed("failed")
    assert not page.classed("over")


def test_the_closed_loop_is_told_or_said_not_to_have_run(given: Arguments) -> None:
    page = Page(report_html(**{**given, "manifest": with_closed_loop(given["manifest"], LOOP)}))
    for words in ("164 of 200", "161 of 200", "seeds 7 to 206", "Only FP32 succeeded in 9, only exported in 6"):
        assert words in page.text
    assert "drops by 1.50 points; the paired 95% interval is -2.25 to 5.50" in page.text
    assert page.text.count("plays episodes in simulation with both policies") == 1
    before = Page(report_html(**given))
    assert before.text.count("plays episodes in simulation with both policies") == 2


def test_sensitivity_is_shown_or_said_to_be_missing(given: Arguments) -> None:
    assert Page(report_html(**given)).text.count("Nothing was measured for this target") == 2
    single = weighted_layers(given["model"].planner)[-2].name
    page = changed(given, precision=tuned(planner=PlannerPrecision(not_int8=("head", single))))
    assert page.text.count("Nothing was measured for this target") == 1
    assert page.row("head") == ["head", "INT8", "3", "25%", "2.000%", "99.00%", "-0.5", "— not INT8 saves nothing"]
    assert page.row("FFN")[-1] == "✓ INT8"
    assert "min-max, smoothed by 0.5 1.23%, tokens equal 98.00%, chosen ✓" in page.text
    assert f"Layers of the planner kept out of INT8 one by one: {single}." in page.text
    assert "Measured on other graphs" not in page.text
    assert "Measured on other graphs" in changed(given, precision=tuned(measured_on={"planner.onnx": "0" * 64})).text


def test_what_did_not_run_in_int8_has_a_reason(given: Arguments) -> None:
    layers = [node.name for node in given["model"].planner.nodes if node.op_type in ("MatMul", "Gemm")]
    ran = [ExecutedProduct(layers[0], "MatMulIntegerToFloat", 600), ExecutedProduct("fused away", "MatMul", 300)]
    ran.append(ExecutedProduct(f"{layers[1]}_token_7", "FusedGemm", 100))
    precision = Precision(planner=PlannerPrecision(not_int8=(layers[1],)))
    page = changed(given, macs=MacShare(tuple(ran)), precision=precision)
    assert page.row("fused away")[1:] == ["MatMul", "30%", "ONNX Runtime kept it in float"]
    assert page.row(layers[1])[1:] == ["FusedGemm", "10%", f"kept out of INT8 by the precision file: {layers[1]}"]


def test_without_int8_nothing_is_said_of_ranges(tiny: Path, tmp_path: Path) -> None:
    page = Page(report_html(**export_arguments(tiny, tmp_path / "out", planner="fp32", refiner="fp32")))
    assert "The planner has no INT8 layers" in page.text
    assert "INT8 was not asked for" in page.text
    assert "the refiner's weights are" not in page.text.lower()


def test_the_worst_activations_come_first_each_with_its_range(given: Arguments) -> None:
    page = Page(report_html(**given))
    errors = [float(error) for error in re.findall(r"Error ([\d.]+)%: rounding", page.text)]
    assert 4 <= len(errors) <= 6
    assert errors == sorted(errors, reverse=True)
    labels = [attrs["aria-label"] for _, attrs in page.elements if "aria-label" in attrs]
    reaches = [re.search(r"up to (\S+), INT8 reaches (\S+)$", label) for label in labels]
    assert [found[1] == found[2] for found in reaches if found] == [True] * len(errors)
    shorter = Precision(planner=PlannerPrecision(method="percentile", percentile=99.0))
    assert "clipping 0.00%" not in changed(given, precision=shorter).text.partition("Ranges by percentile 99")[2][:400]


def test_examples_show_every_plan_and_ring_what_differs(given: Arguments) -> None:
    planner = given["exports"]["cpu"].agreement.planner
    tokens = planner.tokens_fp32.copy()
    tokens[5, 0, :2] = (tokens[5, 0, :2] + 1) % 10
    agreement = replace(given["exports"]["cpu"].agreement, planner=replace(planner, tokens=tokens))
    manifest: Manifest = given["manifest"]
    given["manifest"] = manifest.model_copy(update={"targets": {"cpu": manifest.targets["cpu"]}})
    given["exports"] = {"cpu": given["exports"]["cpu"]}
    page = changed(given, agreement=agreement)
    assert page.text.count("exported, cpu: ") == 3
    assert "exported, cpu: 2 of 60 tokens differ" in page.text
    assert [attrs["data-rings"] for attrs in page.classed("ring")] == ["2"]


def test_each_example_has_another_instruction_while_there_are_several() -> None:
    instructions = np.array([[1, 2], [3, 4], [1, 2], [3, 4]])
    assert one_an_instruction(np.array([2, 0, 3, 1]), instructions) == [2, 3, 0, 1]


def test_times_are_no_part_of_the_bundle(tiny_bundle: Path) -> None:
    before = open_bundle(tiny_bundle).sha256
    (tiny_bundle / "report.html").write_text((tiny_bundle / "report.html").read_text() + "<!-- read -->")
    assert open_bundle(tiny_bundle).sha256 == before
