"""A stand-in for `cuda.bindings.driver`: functions that give a tuple of a code and what was asked for."""

from __future__ import annotations

import enum
import threading
from types import ModuleType
from typing import Any

import numpy as np

from tests.cuda.software_cuda import (
    ILLEGAL_ADDRESS,
    INVALID_VALUE,
    INVALIDATED,
    NOT_PERMITTED,
    OUT_OF_MEMORY,
    SUCCESS,
    SoftwareCuda,
    Work,
)
from tests.cuda.software_memory import raw


class CUresult(enum.IntEnum):
    CUDA_SUCCESS = SUCCESS
    CUDA_ERROR_INVALID_VALUE = INVALID_VALUE
    CUDA_ERROR_OUT_OF_MEMORY = OUT_OF_MEMORY
    CUDA_ERROR_ILLEGAL_ADDRESS = ILLEGAL_ADDRESS
    CUDA_ERROR_LAUNCH_FAILED = 719
    CUDA_ERROR_NOT_PERMITTED = NOT_PERMITTED
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = INVALIDATED


class CUstream_flags(enum.IntEnum):  # noqa: N801 - CUDA's name
    CU_STREAM_NON_BLOCKING = 1


class CUevent_flags(enum.IntEnum):  # noqa: N801 - CUDA's name
    CU_EVENT_BLOCKING_SYNC = 1
    CU_EVENT_DISABLE_TIMING = 2


class CUstreamCaptureMode(enum.IntEnum):
    CU_STREAM_CAPTURE_MODE_GLOBAL = 0
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1


class Driver:
    """Its methods are the module's functions."""

    def __init__(self, cuda: SoftwareCuda) -> None:
        self._cuda = cuda

    def cuCtxGetStreamPriorityRange(self) -> tuple[CUresult, int, int]:  # noqa: N802
        self._cuda.require_context("cuCtxGetStreamPriorityRange")
        return (CUresult.CUDA_SUCCESS, *self._cuda.faults.priorities)

    def cuStreamCreateWithPriority(self, flags: int, priority: int) -> tuple[CUresult, int]:  # noqa: N802
        self._cuda.require_context("cuStreamCreateWithPriority")
        assert flags == CUstream_flags.CU_STREAM_NON_BLOCKING
        return CUresult.CUDA_SUCCESS, self._cuda.new_stream(priority)

    def cuStreamDestroy(self, stream: int) -> tuple[CUresult]:  # noqa: N802
        self._cuda.streams.pop(stream).work.put(None)
        return (CUresult.CUDA_SUCCESS,)

    def cuStreamBeginCapture(self, stream: int, mode: CUstreamCaptureMode) -> tuple[CUresult]:  # noqa: N802
        assert mode is CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        if self._cuda.faults.refuses_capture:
            return (CUresult.CUDA_ERROR_NOT_PERMITTED,)
        self._cuda.streams[stream].captured = []
        self._cuda.streams[stream].invalid = False
        return (CUresult.CUDA_SUCCESS,)

    def cuStreamEndCapture(self, stream: int) -> tuple[CUresult, list[Work] | None]:  # noqa: N802
        capturing = self._cuda.streams[stream]
        captured, capturing.captured = capturing.captured, None
        if capturing.invalid:
            return CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, None
        return CUresult.CUDA_SUCCESS, captured

    def cuGraphInstantiate(self, graph: list[Work], flags: int) -> tuple[CUresult, int | None]:  # noqa: N802
        if self._cuda.faults.refuses_instantiation:
            return CUresult.CUDA_ERROR_INVALID_VALUE, None
        handle = next(self._cuda.handles)
        self._cuda.graphs[handle] = list(graph)
        return CUresult.CUDA_SUCCESS, handle

    def cuGraphDestroy(self, graph: list[Work]) -> tuple[CUresult]:  # noqa: N802
        return (CUresult.CUDA_SUCCESS,)

    def cuGraphExecDestroy(self, graph: int) -> tuple[CUresult]:  # noqa: N802
        del self._cuda.graphs[graph]
        return (CUresult.CUDA_SUCCESS,)

    def cuGraphLaunch(self, graph: int, stream: int) -> tuple[CUresult]:  # noqa: N802
        self._cuda.require_context("cuGraphLaunch")

        def replay(works: list[Work] = self._cuda.graphs[graph]) -> None:
            for work in works:
                work()

        return (CUresult(self._cuda.enqueue(stream, "graph", replay)),)

    def cuEventCreate(self, flags: int) -> tuple[CUresult, int]:  # noqa: N802
        self._cuda.require_context("cuEventCreate")
        assert flags == CUevent_flags.CU_EVENT_BLOCKING_SYNC | CUevent_flags.CU_EVENT_DISABLE_TIMING
        handle = next(self._cuda.handles)
        self._cuda.events[handle] = threading.Event()
        return CUresult.CUDA_SUCCESS, handle

    def cuEventRecord(self, event: int, stream: int) -> tuple[CUresult]:  # noqa: N802
        self._cuda.require_context("cuEventRecord")
        recorded = self._cuda.events[event] = threading.Event()
        return (CUresult(self._cuda.enqueue(stream, "event", recorded.set)),)

    def cuEventSynchronize(self, event: int) -> tuple[CUresult]:  # noqa: N802
        self._cuda.require_context("cuEventSynchronize")
        return (CUresult(self._cuda.wait(self._cuda.events[event])),)

    def cuEventDestroy(self, event: int) -> tuple[CUresult]:  # noqa: N802
        del self._cuda.events[event]
        return (CUresult.CUDA_SUCCESS,)

    def cuMemcpyHtoDAsync(self, target: int, source: int, size: int, stream: int) -> tuple[CUresult]:  # noqa: N802
        def copy() -> None:
            self._cuda.memory.seen_by_the_gpu(target, size, mapped=False)[:] = raw(source, size)

        return (CUresult(self._cuda.copy(stream, source, size, copy)),)

    def cuMemcpyDtoHAsync(self, target: int, source: int, size: int, stream: int) -> tuple[CUresult]:  # noqa: N802
        def copy() -> None:
            np.copyto(raw(target, size), self._cuda.memory.seen_by_the_gpu(source, size, mapped=False))

        return (CUresult(self._cuda.copy(stream, target, size, copy)),)

    def cuMemcpyDtoDAsync(self, target: int, source: int, size: int, stream: int) -> tuple[CUresult]:  # noqa: N802
        def copy() -> None:
            seen = self._cuda.memory.seen_by_the_gpu(source, size, mapped=False).copy()
            self._cuda.memory.seen_by_the_gpu(target, size, mapped=False)[:] = seen

        return (CUresult(self._cuda.enqueue(stream, "copy", copy)),)


ENUMS = (CUevent_flags, CUresult, CUstreamCaptureMode, CUstream_flags)


def software_driver(cuda: SoftwareCuda) -> ModuleType:
    """A module of its own, over this device."""
    module: Any = ModuleType("software_driver")
    driver = Driver(cuda)
    for name in vars(Driver):
        if not name.startswith("_"):
            setattr(module, name, getattr(driver, name))
    for kind in ENUMS:
        setattr(module, kind.__name__, kind)
    made: ModuleType = module
    return made


def names_of_the_driver() -> list[str]:
    """Every name that the stand-in claims the real bindings have, dotted."""
    functions = [name for name in vars(Driver) if not name.startswith("_")]
    return functions + [f"{kind.__name__}.{member.name}" for kind in ENUMS for member in kind]
