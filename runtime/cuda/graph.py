"""A sequence of work captured into one CUDA graph: one launch in place of many, same kernels, same addresses."""

from __future__ import annotations

import logging
from collections.abc import Callable

from libra_edge.errors import EngineError
from libra_edge.runtime.cuda.stream import Stream

logger = logging.getLogger(__name__)


class Graph:
    """What was captured. Launched on the stream that it was captured on."""

    def __init__(self, stream: Stream, enqueue: Callable[[], None]) -> None:
        """Capture what `enqueue` enqueues. Raises EngineError if CUDA refuses; the stream can be used all the same."""
        self._stream = stream
        self._executable = self._instantiated(self._captured(enqueue))
        stream.gpu.at_close(lambda: stream.gpu.call(stream.stage, "cuGraphExecDestroy", self._executable))

    def launch(self) -> None:
        """Enqueue everything that was captured. Raises EngineError."""
        stream = self._stream
        stream.gpu.call(stream.stage, "cuGraphLaunch", self._executable, stream.handle)

    def _captured(self, enqueue: Callable[[], None]) -> object:
        stream, call = self._stream, self._stream.gpu.call
        # Of this thread alone: what the other stream's thread does meanwhile is none of its business.
        mode = stream.gpu.cuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        call(stream.stage, "cuStreamBeginCapture", stream.handle, mode)
        try:
            enqueue()
        except BaseException:
            stream.gpu.cuda.driver.cuStreamEndCapture(stream.handle)  # fails too; the first error tells more
            raise
        return call(stream.stage, "cuStreamEndCapture", stream.handle)

    def _instantiated(self, graph: object) -> object:
        stream, call = self._stream, self._stream.gpu.call
        try:
            return call(stream.stage, "cuGraphInstantiate", graph, 0)
        finally:
            call(stream.stage, "cuGraphDestroy", graph)


def captured_or_announced(stream: Stream, enqueue: Callable[[], None]) -> Graph | None:
    """The graph; None, said aloud, where CUDA or TensorRT refuses: the same work is then enqueued piece by piece."""
    try:
        return Graph(stream, enqueue)
    except EngineError as error:
        logger.warning("%s runs without a CUDA graph, which costs time on the CPU: %s", stream.stage, error.problem)
        return None
