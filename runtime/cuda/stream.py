"""A CUDA stream with a priority: the refiner's goes first where blocks of both wait for a place on the GPU.

Priority orders the scheduling of blocks. It stops nothing that already runs, and shares out neither memory bandwidth
nor caches.
"""

from __future__ import annotations

from enum import Enum

from libra_edge.runtime.cuda.gpu import Gpu


class Priority(Enum):
    """Who goes first."""

    LOW = "low"
    HIGH = "high"


class Stream:
    """Work given to it is done in order, beside that of other streams.

    Attributes:
        handle: the CUstream, for TensorRT and cuda-bindings.
        stage: whose work it is, for messages.
    """

    def __init__(self, gpu: Gpu, stage: str, priority: Priority) -> None:
        """Raises EngineError."""
        self.gpu = gpu
        self.stage = stage
        level = gpu.highest if priority is Priority.HIGH else gpu.lowest
        flags = int(gpu.cuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
        with gpu.current():
            self.handle = int(gpu.call(stage, "cuStreamCreateWithPriority", flags, level))
        gpu.at_close(lambda: gpu.call(stage, "cuStreamDestroy", self.handle))
