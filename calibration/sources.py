"""Calibration samples from whatever lies at a path: a `.npz` file, recordings, or a LeRobot dataset."""

from __future__ import annotations

from pathlib import Path

from libra_edge.calibration.joint_unit import Unit
from libra_edge.calibration.lerobot_dataset import INFO
from libra_edge.calibration.lerobot_samples import lerobot_samples
from libra_edge.calibration.recording_samples import recording_samples
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
    if path.is_dir():
        if (path / INFO).is_file():
            limit = affordable(spec, limit)
            return lerobot_samples(path, spec, encoder, seed=seed, limit=limit, unit=unit)
        if any(path.glob("*.mcap")):
            return recording_samples(path, spec, encoder, seed=seed, limit=affordable(spec, limit))
    elif path.suffix == ".mcap":
        return recording_samples(path, spec, encoder, seed=seed, limit=affordable(spec, limit))
    elif path.suffix == ".npz":
        return read_samples(path, spec)
    raise CalibrationError(path, f"{_found(path)}; give {WANTED}; see {DOCUMENT}")


WANTED = f"a .npz file, an .mcap recording, a folder of recordings, or a LeRobot dataset (with {INFO})"


def _found(path: Path) -> str:
    if path.is_dir():
        return f"there is neither {INFO} nor a recording in this folder"
    return "this is none of the known kinds of file" if path.exists() else "there is no such file or folder"
