"""A model directory whose every file was read and found to fit the others: the starting point of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libra_edge.calibration.samples import CalibrationSamples, read_samples
from libra_edge.errors import InstructionError, ModelDirectoryError
from libra_edge.export.graphs import FloatGraphs, load_graphs
from libra_edge.export.policy_graphs import PolicyGraphs
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_directory import GRAPHS, ModelDirectory


@dataclass(frozen=True, slots=True, eq=False)
class CheckedModel:
    """Graphs, tokeniser, samples (and the file they came from) and the running FP32 policy of a model directory."""

    directory: ModelDirectory
    instruction: InstructionEncoder
    graphs: FloatGraphs
    calibration: Path
    samples: CalibrationSamples
    fp32: PolicyGraphs


def check_model(directory: ModelDirectory, calibration: Path | None = None) -> CheckedModel:
    """Read everything, run the FP32 graphs once. `calibration` stands in for the directory's own samples.

    Raises ModelDirectoryError, CalibrationError.
    """
    instruction = _check_tokenizer(directory)
    graphs = load_graphs(directory)
    source = calibration or directory.calibration
    samples = read_samples(source, directory.spec)
    paths = {name: directory.graph(name) for name in GRAPHS}
    fp32 = PolicyGraphs(paths, directory.spec, lambda problem: ModelDirectoryError(directory.path, problem))
    fp32.logits(samples.feed(0, fp32.planner_inputs))
    fp32.actions(samples.feed(0, fp32.refiner_inputs))
    return CheckedModel(directory, instruction, graphs, source, samples, fp32)


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
