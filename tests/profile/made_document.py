"""A profile of the made-up run."""

from __future__ import annotations

from libra_edge.profiling.build_document import Measured, build_document
from libra_edge.profiling.document import ClockEntry, ProfileDocument
from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.layer_entries import MeasuredLayers
from libra_edge.profiling.machine_watch import MachineWatch
from libra_edge.profiling.memory import Memory
from libra_edge.profiling.peaks import Peaks
from libra_edge.profiling.profile_log import ProfileLog
from libra_edge.profiling.stage_prediction import StagePrediction
from tests.profile.made_log import MS, PERIOD, START, made_log, made_side

FACTS = {
    "libra_edge": "0.1.0", "date": "2026-01-01 12:00", "machine": "a machine", "model": "libra_base",
    "bundle_sha256": "ab" * 32, "backend": "onnxruntime", "runs_on": "ONNX Runtime, CPU", "robot": "koch-sim",
    "task": "touch the red cube", "seconds": 2.0,
}  # fmt: skip
RAILS = {"VDD_IN": 6.0, "VDD_SOC": 1.5}
LAYERS = tuple(
    Layer("planner_engine", f"layer {number}", "MatMul", "int8", ms=0.01 * number, flops=1e6, bytes=2e3)
    for number in range(1, 31)
)
PEAKS = Peaks({"fp32": 1e11, "int8": 1e12}, ((1000, 1e11), (100_000, 1e10)))
PREDICTED = (
    StagePrediction("planner_engine", "plan", 1.0, 4.0),
    StagePrediction("refiner_encoder", "chunk", 2.0, 3.0),
    StagePrediction("refiner_step", "chunk", 0.5, 2.0),
)


def made_layers(layers: tuple[Layer, ...] = LAYERS) -> MeasuredLayers:
    """Of the planner alone, with predictions for this machine and for one board."""
    stage = StageLayers("planner_engine", layers, calls=1, run_ms=4.65, profiler_us=0.4)
    return MeasuredLayers((stage,), PEAKS, None, PREDICTED, (("a-board", "A Board", PREDICTED),))


def made_measured(log: ProfileLog | None = None, **fields: object) -> Measured:
    """Of the made-up run, on a machine that draws 6 W."""
    machine = MachineWatch([(START + MS, dict(RAILS))], {"cpu": 51.5}, [])
    known: dict[str, object] = {
        "facts": FACTS, "load_s": 0.5, "side": made_side(), "machine": machine,
        "memory": Memory({"planner": 1.5}, 0.6, 150.0, 160.0),
        "clocks": [ClockEntry(name="CPU clock", pinned=False, found="800 of 2000 MHz, may clock down between chunks")],
        "log": log or made_log(), "period_ns": PERIOD, "layers": made_layers(),
    }  # fmt: skip
    return Measured(**{**known, **fields})  # type: ignore[arg-type]


def made_document(**fields: object) -> ProfileDocument:
    """The document of `made_measured`."""
    return build_document(made_measured(**fields))  # type: ignore[arg-type]
