"""Where the tests build engines: a cache folder, a stand-in for TensorRT, and a count of what was built."""

from __future__ import annotations

from pathlib import Path

from libra_edge.bundle import Bundle
from libra_edge.cuda_device import CudaDevice
from libra_edge.export.engine_cache import BuildSite, CachedEngine, EngineOptions, ensure_engines
from libra_edge.export.progress import SilentProgress
from tests.tensorrt.software_faults import Faults
from tests.tensorrt.software_tensorrt import software_tensorrt

ORIN = CudaDevice("Orin", (8, 7))


class Workshop:
    """An Orin whose TensorRT is a stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "engines"
        self.faults = Faults(on_build=self._count)
        self.builds = 0
        self.site = BuildSite(software_tensorrt(self.faults), ORIN, self.folder)

    def ensure(self, bundle: Bundle, workspace_mb: int = 64) -> dict[str, CachedEngine]:
        return dict(ensure_engines(bundle, EngineOptions(workspace_mb), SilentProgress(), self.site))

    def _count(self) -> None:
        self.builds += 1


def rubbish_in(folder: Path) -> list[str]:
    """What is neither an engine, a lock nor the timing cache."""
    names = [path.name for path in folder.iterdir()]
    return [
        name for name in names if name.startswith(".") or (len(name) != 64 and not name.endswith((".lock", ".bin")))
    ]
