"""`libra-edge calibrate ranges`: from recordings and files to one that export takes; bad input ends in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest

from libra_edge.calibration.samples import read_samples
from libra_edge.calibration.sources import open_samples
from libra_edge.cli import run
from libra_edge.cli.main import run_command
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_directory import open_model_directory
from libra_edge.model_spec import ModelSpec
from tests.calibration.lerobot_writer import an_episode, write_dataset
from tests.calibration.recorded import TASK, record_run
from tests.runtime_policy.fakes import FakePlanner, FakeRefiner


@pytest.fixture
def recordings(tmp_path: Path, spec: ModelSpec, encoder: InstructionEncoder) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for seed in (1, 2):
        record_run(folder / f"{seed}.mcap", (FakePlanner(spec), FakeRefiner(spec)), spec, encoder, seed=seed, chunks=20)
    return folder


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_several_sources_become_one_file_that_export_reads(
    tiny: Path,
    tmp_path: Path,
    recordings: Path,
    spec: ModelSpec,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = write_dataset(
        tmp_path / "dataset", [an_episode(spec, 1, task="touch the red cube", length=60)], spec.action.joints
    )
    out = tmp_path / "made" / "ranges.npz"
    words = ["calibrate", "ranges", "--model", str(tiny), "--out", str(out), "--limit", "40", "--json"]
    copy = tmp_path / "copy.mcap"
    copy.write_bytes((recordings / "1.mcap").read_bytes())
    paths = (recordings, dataset, recordings / "1.mcap", copy)
    sources = [part for path in paths for part in ("--from", str(path))]
    assert run_command([*words, *sources]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["file"] == str(out)
    coverage = printed["coverage"]
    assert coverage["sources"] == {f"{recordings}, {recordings / '1.mcap'}, {copy}": 60, str(dataset): 48}
    assert sum(coverage["duplicates_removed"].values()) == 20, "the copy of a recording"
    assert set(coverage["tasks"]) == {TASK, "touch the red cube"}
    read = read_samples(out, spec)
    assert sum(coverage["samples"].values()) == len(read.holdout) <= 80
    assert [path.name for path in out.parent.iterdir()] == ["ranges.npz"]


def test_no_sample_changes_kind_or_content(
    tiny: Path, tmp_path: Path, recordings: Path, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    out = tmp_path / "ranges.npz"
    assert run_command(["calibrate", "ranges", "--model", str(tiny), "--from", str(recordings), "--out", str(out)]) == 0
    given, made = open_samples(recordings, spec, encoder, seed=0, limit=512), read_samples(out, spec)
    for name, array in given.arrays.items():
        np.testing.assert_array_equal(made.arrays[name], array)
    np.testing.assert_array_equal(made.holdout, given.holdout)


def test_live_runs_are_recorded_and_then_read(
    tiny: Path,
    tmp_path: Path,
    recordings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The arm is left out: what stands in for `run` puts a recording where it is told to, and notes its options."""
    asked: list[dict[str, str]] = []

    @click.command()
    @click.pass_context
    @click.option("--robot")
    @click.option("--model")
    @click.option("--task")
    @click.option("--duration")
    @click.option("--seed")
    @click.option("--record", type=click.Path(path_type=Path))
    def recorded(context: click.Context, /, record: Path, **_: str) -> None:
        asked.append({name: str(value) for name, value in context.params.items()})
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_bytes((recordings / f"{1 + len(asked) % 2}.mcap").read_bytes())

    monkeypatch.setattr(run, "command", recorded)
    monkeypatch.chdir(tmp_path)
    words = f"calibrate ranges --model {tiny} --robot koch-sim --runs 2 --duration 5 --seed 3 --bundle mine --json"
    assert run_command([*words.split(), "--task", "touch it", "--task", "push it"]) == 0
    assert [(one["task"], one["seed"], one["model"], one["duration"]) for one in asked] == [
        ("touch it", "3", "mine", "5.0"),
        ("push it", "4", "mine", "5.0"),
    ]
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    (source,) = printed["coverage"]["sources"]
    assert Path(source).parts[0] == "recordings"
    assert len(list(Path(source).glob("*.mcap"))) == 2
    assert len(read_samples(Path(printed["file"]), open_model_directory(tiny).spec).holdout) == 40


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to take samples from: give --from"),
        (["--from", "nowhere"], "there is no such file or folder"),
        (["--from", "x", "--out", "ranges.json"], "samples are kept as .npz"),
        (["--task", "touch it"], "--task needs --robot"),
        (["--robot", "koch-sim"], "--robot needs --task"),
        (["--limit", "3"], "is not in the range"),
    ],
)
def test_bad_input_ends_in_one_sentence(
    tiny: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], in_an_empty_folder: Path
) -> None:
    assert run_command(["calibrate", "ranges", "--model", str(tiny), *arguments]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert list(in_an_empty_folder.iterdir()) == []


def test_a_full_disk_leaves_no_half_file(
    tiny: Path,
    tmp_path: Path,
    recordings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "made" / "ranges.npz"
    monkeypatch.setattr("libra_edge.calibration.whole_file.os.fsync", full)
    assert run_command(["calibrate", "ranges", "--model", str(tiny), "--from", str(recordings), "--out", str(out)]) == 2
    assert "cannot be written (No space left on device)" in " ".join(capsys.readouterr().err.split())
    assert list(out.parent.iterdir()) == []
