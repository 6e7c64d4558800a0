"""A model directory whose every file was read and found to fit the others: the starting point of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libra_edge.calibration.joint_unit import Unit
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.calibration.sources import open_samples
from libra_edge.errors import InstructionError, LibraEdgeError, ModelDirectoryError
from libra_edge.export.graph import Graph
from libra_edge.export.graphs import FloatGraphs, load_graphs
from libra_edge.export.policy_graphs import PlannerGraph, RefinerGraphs
from libra_edge.export.progress import Progress
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_directory import ModelDirectory

MOST_SAMPLES = 256
"""Of each kind, for choosing ranges and for comparing."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckedModel:
    """Graphs, tokeniser, samples (and the file they came from) of a model directory."""

    directory: ModelDirectory
    instruction: InstructionEncoder
    graphs: FloatGraphs
    calibration: Path
    samples: CalibrationSamples

    @property
    def planner(self) -> Graph:
        """The FP32 planner."""
        return self.graphs.graphs["planner"]

    @property
    def refiner(self) -> dict[str, Graph]:
        """The refiner's two FP32 graphs."""
        return {name: self.graphs.graphs[name] for name in ("refiner_encoder", "refiner_step")}

    def open_planner(self) -> PlannerGraph:
        """The FP32 planner, loaded. Raises ModelDirectoryError, here and when it runs."""
        return PlannerGraph(self.directory.graph("planner"), self.directory.spec, self.fault)

    def open_refiner(self) -> RefinerGraphs:
        """The FP32 refiner, loaded. Raises ModelDirectoryError, here and when it runs."""
        encoder, step = self.directory.graph("refiner_encoder"), self.directory.graph("refiner_step")
        return RefinerGraphs(encoder, step, self.directory.spec, self.fault)

    def fault(self, problem: str) -> LibraEdgeError:
        """What is wrong with the directory, as an error."""
        return ModelDirectoryError(self.directory.path, problem)


@dataclass(frozen=True, slots=True)
class SampleChoice:
    """Which samples: `path` stands in for the directory's own; `unit` is that of a dataset's joints; `seed` draws."""

    path: Path | None = None
    unit: Unit = "deg"
    seed: int = 0


def check_model(directory: ModelDirectory, choice: SampleChoice, progress: Progress) -> CheckedModel:
    """Read everything, run the FP32 graphs once.

    Raises ModelDirectoryError, CalibrationError, MissingDependencyError.
    """
    instruction = _check_tokenizer(directory)
    graphs = load_graphs(directory, progress)
    source = choice.path or directory.calibration
    samples = open_samples(source, directory.spec, instruction, seed=choice.seed, limit=MOST_SAMPLES, unit=choice.unit)
    model = CheckedModel(directory, instruction, graphs, source, samples)
    progress.begin("Running the FP32 graphs once", 2)
    planner = model.open_planner()
    planner.logits(model.samples.feed(0, planner.inputs))
    progress.advance()
    refiner = model.open_refiner()
    refiner.actions(model.samples.feed(0, refiner.inputs))
    progress.advance()
    return model


def _check_tokenizer(directory: ModelDirectory) -> InstructionEncoder:
    try:
        encoder = InstructionEncoder(directory.tokenizer, directory.spec.instruction.max_tokens)
        for example in directory.spec.instruction.examples:
            encoder.encode(example)
    except (ValueError, OSError) as error:
        raise ModelDirectoryError(directory.path, str(error)) from error
    except InstructionError as error:
        raise ModelDirectoryError(directory.path, f"an example of model.toml does not encode: {error}") from error
    return encoder
