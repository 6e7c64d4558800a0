"""From the files of a policy to its two systems, ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass

from libra_edge.errors import PolicyFilesError
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec
from libra_edge.policy_files import PolicyFiles
from libra_edge.protocols import Clock
from libra_edge.runtime.engine_onnxruntime import load_onnxruntime_engines
from libra_edge.runtime.planner import EnginePlanner
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.refiner import EngineRefiner


@dataclass(frozen=True, slots=True, eq=False)
class Systems:
    """Planner and refiner of one policy, the words that it knows, and its own record."""

    planner: EnginePlanner
    refiner: EngineRefiner
    words: InstructionEncoder
    spec: ModelSpec

    def policy(self, task: str, *, clock: Clock, seed: int) -> Policy:
        """Both systems, knowing the task; `seed` (>= 0) decides the noise. Raises InstructionError."""
        return Policy(self.planner, self.refiner, self.spec, self.words.encode(task), clock=clock, seed=seed)


def load_words(files: PolicyFiles) -> InstructionEncoder:
    """The words that a policy knows, without its graphs. Raises PolicyFilesError."""
    try:
        return InstructionEncoder(files.tokenizer, files.spec.instruction.max_tokens)
    except (ValueError, OSError) as error:
        raise PolicyFilesError(files.path, str(error)) from error


def load_systems(files: PolicyFiles) -> Systems:
    """Both systems on ONNX Runtime, CPU. Raises PolicyFilesError, MissingDependencyError."""
    engines = load_onnxruntime_engines(files)
    refiner = EngineRefiner(engines.refiner_encoder, engines.refiner_step, files.spec)
    return Systems(EnginePlanner(engines.planner, files.spec), refiner, load_words(files), files.spec)
