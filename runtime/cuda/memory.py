"""Memory at fixed addresses: what the CPU fills and reads, and what only the GPU sees.

A graph remembers addresses, so nothing here ever moves. What the CPU touches is pinned, so that a copy never stops the
host (a copy of pageable memory does); where CPU and GPU share their memory it is mapped, and not copied at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.stream import Stream

ALIGNMENT = 256
"""Bytes. What TensorRT asks of an address (NvInferRuntime.h, IExecutionContext::setTensorAddress)."""


class DeviceMemory:
    """Memory that only the GPU sees.

    Attributes:
        address: on the GPU.
    """

    def __init__(self, gpu: Gpu, size: int) -> None:
        """`size` in bytes. Raises EngineError if there is too little memory."""
        with gpu.current():
            allocation = gpu.cuda.pycuda.mem_alloc(max(size, 1))
        gpu.at_close(allocation.free)
        self.address = int(allocation)


class SharedTensor:
    """A tensor that the CPU fills or reads, and the GPU sees.

    Attributes:
        array: the CPU's side, pinned.
        address: the GPU's side.
    """

    def __init__(self, gpu: Gpu, dtype: str, shape: tuple[int, ...]) -> None:
        """Filled with zeros. Raises EngineError if there is too little memory."""
        self._gpu = gpu
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        pycuda = gpu.cuda.pycuda
        with gpu.current():
            block = pycuda.pagelocked_empty((size + ALIGNMENT,), np.uint8, mem_flags=pycuda.host_alloc_flags.DEVICEMAP)
            gpu.at_close(block.base.free)
            offset = -block.ctypes.data % ALIGNMENT
            self.array: NDArray[Any] = block[offset : offset + size].view(dtype).reshape(shape)
            self.array[...] = 0
            mapped = int(block.base.get_device_pointer()) + offset
        self.address = mapped if gpu.shares_memory else DeviceMemory(gpu, size).address

    def upload(self, stream: Stream) -> None:
        """Enqueue what brings the CPU's side to the GPU. Raises EngineError."""
        if not self._gpu.shares_memory:
            source = self.array.ctypes.data
            self._gpu.call(stream.stage, "cuMemcpyHtoDAsync", self.address, source, self.array.nbytes, stream.handle)

    def download(self, stream: Stream) -> None:
        """Enqueue what brings the GPU's side to the CPU. Raises EngineError."""
        if not self._gpu.shares_memory:
            target = self.array.ctypes.data
            self._gpu.call(stream.stage, "cuMemcpyDtoHAsync", target, self.address, self.array.nbytes, stream.handle)
