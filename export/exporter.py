"""The road from a model directory to a bundle: check, convert, compare with FP32, judge, write."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from libra_edge.bundle import MANIFEST, REPORT, TOKENIZER, GateEntry, Manifest, manifest_bytes
from libra_edge.errors import EngineError
from libra_edge.export.agreement import PlannerAgreement, RefinerAgreement, compare_planners, compare_refiners
from libra_edge.export.bundle_folder import BundleFolder, bundle_folder
from libra_edge.export.checked_model import CheckedModel, check_model
from libra_edge.export.conversion import PlannerPrecision, RefinerPrecision, Stage, convert_planner, convert_refiner
from libra_edge.export.gates import check_names, judge
from libra_edge.export.latency import TURNS, WARM_UP, Latency, measure_latency
from libra_edge.export.manifest import TARGET, graph_file, make_manifest
from libra_edge.export.policy_graphs import PolicyGraphs, SideBySide
from libra_edge.export.progress import Progress
from libra_edge.export.report import Findings, report_html
from libra_edge.model_directory import ModelDirectory

MOST_SAMPLES = 256
"""Of each kind, for choosing ranges and for comparing."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the user chose.

    Attributes:
        calibration: samples in place of the model directory's own.
        accepted: gates that may fail.
    """

    out: Path
    planner: PlannerPrecision = "int8"
    refiner: RefinerPrecision = "fp16"
    calibration: Path | None = None
    seed: int = 0
    accepted: Collection[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ExportResult:
    """What came of it. `sha256` is the bundle's, None if a gate failed and nothing was written."""

    manifest: Manifest
    latency: dict[str, Latency]
    sha256: str | None

    @property
    def failed(self) -> tuple[GateEntry, ...]:
        """Gates that failed and were not accepted."""
        return tuple(gate for gate in self.manifest.gates if gate.verdict == "failed" and not gate.accepted)


def export_model(directory: ModelDirectory, options: ExportOptions, progress: Progress) -> ExportResult:
    """Export for target `cpu`. A failed gate leaves what is at `options.out` untouched.

    Raises ModelDirectoryError, CalibrationError, ConfigError, BundleError (cannot be written), EngineError.
    """
    check_names(options.accepted)
    with bundle_folder(options.out) as folder:
        progress.begin("Checking the model directory", 1)
        model = check_model(directory, options.calibration)
        progress.advance()
        stages = _convert(model, options, progress)
        paths = _write_graphs(stages, folder)
        exported = PolicyGraphs(paths, directory.spec, lambda problem: EngineError("exported policy", problem))
        sides = SideBySide(model.fp32, exported, model.samples)
        planner, refiner = _compare(sides, model, options.seed, progress)
        progress.begin("Measuring latency", 2 * (WARM_UP + TURNS))
        latency = measure_latency(sides, int(planner.rows[0]), progress)
        folder.write(TOKENIZER, directory.tokenizer.read_bytes())
        gates = judge(TARGET, planner, refiner, options.accepted)
        manifest = make_manifest(model, stages, folder, gates, options.seed)
        folder.write(REPORT, report_html(manifest, Findings(latency, planner, refiner), model).encode())
        return _finish(ExportResult(manifest, latency, None), folder)


def _convert(model: CheckedModel, options: ExportOptions, progress: Progress) -> dict[str, Stage]:
    rows = model.samples.rows(held_out=False, limit=MOST_SAMPLES, seed=options.seed)
    return {
        "planner": convert_planner(model, options.planner, rows, progress),
        "refiner": convert_refiner(model, options.refiner, progress),
    }


def _write_graphs(stages: dict[str, Stage], folder: BundleFolder) -> dict[str, Path]:
    return {
        name: folder.write(graph_file(name), graph.SerializeToString(deterministic=True))
        for stage in stages.values()
        for name, graph in stage.graphs.items()
    }


def _compare(
    sides: SideBySide, model: CheckedModel, seed: int, progress: Progress
) -> tuple[PlannerAgreement, RefinerAgreement]:
    rows = model.samples.rows(held_out=True, limit=MOST_SAMPLES, seed=seed)
    progress.begin("Comparing the planner with FP32", len(rows))
    planner = compare_planners(sides, rows, progress)
    progress.begin("Comparing the refiner with FP32", len(rows))
    return planner, compare_refiners(sides, rows, model.directory.spec.action_space, progress)


def _finish(result: ExportResult, folder: BundleFolder) -> ExportResult:
    """Publish the bundle unless a gate failed."""
    if result.failed:
        return result
    content = manifest_bytes(result.manifest)
    folder.write(MANIFEST, content)
    folder.publish()
    return ExportResult(result.manifest, result.latency, hashlib.sha256(content).hexdigest())
