"""What lies at a path decides where samples come from; whatever it is, random data is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.calibration import sources
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.calibration.sources import open_samples
from libra_edge.errors import CalibrationError
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec
from tests.calibration.lerobot_writer import an_episode, write_dataset
from tests.calibration.recorded import record_run
from tests.calibration.scenes import noise, scenes
from tests.runtime_policy.fakes import FakePlanner, FakeRefiner

Make = Callable[[Path, Any], Path]


@pytest.fixture
def write(tiny: Path, spec: ModelSpec, encoder: InstructionEncoder) -> dict[str, Make]:
    """Source -> writes one into a folder from a maker of pictures; returns what to open."""

    def npz(folder: Path, make: Any) -> Path:
        with np.load(tiny / "calibration.npz") as archive:
            arrays = {name: archive[name] for name in archive.files}
        arrays["image_front"] = make(0, *arrays["image_front"].shape[:3])
        np.savez(folder / "samples.npz", **arrays)
        return folder / "samples.npz"

    def recording(folder: Path, make: Any) -> Path:
        systems = FakePlanner(spec), FakeRefiner(spec)
        record_run(folder / "run.mcap", systems, spec, encoder, pictures=make)
        return folder / "run.mcap"

    def recordings(folder: Path, make: Any) -> Path:
        return recording(folder, make).parent

    def dataset(folder: Path, make: Any) -> Path:
        one = an_episode(spec, 1, task="touch the red cube", length=60, make=make)
        return write_dataset(folder / "dataset", [one], spec.action.joints)

    return {"npz": npz, "recording": recording, "recordings": recordings, "dataset": dataset}


@pytest.fixture
def opened(spec: ModelSpec, encoder: InstructionEncoder) -> Callable[[Path], CalibrationSamples]:
    return lambda path: open_samples(path, spec, encoder, seed=0, limit=18)


@pytest.mark.parametrize(
    ("source", "counts"), [("npz", (24, 24)), ("recording", (18, 18)), ("recordings", (18, 18)), ("dataset", (18, 18))]
)
def test_each_source_is_known_by_what_lies_there(
    tmp_path: Path,
    write: dict[str, Make],
    opened: Callable[[Path], CalibrationSamples],
    source: str,
    counts: tuple[int, int],
) -> None:
    samples = opened(write[source](tmp_path, scenes))
    assert (int((~samples.holdout).sum()), int(samples.holdout.sum())) == counts
    assert set(samples.arrays) == {"image_front", "image_wrist", "instruction", "state", "tokens", "sample"}
    assert not samples.arrays["state"].flags.writeable


@pytest.mark.parametrize("source", ["npz", "recording", "recordings", "dataset"])
def test_random_data_is_refused_from_every_source(
    tmp_path: Path, write: dict[str, Make], opened: Callable[[Path], CalibrationSamples], source: str
) -> None:
    path = write[source](tmp_path, noise)
    with pytest.raises(CalibrationError, match="image_front is random noise; record real frames") as caught:
        opened(path)
    assert caught.value.path == path


def test_a_datasets_unit_is_passed_on(tmp_path: Path, spec: ModelSpec, encoder: InstructionEncoder) -> None:
    one = an_episode(spec, 1, task="touch the red cube", length=60)
    folder = write_dataset(tmp_path / "dataset", [one], spec.action.joints, unit="rad")
    assert len(open_samples(folder, spec, encoder, seed=0, limit=16, unit="rad").holdout) == 32
    with pytest.raises(CalibrationError, match="looks like radians"):
        open_samples(folder, spec, encoder, seed=0, limit=16)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "there is no such file or folder; give a .npz file, an .mcap recording, a folder of recordings, or"),
        ("none.npz", "none.npz: .*No such file"),
        ("none.mcap", "none.mcap: .*none.mcap cannot be read: No such file"),
        ("empty", "there is neither meta/info.json nor a recording in this folder"),
        ("text.csv", "this is none of the known kinds of file"),
    ],
)
def test_anything_else_is_refused(
    tmp_path: Path, opened: Callable[[Path], CalibrationSamples], name: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.csv").write_text("1,2,3")
    with pytest.raises(CalibrationError, match=words):
        opened(tmp_path / name)


def test_no_more_than_memory_allows_is_taken(
    tmp_path: Path,
    write: dict[str, Make],
    opened: Callable[[Path], CalibrationSamples],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "affordable", lambda _spec, _limit: 16)
    for source in ("recording", "dataset"):
        folder = tmp_path / source
        folder.mkdir()
        assert len(opened(write[source](folder, scenes)).holdout) == 32
        shutil.rmtree(folder)
