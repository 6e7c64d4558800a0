"""From timed layers, peaks and predictions to what stands in `profile.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from libra_edge.profiling.document import LayerEntry, LayerSumEntry, PredictionEntry, RooflineEntry
from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.peaks import Peaks
from libra_edge.profiling.roofline import bound_of, stage_roof
from libra_edge.profiling.side_by_side import Calls
from libra_edge.profiling.stage_prediction import StagePrediction, by_system
from libra_edge.profiling.stages import part_figures

THIS_MACHINE = "this-machine"
DEVICE_STAGES = {"plan": "planner_device", "chunk": "refiner_device"}
"""What the GPU's share of a plan and of a chunk is called among the stages."""


@dataclass(frozen=True, slots=True)
class MeasuredLayers:
    """What was found below the stages.

    Attributes:
        stages: the layers of each.
        peaks: of the machine.
        sheet: of the board that the machine is, if it is a known one.
        here: predicted for this machine; empty if nothing was to be predicted.
        boards: name, title and what was predicted, of each board that was asked for.
        in_turns: calls of the systems between the runs of their layers, which the layers are held against: what the
            machine does from minute to minute then moves both alike. None where there were no such calls.
    """

    stages: tuple[StageLayers, ...]
    peaks: Peaks
    sheet: Peaks | None
    here: tuple[StagePrediction, ...]
    boards: tuple[tuple[str, str, tuple[StagePrediction, ...]], ...]
    in_turns: Calls | None = None


def layer_fields(found: MeasuredLayers | None, alone: Calls) -> dict[str, Any]:
    """The four keys of the document; `alone`: calls of the systems, each by itself."""
    if found is None:
        return {"layers": (), "layer_sums": (), "roofline": None, "predictions": {}}
    medians = stage_medians(alone)
    return {
        "layers": tuple(_layer(layer, stage, found.peaks) for stage in found.stages for layer in stage.layers),
        "layer_sums": tuple(_sums(found.stages, stage_medians(found.in_turns or alone))),
        "roofline": _roofline(found),
        "predictions": _predictions(found, medians),
    }


def stage_medians(alone: Calls) -> dict[str, float]:
    """Stage -> ms, of the engines within each system."""
    systems = (("planner", alone.planner), ("refiner", alone.refiner))
    return {name: figures.p50 for system, calls in systems for name, figures in part_figures(system, calls)}


def _layer(layer: Layer, stage: StageLayers, peaks: Peaks) -> LayerEntry:
    bound, whole = bound_of(layer, peaks, stage.calls), stage.layers_ms
    fields = {
        **asdict(layer),
        "share": None if layer.ms is None or not whole else layer.ms / whole,
        "bound_ms": None if bound is None else bound.ms,
        "bound_by": None if bound is None else bound.by,
    }
    return LayerEntry.model_validate(fields)


def _sums(stages: Sequence[StageLayers], medians: Mapping[str, float]) -> Iterator[LayerSumEntry]:
    """A GPU computes all engines of a system in one go, which is one stage."""
    for name in dict.fromkeys(stage.measured_as for stage in stages):
        if name not in medians:
            continue
        own = [stage for stage in stages if stage.measured_as == name]
        layers_ms, stage_ms = sum(stage.layers_ms for stage in own), medians[name]
        yield LayerSumEntry(
            stage=name,
            layers_ms=layers_ms,
            stage_ms=stage_ms,
            difference_percent=100.0 * abs(layers_ms - stage_ms) / stage_ms,
            profiler_us=max(stage.profiler_us for stage in own),
        )


def _roofline(found: MeasuredLayers) -> RooflineEntry:
    roofs = (stage_roof(stage, found.peaks) for stage in found.stages)
    fields = {
        "measured": _peaks(found.peaks),
        "sheet": None if found.sheet is None else _peaks(found.sheet),
        "stages": {
            roof.stage: {"layers_ms": roof.layers_ms, "bound_ms": roof.bound_ms, "memory_ms": roof.memory_ms}
            for roof in roofs
        },
    }
    return RooflineEntry.model_validate(fields)


def _peaks(peaks: Peaks) -> dict[str, Any]:
    return {"flops": dict(peaks.flops), "bandwidth": peaks.bandwidth}


def _predictions(found: MeasuredLayers, medians: Mapping[str, float]) -> dict[str, PredictionEntry]:
    entries = {name: _prediction(title, stages, {}) for name, title, stages in found.boards}
    if found.here:
        entries = {THIS_MACHINE: _prediction("this machine", found.here, medians), **entries}
    return entries


def _prediction(title: str, stages: Sequence[StagePrediction], medians: Mapping[str, float]) -> PredictionEntry:
    fields = {
        "title": title,
        **{name: _predicted(*sums, _measured(name, stages, medians)) for name, sums in by_system(stages).items()},
        "stages": {one.stage: _predicted(one.least_ms, one.expected_ms, medians.get(one.stage)) for one in stages},
    }
    return PredictionEntry.model_validate(fields)


def _measured(name: str, stages: Sequence[StagePrediction], medians: Mapping[str, float]) -> float | None:
    """The engines of a plan or chunk, one after the other; None where one was not measured."""
    if (on_gpu := medians.get(DEVICE_STAGES[name])) is not None:
        return on_gpu
    own = [medians.get(stage.stage) for stage in stages if stage.product == name]
    known = [median for median in own if median is not None]
    return sum(known) if len(known) == len(own) else None


def _predicted(least_ms: float, expected_ms: float, measured_ms: float | None) -> dict[str, Any]:
    error = None if measured_ms is None else 100.0 * (expected_ms / measured_ms - 1.0)
    return {"least_ms": least_ms, "expected_ms": expected_ms, "measured_ms": measured_ms, "error_percent": error}
