"""The road from a model directory to a bundle: check, choose precisions, convert, compare with FP32, judge, write."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from libra_edge.bundle import MANIFEST, REPORT, TOKENIZER, GateEntry, Manifest, Target, manifest_bytes
from libra_edge.calibration.joint_unit import Unit
from libra_edge.closed_loop_outcome import ClosedLoopOutcome
from libra_edge.errors import ModelDirectoryError
from libra_edge.export.bundle_folder import BundleFolder, bundle_folder
from libra_edge.export.checked_model import MOST_SAMPLES, CheckedModel, SampleChoice, check_model
from libra_edge.export.conversion import PlannerChoice, RefinerChoice
from libra_edge.export.gates import check_names, judge
from libra_edge.export.graph import write_graph
from libra_edge.export.int8 import watched
from libra_edge.export.layers import weighted_layers
from libra_edge.export.manifest import make_manifest
from libra_edge.export.outcome import Outcome, planner_logits, policy_outcome
from libra_edge.export.precision import Precision, outdated, precision_file, read_precision, write_precision
from libra_edge.export.progress import Progress
from libra_edge.export.ranges import Activation, observe
from libra_edge.export.report import report_html
from libra_edge.export.target_export import TargetExport, TargetOrder, export_target, runnable
from libra_edge.export.tuning import TuningOrder, tune
from libra_edge.model_directory import ModelDirectory
from libra_edge.policy_files import PolicyFiles

logger = logging.getLogger(__name__)


class ClosedLoop(Protocol):
    """Plays the same episodes with two policies."""

    def __call__(self, fp32: PolicyFiles, exported: PolicyFiles, target: Target) -> ClosedLoopOutcome:
        """Play and count."""
        ...


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the user chose.

    Attributes:
        calibration: samples in place of the model directory's own; joint_unit is that of a dataset's joints.
        accepted: gates that may fail.
        tune: measure each layer's precision anew, and write it into the model directory.
        closed_loop: runs that gate; without, it is `not run`.
    """

    out: Path
    targets: Sequence[Target] = ("cpu", "tensorrt")
    planner: PlannerChoice = "int8"
    refiner: RefinerChoice = "fp16"
    calibration: Path | None = None
    joint_unit: Unit = "deg"
    seed: int = 0
    accepted: Collection[str] = ()
    tune: bool = False
    closed_loop: ClosedLoop | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExportResult:
    """What came of it.

    Attributes:
        report: the page, inside the bundle; of an export whose gates failed, beside where the bundle would be.
        sha256: the bundle's, None if a gate failed and no bundle was written.
    """

    manifest: Manifest
    targets: Mapping[Target, TargetExport]
    report: Path
    sha256: str | None

    @property
    def failed(self) -> tuple[GateEntry, ...]:
        """Gates that failed and were not accepted."""
        return tuple(gate for gate in self.manifest.gates if gate.verdict == "failed" and not gate.accepted)


def export_model(directory: ModelDirectory, options: ExportOptions, progress: Progress) -> ExportResult:
    """Export for every target. A failed gate leaves what is at `options.out` untouched.

    Raises ModelDirectoryError, CalibrationError, ConfigError, BundleError (cannot be written), EngineError.
    """
    check_names(options.accepted)
    with bundle_folder(options.out) as folder:
        model = check_model(directory, SampleChoice(options.calibration, options.joint_unit, options.seed), progress)
        fp32 = _fp32_outcome(model, options.seed, progress)
        activations = _activations(model, options, progress)
        exports = {}
        for target in options.targets:
            precision = _precision(model, target, options, activations, progress)
            order = TargetOrder(
                model, target, options.planner, options.refiner, precision, activations, fp32, options.seed
            )
            exports[target] = export_target(order, folder, progress)
        folder.write(TOKENIZER, directory.tokenizer.read_bytes())
        loops = {target: _closed_loop(export, model, options, folder) for target, export in exports.items()}
        gates = [gate for export in exports.values() for gate in _judged(export, loops[export.target], options)]
        manifest = make_manifest(model, exports, loops, folder=folder, gates=gates, seed=options.seed)
        folder.write(REPORT, report_html(manifest, exports, activations, model).encode())
        return _finish(ExportResult(manifest, exports, options.out / REPORT, None), folder)


def _fp32_outcome(model: CheckedModel, seed: int, progress: Progress) -> Outcome:
    rows = model.samples.rows(held_out=True, limit=MOST_SAMPLES, seed=seed)
    progress.begin("Asking the FP32 policy", 2 * len(rows))
    logits = planner_logits(model.open_planner(), model.samples, rows, progress)
    return policy_outcome(logits, model.open_refiner(), model.samples, rows, seed=seed, progress=progress)


def _activations(model: CheckedModel, options: ExportOptions, progress: Progress) -> dict[str, Activation]:
    if options.planner != "int8":
        return {}
    rows = model.samples.rows(held_out=False, limit=MOST_SAMPLES, seed=options.seed)
    inputs = tuple(model.directory.spec.planner_inputs())
    feeds = [model.samples.feed(int(row), inputs) for row in rows]
    try:
        return observe(model.planner, watched(model.planner, weighted_layers(model.planner)), feeds, progress)
    except ValueError as error:
        raise ModelDirectoryError(model.directory.path, f"planner.onnx {error}") from error


def _precision(
    model: CheckedModel,
    target: Target,
    options: ExportOptions,
    activations: Mapping[str, Activation],
    progress: Progress,
) -> Precision:
    """What was measured for this target, now or earlier; without a measurement, the safe choice, announced."""
    folder = model.directory.path
    if options.tune:
        rows = model.samples.rows(held_out=False, limit=MOST_SAMPLES, seed=options.seed)
        order = TuningOrder(model, target, options.planner, options.refiner, activations, rows)
        precision = tune(order, progress)
        write_precision(folder, target, precision)
        return precision
    found = read_precision(folder, target)
    if found is None:
        logger.warning("no %s in %s: safe precisions are used; --tune measures them", precision_file(target), folder)
        return Precision()
    if outdated(found, model.directory):
        logger.warning(
            "%s was measured on other graphs than these; --tune measures anew", folder / precision_file(target)
        )
    return found


def _closed_loop(
    export: TargetExport, model: CheckedModel, options: ExportOptions, folder: BundleFolder
) -> ClosedLoopOutcome | None:
    if options.closed_loop is None:
        return None
    graphs = {}
    for name, path in export.paths.items():
        source = runnable(path, export.target)
        graphs[name] = path
        if not isinstance(source, Path):
            graphs[name] = folder.scratch / f"{export.target}_{name}.onnx"
            write_graph(source, graphs[name])
    directory = model.directory
    exported = PolicyFiles(folder.path, directory.spec, directory.tokenizer, graphs)
    return options.closed_loop(directory.policy_files(), exported, export.target)


def _judged(export: TargetExport, loop: ClosedLoopOutcome | None, options: ExportOptions) -> tuple[GateEntry, ...]:
    drop = None if loop is None else loop.high_points
    return judge(export.target, export.agreement, drop, options.accepted)


def _finish(result: ExportResult, folder: BundleFolder) -> ExportResult:
    """Publish the bundle unless a gate failed; then leave its report, which tells why."""
    if result.failed:
        return dataclasses.replace(result, report=folder.leave_report())
    content = manifest_bytes(result.manifest)
    folder.write(MANIFEST, content)
    folder.publish()
    return dataclasses.replace(result, sha256=hashlib.sha256(content).hexdigest())
