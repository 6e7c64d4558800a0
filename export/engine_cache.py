"""TensorRT engines for the device at hand: taken from the cache if one fits, else built and kept there.

An engine lies outside the bundle, under a key of everything it depends on (`engine_record.EngineKey`). It is taken only
if every byte is as it was written and TensorRT loads it; else it is announced and built anew.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import platformdirs

from libra_edge.cuda_device import CudaDevice, first_cuda_device
from libra_edge.errors import PlanError
from libra_edge.export.build_phases import PIECES
from libra_edge.export.engine_builder import BuildSettings, BuiltPlan, build_plan, read_layers
from libra_edge.export.engine_folder import EngineFolder
from libra_edge.export.engine_record import LAYERS, PLAN, RECORD, EngineKey, EngineRecord, read_plan, read_record
from libra_edge.tensorrt_library import load_tensorrt

if TYPE_CHECKING:
    from libra_edge.bundle import Bundle
    from libra_edge.export.progress import Progress

_log = logging.getLogger(__name__)

WORKSPACE_MB = 1024
"""Unless the user says otherwise. A Jetson has 4 to 64 GiB, shared by GPU and CPU, and the policy needs its part."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the user chose.

    Attributes:
        workspace_mb: most GPU memory that a layer may use for scratch, in 2^20 bytes.
    """

    workspace_mb: int = WORKSPACE_MB


@dataclass(frozen=True, slots=True, eq=False)
class BuildSite:
    """Where engines are built: by which TensorRT, for which GPU, kept in which folder."""

    trt: ModuleType
    device: CudaDevice
    folder: Path


@dataclass(frozen=True, slots=True)
class CachedEngine:
    """An engine that lies in the cache, whole, and that TensorRT has just loaded.

    Attributes:
        plan: the serialised engine.
        layers: TensorRT's detailed information on its layers, JSON.
        key: hex digest of what it depends on.
        built: whether it was built just now.
        seconds: what building took, now or then.
    """

    name: str
    plan: Path
    layers: Path
    key: str
    sha256: str
    bytes: int
    seconds: float
    built: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    graph: Path
    key: EngineKey


def this_site() -> BuildSite:
    """The machine at hand. Raises MissingHardwareError without a GPU, MissingDependencyError without TensorRT."""
    device = first_cuda_device()  # first, for TensorRT may crash where there is none
    return BuildSite(load_tensorrt(), device, platformdirs.user_cache_path("libra-edge") / "engines")


def ensure_engines(
    bundle: Bundle, options: EngineOptions, progress: Progress, site: BuildSite | None = None
) -> Mapping[str, CachedEngine]:
    """An engine for every graph of target `tensorrt`, by the graph's name.

    Raises MissingHardwareError, MissingDependencyError, BundleError (not exported for `tensorrt`), EngineBuildError (a
    graph that TensorRT does not take), EngineCacheError (the folder cannot be written), EngineError (out of memory).
    """
    site = site or this_site()
    return {wanted.name: _ensure(wanted, site, progress) for wanted in _wanted(bundle, options, site)}


def _wanted(bundle: Bundle, options: EngineOptions, site: BuildSite) -> list[_Wanted]:
    bundle.graph("tensorrt", "planner")  # says what to do if the bundle has no such target
    target = bundle.manifest.targets["tensorrt"]
    return [
        _Wanted(name, bundle.path / file, _key(bundle, file, stage.precision, options, site))
        for stage in (target.planner, target.refiner)
        for name, file in stage.graphs.items()
    ]


def _key(bundle: Bundle, file: str, precision: str, options: EngineOptions, site: BuildSite) -> EngineKey:
    files = bundle.manifest.files
    return EngineKey(
        onnx={name: files[name] for name in (file, f"{file}.data") if name in files},
        tensorrt=site.trt.__version__,
        device=site.device.name,
        compute_capability=site.device.architecture,
        precision=precision,
        workspace_mb=options.workspace_mb,
    )


def _ensure(wanted: _Wanted, site: BuildSite, progress: Progress) -> CachedEngine:
    folder = EngineFolder(site.folder)
    try:
        found = _find(wanted, site, folder)
    except ValueError:
        found = None  # it is looked at again, and said, when no other process is at it
    if found is None:
        with folder.building(wanted.key.digest, f"the engine of {wanted.name}") as staging:
            return _find_or_announce(wanted, site, folder) or _build(wanted, site, folder, staging, progress)
    progress.begin(f"Engine of {wanted.name}, built before", 1)
    progress.advance()
    return found


def _find(wanted: _Wanted, site: BuildSite, folder: EngineFolder) -> CachedEngine | None:
    """The engine in the cache, or None. Raises ValueError with one clause if there is one that cannot be used."""
    entry = folder.entry(wanted.key.digest)
    if not entry.is_dir():
        return None
    try:
        record = read_record(entry)
        plan = read_plan(entry, record)
        if record.made_from != wanted.key:
            raise ValueError(f"{RECORD} tells of another engine")
        read_layers(site.trt, plan)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror or error}") from error
    except PlanError as error:
        raise ValueError(error.problem) from error
    return _cached(wanted, entry, record, built=False)


def _find_or_announce(wanted: _Wanted, site: BuildSite, folder: EngineFolder) -> CachedEngine | None:
    try:
        return _find(wanted, site, folder)
    except ValueError as error:
        _log.warning("the engine of %s in %s is built anew: %s", wanted.name, folder.path, error)
        return None


def _build(wanted: _Wanted, site: BuildSite, folder: EngineFolder, staging: Path, progress: Progress) -> CachedEngine:
    version, architecture = wanted.key.tensorrt, wanted.key.compute_capability
    progress.begin(f"Building engine {wanted.name}", PIECES)
    start = time.monotonic()
    settings = BuildSettings(wanted.key.workspace_mb, folder.timing_cache(version, architecture))
    built = build_plan(site.trt, wanted.graph, settings, progress)
    if not built.timing_cache_taken:
        _log.warning("TensorRT did not take the timing cache in %s: it measures everything anew", folder.path)
    layers = read_layers(site.trt, built.plan).encode()
    record = _record(wanted, built, layers, time.monotonic() - start)
    files: dict[str, bytes | memoryview] = {
        PLAN: built.plan,
        LAYERS: layers,
        RECORD: record.model_dump_json(indent=2).encode(),
    }
    folder.publish(staging, wanted.key.digest, files)
    folder.keep_timing_cache(staging, version, architecture, built.timing_cache)
    _log.info("the engine of %s was built in %.1f s and is kept in %s", wanted.name, record.seconds, folder.path)
    return _cached(wanted, folder.entry(wanted.key.digest), record, built=True)


def _record(wanted: _Wanted, built: BuiltPlan, layers: bytes, seconds: float) -> EngineRecord:
    return EngineRecord(
        graph=wanted.name,
        made_from=wanted.key,
        plan_bytes=built.plan.nbytes,
        plan_sha256=hashlib.sha256(built.plan).hexdigest(),
        layers_sha256=hashlib.sha256(layers).hexdigest(),
        seconds=round(seconds, 3),
    )


def _cached(wanted: _Wanted, entry: Path, record: EngineRecord, *, built: bool) -> CachedEngine:
    return CachedEngine(
        name=wanted.name,
        plan=entry / PLAN,
        layers=entry / LAYERS,
        key=wanted.key.digest,
        sha256=record.plan_sha256,
        bytes=record.plan_bytes,
        seconds=record.seconds,
        built=built,
    )
