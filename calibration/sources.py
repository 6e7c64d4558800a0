"""Calibration samples from whatever lies at a path: a `.npz` file, recordings, or a LeRobot dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from libra_edge.calibration.joint_unit import Unit
from libra_edge.calibration.lerobot_dataset import INFO
from libra_edge.calibration.lerobot_samples import lerobot_samples
from libra_edge.calibration.recording_samples import recording_samples, recordings_at, samples_of_files
from libra_edge.calibration.sample_choice import affordable
from libra_edge.calibration.samples import DOCUMENT, CalibrationSamples, read_samples
from libra_edge.errors import CalibrationError
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec


def open_samples(
    path: Path, spec: ModelSpec, encoder: InstructionEncoder, *, seed: int, limit: int, unit: Unit = "deg"
) -> CalibrationSamples:
    """Read and judge the samples at `path` for a model.

    Recordings and datasets give at most `limit` samples of each kind, chosen by `seed`; a `.npz` file gives all it has.
    `unit` is that of a dataset's joints. Raises CalibrationError, MissingDependencyError.
    """
    if (path / INFO).is_file():
        return lerobot_samples(path, spec, encoder, seed=seed, limit=affordable(spec, limit), unit=unit)
    if _has_recordings(path):
        return recording_samples(path, spec, encoder, seed=seed, limit=affordable(spec, limit))
    if path.suffix == ".npz":
        return read_samples(path, spec)
    raise CalibrationError(path, f"{_found(path)}; give {WANTED}; see {DOCUMENT}")


def open_all(
    paths: Sequence[Path], spec: ModelSpec, encoder: InstructionEncoder, *, seed: int, limit: int, unit: Unit = "deg"
) -> dict[str, CalibrationSamples]:
    """What `open_samples` reads at each of several paths, by path; all recordings together count as one source.

    So a single recording may be short, and every other one is held out. One that is given twice is read once.
    Raises CalibrationError, MissingDependencyError.
    """
    with_recordings = [path for path in paths if _has_recordings(path)]
    found: dict[str, CalibrationSamples] = {}
    if with_recordings:
        files = [*dict.fromkeys(file.resolve() for path in with_recordings for file in recordings_at(path))]
        name = ", ".join(str(path) for path in with_recordings)
        most = affordable(spec, limit)
        found[name] = samples_of_files(with_recordings[0], files, spec, encoder, seed=seed, limit=most)
    for path in paths:
        if path not in with_recordings:
            found[str(path)] = open_samples(path, spec, encoder, seed=seed, limit=limit, unit=unit)
    return found


def _has_recordings(path: Path) -> bool:
    if path.is_dir():
        return not (path / INFO).is_file() and any(path.glob("*.mcap"))
    return path.suffix == ".mcap"


WANTED = f"a .npz file, an .mcap recording, a folder of recordings, or a LeRobot dataset (with {INFO})"


def _found(path: Path) -> str:
    if path.is_dir():
        return f"there is neither {INFO} nor a recording in this folder"
    return "this is none of the known kinds of file" if path.exists() else "there is no such file or folder"
