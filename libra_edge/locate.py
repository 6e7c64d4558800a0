"""Names to folders: `libra_base` is the shipped model for export, the bundle exported from it for everything else."""

from __future__ import annotations

from pathlib import Path

from libra_edge.bundle import MANIFEST
from libra_edge.errors import BundleError, ModelDirectoryError
from libra_edge.model_directory import MODEL_TOML

MODELS = Path(__file__).resolve().parent.parent / "models"
BUNDLES = Path("bundles")
RECORDINGS = Path("recordings")
CALIBRATIONS = Path("calibrations")
"""Below the folder in which a command runs."""


def model_directory_path(name: str) -> Path:
    """Folder of a model directory: shipped models first, then `name` as a path. Raises ModelDirectoryError."""
    known = _folders_with(MODEL_TOML, MODELS)
    if name in known:
        return MODELS / name
    if Path(name).is_dir():
        return Path(name)
    raise ModelDirectoryError(Path(name), f"there is no such model; {_listed('shipped models', known)}, or give a path")


def bundle_path(name: str) -> Path:
    """Folder of a bundle: `bundles/NAME` of the current directory first, then `name` as a path. Raises BundleError."""
    known = _folders_with(MANIFEST, BUNDLES)
    if name in known:
        return BUNDLES / name
    if Path(name).is_dir():
        return Path(name)
    advice = f"make one with: libra-edge export {Path(name).name or 'MODEL'}"
    raise BundleError(Path(name), f"there is no such bundle; {_listed('exported so far', known)}; {advice}")


def _folders_with(file: str, root: Path) -> list[str]:
    names = (path.parent.name for path in root.glob(f"*/{file}"))
    return sorted(name for name in names if not name.startswith("."))


def _listed(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names) or 'none'}"
