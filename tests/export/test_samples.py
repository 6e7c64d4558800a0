"""Calibration samples: what is read, and what is refused with which words."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from libra_edge.calibration import samples as samples_module
from libra_edge.calibration.samples import CalibrationSamples, read_samples
from libra_edge.errors import CalibrationError
from libra_edge.model_directory import open_model_directory
from libra_edge.model_spec import ModelSpec

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def spec(tiny: Path) -> ModelSpec:
    return open_model_directory(tiny).spec


@pytest.fixture(scope="module")
def arrays(tiny: Path) -> Arrays:
    with np.load(tiny / "calibration.npz") as archive:
        return {name: archive[name] for name in archive.files}


def written(path: Path, arrays: Arrays) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_every_graph_input_comes_with_its_leading_one(tiny: Path, spec: ModelSpec, arrays: Arrays) -> None:
    samples = read_samples(tiny / "calibration.npz", spec)
    feed = samples.feed(3, ("image_wrist", "tokens"))
    assert feed["image_wrist"].shape == (1, 240, 424, 3)
    np.testing.assert_array_equal(feed["tokens"][0], arrays["tokens"][3])
    assert not samples.arrays["state"].flags.writeable


def test_held_out_rows_never_set_ranges(tiny: Path, spec: ModelSpec) -> None:
    samples = read_samples(tiny / "calibration.npz", spec)
    ranges, judged = (samples.rows(held_out=held_out, limit=1000, seed=0) for held_out in (False, True))
    assert len(ranges) == len(judged) == 24
    assert not set(ranges) & set(judged)
    assert samples.holdout[judged].all()


def test_rows_are_drawn_by_the_seed(tiny: Path, spec: ModelSpec) -> None:
    samples = read_samples(tiny / "calibration.npz", spec)
    one, again, other = (samples.rows(held_out=False, limit=8, seed=seed) for seed in (1, 1, 2))
    assert one.tolist() == again.tolist() == sorted(set(one.tolist()))
    assert len(one) == 8
    assert one.tolist() != other.tolist()


def set_value(name: str, index: Any, value: float) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][index] = value

    return change


def replaced(name: str, make: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = make(arrays[name])

    return change


def noise(images: NDArray[Any]) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("tokens"), "missing tokens"),
        (replaced("extra", lambda _: np.zeros(3)), "unknown extra"),
        (replaced("state", lambda a: a.astype(np.float64)), r"state is float64 \[48, 6\], the model wants float32"),
        (replaced("image_front", lambda a: a[:, ::2]), r"image_front is uint8 \[48, 90, 320, 3\]"),
        (replaced("instruction", lambda a: a[:40]), r"instruction is int64 \[40, 8\], the model wants int64 \[48, 8\]"),
        (replaced("holdout", lambda a: a.astype(np.int64)), "holdout is int64"),
        (replaced("holdout", lambda a: np.array(1, np.bool_)), r"holdout is bool \[\], the model wants bool \[1\]"),
        (replaced("holdout", np.zeros_like), "0 samples held out, at least 16"),
        (replaced("holdout", np.ones_like), "0 samples for calibration, at least 16"),
        (set_value("state", (7, 2), np.nan), "state has a value that is not finite in sample 7"),
        (set_value("sample", (5, 0, 0), np.inf), "sample has a value that is not finite in sample 5"),
        (set_value("tokens", (4, 1, 1), 10), r"tokens leave 0..9 in sample 4"),
        (set_value("instruction", (2, 0), -1), "instruction has a negative id in sample 2"),
        (set_value("image_wrist", 9, 128), "image_wrist is one flat colour in sample 9"),
        (replaced("image_front", lambda a: np.repeat(a[:1], len(a), axis=0)), "image_front is the same frame"),
        (replaced("image_front", noise), "image_front is random noise"),
    ],
)
def test_unfit_samples_are_refused(
    tmp_path: Path, spec: ModelSpec, arrays: Arrays, change: Callable[[Arrays], None], words: str
) -> None:
    changed = {"extra": np.zeros(3), **arrays} if "extra" in words else dict(arrays)
    change(changed)
    with pytest.raises(CalibrationError, match=words) as caught:
        read_samples(written(tmp_path / "samples.npz", changed), spec)
    assert caught.value.exit_code == 2


def test_objects_are_not_unpickled(tmp_path: Path, spec: ModelSpec, arrays: Arrays) -> None:
    path = written(tmp_path / "samples.npz", {**arrays, "state": np.array([{}], dtype=object)})
    with pytest.raises(CalibrationError, match="allow_pickle"):
        read_samples(path, spec)


def test_an_archive_too_large_to_unpack_is_not_unpacked(
    tiny: Path, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples_module, "MAX_BYTES", 1 << 20)
    with pytest.raises(CalibrationError, match=r"unpacks to .* MiB, more than 1"):
        read_samples(tiny / "calibration.npz", spec)


def test_a_missing_file_is_named(tmp_path: Path, spec: ModelSpec) -> None:
    with pytest.raises(CalibrationError, match="No such file"):
        read_samples(tmp_path / "none.npz", spec)


def test_a_member_that_is_no_array_is_refused(tmp_path: Path, tiny: Path, spec: ModelSpec) -> None:
    path = tmp_path / "samples.npz"
    path.write_bytes((tiny / "calibration.npz").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("note.txt", "hello")
    with pytest.raises(CalibrationError, match=r"note\.txt is not an array"):
        read_samples(path, spec)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_refused_in_one_sentence(tmp_path: Path, spec: ModelSpec, data: st.DataObject) -> None:
    """Small archives, so that damage often hits a header."""
    path = written(tmp_path / "damaged.npz", {"state": np.zeros((2, 6), np.float32), "holdout": np.zeros(2, np.bool_)})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    with pytest.raises(CalibrationError):
        read_samples(path, spec)


def test_arrays_cannot_be_changed_behind_the_holders_back(arrays: Arrays) -> None:
    samples = CalibrationSamples({"state": np.zeros((2, 6), np.float32)}, np.zeros(2, np.bool_))
    with pytest.raises(ValueError, match="read-only"):
        samples.arrays["state"][0] = 1
