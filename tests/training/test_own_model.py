"""The example of docs/model-directory.md, another architecture in PyTorch: written, checked, exported by commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.bundle import open_bundle
from libra_edge.calibration.samples import read_samples
from libra_edge.export.session import GraphSession
from libra_edge.model_directory import open_model_directory

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "own_model.py"


@pytest.fixture(scope="module")
def exported(written: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The bundle and what the command says of it."""
    out = tmp_path_factory.mktemp("bundles") / "my_model"
    return out, libra_edge("export", str(written), "--out", str(out))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("example") / "my_model"
    subprocess.run([sys.executable, str(EXAMPLE), str(out)], cwd=ROOT, check=True)
    return out


def libra_edge(*arguments: str) -> dict[str, Any]:
    """The verb's JSON; its exit code must be 0."""
    command = [sys.executable, "-m", "libra_edge.cli.main", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_it_is_another_policy_than_ours(written: Path) -> None:
    mine, ours = (open_model_directory(path).spec for path in (written, ROOT / "models" / "libra_base"))
    assert len(mine.action.joints) != len(ours.action.joints)
    assert mine.policy.bins != ours.policy.bins
    assert mine.policy.rate_hz != ours.policy.rate_hz
    assert mine.camera != ours.camera


def test_the_checker_is_content(written: Path) -> None:
    checked = libra_edge("export", str(written), "--check")
    assert checked["parameters"]["planner"] > 0
    assert checked["samples"] == {"calibration": 64, "held_out": 64}


def test_it_exports_and_passes_every_gate_that_runs(exported: tuple[Path, dict[str, Any]]) -> None:
    bundle, answer = exported
    verdicts = {gate["name"]: (gate["verdict"], gate["accepted"]) for gate in answer["gates"]}
    assert verdicts["planner_tokens_exact"] == ("passed", False)
    assert "failed" not in {verdict for verdict, _ in verdicts.values()}
    assert open_bundle(bundle).sha256 == answer["bundle_sha256"]


def test_the_exported_planner_finds_the_named_block(written: Path, exported: tuple[Path, dict[str, Any]]) -> None:
    """The samples' tokens are the right plan's: without training, constant tokens would pass the gates as well."""
    bundle = open_bundle(exported[0])
    samples = read_samples(written / "calibration.npz", bundle.spec)
    planner = GraphSession(bundle.graph("cpu", "planner"))
    feeds = [samples.feed(int(row), bundle.spec.planner_inputs()) for row in np.flatnonzero(samples.holdout)]
    tokens = np.stack([planner.run(feed)["logits"][0].argmax(-1) for feed in feeds])
    right = samples.arrays["tokens"][samples.holdout]
    assert np.mean(tokens[:, : right.shape[1]] == right) > 0.97
