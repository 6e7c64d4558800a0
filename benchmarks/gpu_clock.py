"""How long work takes by the GPU's own clock, inside a CUDA graph as well."""

from __future__ import annotations

from collections.abc import Callable

from libra_edge.runtime.cuda.gpu import Gpu

STAGE = "clock"


class GpuClock:
    """Two events around what is enqueued between them."""

    def __init__(self, gpu: Gpu) -> None:
        """Raises EngineError."""
        self._gpu = gpu
        flags = int(gpu.cuda.driver.CUevent_flags.CU_EVENT_DEFAULT)
        with gpu.current():
            self._began, self._ended = (gpu.call(STAGE, "cuEventCreate", flags) for _ in range(2))

    def around(self, enqueue: Callable[[int], None]) -> Callable[[int], None]:
        """The same work, which is given the stream's handle, timed."""

        def timed(stream: int) -> None:
            self._record(self._began, stream)
            enqueue(stream)
            self._record(self._ended, stream)

        return timed

    @property
    def ms(self) -> float:
        """Of the last run, which is over. Raises EngineError."""
        with self._gpu.current():
            return float(self._gpu.call(STAGE, "cuEventElapsedTime", self._began, self._ended))

    def _record(self, event: object, stream: int) -> None:
        """While a graph is captured an event is a node of it only if that is said, and else it must not be said."""
        driver = self._gpu.cuda.driver
        status = self._gpu.call(STAGE, "cuStreamIsCapturing", stream)
        captured = status == driver.CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE
        flags = driver.CUevent_record_flags
        flag = flags.CU_EVENT_RECORD_EXTERNAL if captured else flags.CU_EVENT_RECORD_DEFAULT
        self._gpu.call(STAGE, "cuEventRecordWithFlags", event, stream, int(flag))
