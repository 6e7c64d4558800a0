"""The GPU in its primary context, which TensorRT uses as well; and the end of everything that was made in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from libra_edge.runtime.cuda.faults import checked, translated
from libra_edge.runtime.cuda.library import CudaLibrary

logger = logging.getLogger(__name__)

STAGE = "GPU"


class Gpu:
    """The first GPU.

    Its context belongs to a thread only while that is inside `current()`: pycuda ends the process if a thread ends with
    a context still on its stack.

    Attributes:
        cuda: the libraries.
        shares_memory: CPU and GPU use the same memory (a Jetson): what is mapped need not be copied.
        lowest, highest: stream priorities; smaller numbers come first. Equal where the GPU knows none.
    """

    def __init__(self, cuda: CudaLibrary) -> None:
        """Raises EngineError if there is no GPU that can be used."""
        self.cuda = cuda
        self._releases = ExitStack()
        self._quiet: list[Callable[[], bool]] = []
        with translated(cuda.pycuda, STAGE):
            cuda.pycuda.init()
            device = cuda.pycuda.Device(0)
            self._context = device.retain_primary_context()
            attribute = cuda.pycuda.device_attribute
            integrated = device.get_attribute(attribute.INTEGRATED)
            self.shares_memory = bool(integrated and device.get_attribute(attribute.CAN_MAP_HOST_MEMORY))
        with self.current():
            self.lowest, self.highest = self.call(STAGE, "cuCtxGetStreamPriorityRange")

    @contextmanager
    def current(self) -> Iterator[None]:
        """The calling thread works in the GPU's context. What pycuda raises inside becomes EngineError."""
        with translated(self.cuda.pycuda, STAGE):
            self._context.push()
            try:
                yield
            finally:
                self._context.pop()

    def call(self, stage: str, function: str, *arguments: Any) -> Any:
        """Call a function of cuda-bindings and give its result, see `checked`. Raises EngineError."""
        return checked(stage, getattr(self.cuda.driver, function)(*arguments))

    def at_close(self, release: Callable[[], Any], quiet: Callable[[], bool] | None = None) -> None:
        """`release` is called by `close`, last come, first served, once every `quiet` has said that nothing runs."""
        self._releases.callback(release)
        if quiet is not None:
            self._quiet.append(quiet)

    def close(self) -> None:
        """Give everything back. If the GPU hangs, that is left to the end of the process, and said."""
        if not all(quiet() for quiet in self._quiet):
            logger.warning("work on the GPU has not finished; its memory is given back when the process ends")
            return
        with self.current():
            self._releases.close()
        self._quiet.clear()
