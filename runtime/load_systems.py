"""From the files of a policy to its two systems, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from libra_edge.cuda_device import first_cuda_device
from libra_edge.errors import PolicyFilesError
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec
from libra_edge.policy_files import PolicyFiles
from libra_edge.protocols import Clock
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.library import load_cuda
from libra_edge.runtime.cuda.stream import Priority
from libra_edge.runtime.denoiser import EngineDenoiser
from libra_edge.runtime.engine_onnxruntime import load_onnxruntime_engines
from libra_edge.runtime.engine_tensorrt import TensorrtDenoiser, TensorrtEngine, load_plans
from libra_edge.runtime.engine_watch import UNWATCHED, EngineWatch
from libra_edge.runtime.planner import EnginePlanner
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.refiner import EngineRefiner
from libra_edge.tensorrt_library import load_tensorrt


def _nothing() -> None:
    """There is nothing to give back."""


@dataclass(frozen=True, slots=True, eq=False)
class Systems:
    """Planner and refiner of one policy, the words that it knows, and its own record.

    Attributes:
        runs_on: what computes it, in words.
        close: gives back what the systems hold; they can be asked nothing more.
    """

    planner: EnginePlanner
    refiner: EngineRefiner
    words: InstructionEncoder
    spec: ModelSpec
    runs_on: str
    close: Callable[[], None] = _nothing

    def policy(self, task: str, *, clock: Clock, seed: int) -> Policy:
        """Both systems, knowing the task; `seed` (>= 0) decides the noise. Raises InstructionError."""
        return Policy(self.planner, self.refiner, self.spec, self.words.encode(task), clock=clock, seed=seed)


def load_words(files: PolicyFiles) -> InstructionEncoder:
    """The words that a policy knows, without its graphs. Raises PolicyFilesError."""
    try:
        return InstructionEncoder(files.tokenizer, files.spec.instruction.max_tokens)
    except (ValueError, OSError) as error:
        raise PolicyFilesError(files.path, str(error)) from error


def load_systems(
    files: PolicyFiles, plans: Mapping[str, Path] | None = None, watch: EngineWatch = UNWATCHED
) -> Systems:
    """Both systems on ONNX Runtime, CPU; on TensorRT if `plans` gives a built engine of each graph by its name.

    The systems call what `watch` gives them for each engine.
    Raises PolicyFilesError, MissingDependencyError; for TensorRT also MissingHardwareError and EngineError.
    """
    return _on_onnxruntime(files, watch) if plans is None else _on_tensorrt(files, plans, watch)


def _on_onnxruntime(files: PolicyFiles, watch: EngineWatch) -> Systems:
    spec, engines = files.spec, load_onnxruntime_engines(files)
    encoder, step = watch.engine(engines.refiner_encoder), watch.engine(engines.refiner_step)
    denoiser = watch.denoiser(EngineDenoiser(encoder, step, spec.policy.denoising_steps))
    planner, refiner = EnginePlanner(watch.engine(engines.planner), spec), EngineRefiner(denoiser, spec)
    return Systems(planner, refiner, load_words(files), spec, "ONNX Runtime, CPU")


def _on_tensorrt(files: PolicyFiles, plans: Mapping[str, Path], watch: EngineWatch) -> Systems:
    words, spec, device = load_words(files), files.spec, first_cuda_device()
    trt, gpu = load_tensorrt(), Gpu(load_cuda())
    with ExitStack() as failed:
        failed.callback(gpu.close)
        loaded = load_plans(gpu, trt, files, plans)
        engine = watch.engine(TensorrtEngine(gpu, loaded["planner"], Priority.LOW))
        steps = spec.policy.denoising_steps
        refining = TensorrtDenoiser(gpu, loaded["refiner_encoder"], loaded["refiner_step"], steps)
        failed.pop_all()
    runs_on = f"TensorRT {trt.__version__}, {device.name}"
    planner, refiner = EnginePlanner(engine, spec), EngineRefiner(watch.denoiser(refining), spec)
    return Systems(planner, refiner, words, spec, runs_on, gpu.close)
