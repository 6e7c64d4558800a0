"""TensorRT engines for the device at hand, with a bar on stderr for each that has to be built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.cli.export_progress import ProgressBars
from libra_edge.cli.output import stderr_console
from libra_edge.export.engine_cache import WORKSPACE_MB, EngineOptions, ensure_engines

if TYPE_CHECKING:
    from libra_edge.export.engine_cache import CachedEngine

__all__ = ["WORKSPACE_MB", "build_engines", "engines_of"]


def build_engines(bundle_path: Path, workspace_mb: int = WORKSPACE_MB) -> list[dict[str, object]]:
    """Build what is missing, say where it lies, and give a row for JSON for each engine.

    Raises BundleError and whatever `ensure_engines` raises.
    """
    engines = engines_of(open_bundle(bundle_path), workspace_mb)
    for engine in engines.values():
        origin = f"built in {engine.seconds:.1f} s" if engine.built else "built before"
        stderr_console().print(f"Engine {engine.name}: {engine.bytes / 1e6:.1f} MB, {origin}, {engine.plan}")
    return [_row(engine) for engine in engines.values()]


def engines_of(bundle: Bundle, workspace_mb: int = WORKSPACE_MB) -> Mapping[str, CachedEngine]:
    """The engines of an open bundle by graph name, built first where they are missing. Raises as `ensure_engines`."""
    with ProgressBars() as bars:
        return ensure_engines(bundle, EngineOptions(workspace_mb), bars)


def _row(engine: CachedEngine) -> dict[str, object]:
    """`seconds` is what building took, now or when it was built."""
    return {
        "graph": engine.name,
        "engine": str(engine.plan),
        "layers": str(engine.layers),
        "key": engine.key,
        "sha256": engine.sha256,
        "bytes": engine.bytes,
        "built": engine.built,
        "seconds": engine.seconds,
    }
