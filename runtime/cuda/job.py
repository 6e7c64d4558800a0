"""The same work again and again on one stream: inputs and outputs at fixed addresses, all of it in one CUDA graph."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import EngineError
from libra_edge.runtime.cuda.completion import Completion
from libra_edge.runtime.cuda.graph import captured_or_announced
from libra_edge.runtime.cuda.job_phases import JobPhases
from libra_edge.runtime.cuda.memory import SharedTensor
from libra_edge.runtime.cuda.stream import Stream

FIRST_PATIENCE_S = 60.0
"""For the first run, in which kernels are loaded."""
PATIENCE_S = 5.0


class Job:
    """Copies in, what `enqueue` enqueues, copies out. Blocking; used from one thread at a time.

    Attributes:
        in_one_graph: False if CUDA refused to capture it.
        phases: of the last run; None before the first.
    """

    def __init__(
        self,
        stream: Stream,
        inputs: Mapping[str, SharedTensor],
        outputs: Mapping[str, SharedTensor],
        enqueue: Callable[[int], None],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Run once without a graph, capture, and run that once.

        Args:
            stream: for nothing but this job.
            inputs: name -> where the work expects it.
            outputs: name -> where the work leaves it.
            enqueue: is given the stream's handle; enqueues the same work on it each time it is called, waits for
                nothing, raises EngineError.
            patience_s: longest wait for the GPU.

        Raises EngineError.
        """
        self._stream = stream
        self._inputs = inputs
        self._outputs = outputs
        self._work = enqueue
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._closed = False
        self.phases: JobPhases | None = None
        self._completion = Completion(stream)
        stream.gpu.at_close(lambda: None, self._retire)
        with stream.gpu.current():
            self._enqueue()
            self._completion.wait(FIRST_PATIENCE_S)
            self._graph = captured_or_announced(stream, self._enqueue)
            self._launch()
            self._completion.wait(FIRST_PATIENCE_S)
        self.in_one_graph = self._graph is not None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Fill the inputs, run, and give a copy of each output. Raises EngineError if the GPU fails or is late."""
        with self._lock:
            if self._closed:
                raise EngineError(self._stream.stage, "the GPU was given back")
            self._completion.settle(self._patience_s)  # what came late still writes to the outputs
            began_ns = time.monotonic_ns()
            for name, tensor in self._inputs.items():
                np.copyto(tensor.array, inputs[name], casting="no")
            updated_ns = time.monotonic_ns()
            with self._stream.gpu.current():
                self._launch()
                launched_ns = time.monotonic_ns()
                self._completion.wait(self._patience_s)
            done_ns = time.monotonic_ns()
            results = {name: tensor.array.copy() for name, tensor in self._outputs.items()}
            self.phases = JobPhases(began_ns, updated_ns, launched_ns, done_ns, time.monotonic_ns())
            return results

    def _launch(self) -> None:
        if self._graph is None:
            self._enqueue()
        else:
            self._graph.launch()

    def _enqueue(self) -> None:
        for tensor in self._inputs.values():
            tensor.upload(self._stream)
        self._work(self._stream.handle)
        for tensor in self._outputs.values():
            tensor.download(self._stream)

    def _retire(self) -> bool:
        """Run no more. False if it is running, and does not end."""
        if not self._lock.acquire(timeout=self._patience_s):
            return False
        try:
            self._closed = True
            return not self._completion.pending
        finally:
            self._lock.release()
