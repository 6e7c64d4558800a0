"""`libra-edge eval` from outside: figures for a bundle, and a sentence for what cannot be judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from libra_edge.cli.main import run_command
from tests.models import write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def test_it_counts_successes_of_each_task(bundle: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--episodes", "1", "--tasks", "touch,push", "--workers", "1", "--json"]
    assert run_command(["eval", "--model", str(bundle), *options]) == 0
    figures = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert set(figures["tasks"]) == {"touch", "push"}
    assert figures["overall"]["episodes"] == 2
    assert figures["overall"]["successes"] == sum(task["successes"] for task in figures["tasks"].values())
    assert figures["seeds"] == [500_000, 500_000]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--tasks", "juggle"], "--tasks 'juggle': unknown juggle"),
        (["--robot", "koch"], "robot 'koch' is no simulation"),
        (["--robot", "kuka"], "unknown robot 'kuka'"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_sentence(
    bundle: Path, capsys: pytest.CaptureFixture[str], options: list[str], complaint: str
) -> None:
    assert run_command(["eval", "--model", str(bundle), *options]) == 2
    assert complaint in capsys.readouterr().err
