"""A stand-in for the CUDA driver, below pycuda and cuda-bindings: streams that are threads, graphs that are lists.

Each stream does what it is given in order, beside the others. Faults can be put in, and what must never happen is
noted: a copy of pageable memory, a wait on the event loop's thread, a call outside the context.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.cuda.software_memory import IllegalAddressError, Memory

SUCCESS, INVALID_VALUE, OUT_OF_MEMORY = 0, 1, 2
ILLEGAL_STATE, NOT_PERMITTED, INVALIDATED, ILLEGAL_ADDRESS = 401, 800, 901, 700
Work = Callable[[], None]


@dataclass
class CudaFaults:
    """What shall go wrong.

    Attributes:
        refuses_capture: no stream begins to capture.
        refuses_instantiation: what was captured becomes no graph.
        priorities: the range that the device knows, lowest first.
    """

    refuses_capture: bool = False
    refuses_instantiation: bool = False
    priorities: tuple[int, int] = (0, -5)


@dataclass
class Stream:
    priority: int
    captured: list[Work] | None = None
    invalid: bool = False
    work: queue.SimpleQueue[Work | None] = field(default_factory=queue.SimpleQueue)


class SoftwareCuda:
    """One device.

    Attributes:
        integrated: CPU and GPU share their memory.
        violations: what must never happen, and did.
        launches: what was enqueued, by name: `graph`, `copy`, or what a library calls its kernels.
    """

    def __init__(self, faults: CudaFaults | None = None, *, integrated: bool = True) -> None:
        self.faults = faults or CudaFaults()
        self.integrated = integrated
        self.memory = Memory()
        self.violations: list[str] = []
        self.launches: list[str] = []
        self.streams: dict[int, Stream] = {}
        self.events: dict[int, threading.Event] = {}
        self.graphs: dict[int, list[Work]] = {}
        self.handles = itertools.count(0x1000)
        self.broken = SUCCESS
        self._contexts = threading.local()

    def push(self) -> None:
        self._contexts.depth = self.depth + 1

    def pop(self) -> None:
        self._contexts.depth = self.depth - 1

    @property
    def depth(self) -> int:
        """How often the calling thread has pushed the context."""
        depth: int = getattr(self._contexts, "depth", 0)
        return depth

    def require_context(self, function: str) -> None:
        if self.depth == 0:
            self.violations.append(f"{function} outside the context")

    def new_stream(self, priority: int) -> int:
        handle, stream = next(self.handles), Stream(priority)
        self.streams[handle] = stream
        threading.Thread(target=self._do, args=(stream,), daemon=True).start()
        return handle

    def enqueue(self, handle: int, name: str, work: Work) -> int:
        """Let the stream do it, or remember it if it is capturing."""
        stream = self.streams[handle]
        self.launches.append(name)
        if stream.captured is not None:
            stream.captured.append(work)
        else:
            stream.work.put(work)
        return self.broken

    def copy(self, handle: int, host: int, size: int, work: Work) -> int:
        """A copy that does not stop the host; that of pageable memory does, and is noted."""
        if self.memory.kind_of(host, size) is None:
            self.violations.append(f"a copy of {size} pageable bytes")
        return self.enqueue(handle, "copy", work)

    def wait(self, event: threading.Event) -> int:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            event.wait(60)
            return self.broken
        self.violations.append("a wait on the event loop's thread")
        return self.broken

    def _do(self, stream: Stream) -> None:
        while (work := stream.work.get()) is not None:
            try:
                work()
            except IllegalAddressError:
                self.broken = ILLEGAL_ADDRESS
            except BaseException as error:  # noqa: BLE001 - a kernel that breaks off
                self.violations.append(f"a kernel raised {error!r}")
                self.broken = 719
