"""A stand-in for `pycuda.driver`: the part of it that we use, with its names and habits."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.cuda.software_cuda import SoftwareCuda
from tests.cuda.software_memory import Kind, OutOfMemory

NAMES = (
    "Context.pop",
    "Context.push",
    "Device.get_attribute",
    "Device.retain_primary_context",
    "DeviceAllocation.free",
    "Error",
    "HostAllocation.free",
    "HostAllocation.get_device_pointer",
    "MemoryError",
    "device_attribute.CAN_MAP_HOST_MEMORY",
    "device_attribute.INTEGRATED",
    "host_alloc_flags.DEVICEMAP",
    "init",
    "mem_alloc",
    "pagelocked_empty",
)
"""What the real module has to have, see tests/cuda/test_on_a_gpu.py."""


class Error(Exception):
    pass


class MemoryError(Error):  # noqa: A001 - pycuda's name
    pass


class LogicError(Error):
    pass


class Context:
    def __init__(self, cuda: SoftwareCuda) -> None:
        self._cuda = cuda

    def push(self) -> None:
        self._cuda.push()

    def pop(self) -> None:
        if self._cuda.depth == 0:
            raise LogicError("context::pop failed: invalid device context - cannot pop non-current context")
        self._cuda.pop()


class Allocation:
    """Both of pycuda's: the host's gives numpy its memory and an address on the device, the device's is a number."""

    def __init__(self, cuda: SoftwareCuda, size: int, kind: Kind) -> None:
        cuda.require_context("an allocation")
        try:
            self._block = cuda.memory.allocate(size, kind)
        except OutOfMemory:
            raise MemoryError("cuMemAlloc failed: out of memory") from None
        self._cuda = cuda
        self.__array_interface__ = self._block.__array_interface__

    def __int__(self) -> int:
        return int(self._block.ctypes.data)

    def get_device_pointer(self) -> int:
        return int(self)

    def free(self) -> None:
        self._cuda.require_context("free")
        self._cuda.memory.free(int(self))


def software_pycuda(cuda: SoftwareCuda) -> ModuleType:
    """A module of its own, over this device."""
    module: Any = ModuleType("software_pycuda")

    class Device:
        def __init__(self, number: int) -> None:
            assert number == 0

        def retain_primary_context(self) -> Context:
            return Context(cuda)

        def get_attribute(self, attribute: str) -> int:
            return {"integrated": int(cuda.integrated), "can map": 1}[attribute]

    def pagelocked_empty(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> NDArray[Any]:
        assert mem_flags == module.host_alloc_flags.DEVICEMAP, "memory that is not mapped has no address on the GPU"
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        allocation = Allocation(cuda, size, Kind.PINNED)
        assert np.dtype(dtype) == np.uint8
        return np.asarray(allocation)

    module.init = lambda: None
    module.Device, module.Context = Device, Context
    module.Error, module.MemoryError, module.LogicError = Error, MemoryError, LogicError
    module.device_attribute = type(
        "device_attribute", (), {"INTEGRATED": "integrated", "CAN_MAP_HOST_MEMORY": "can map"}
    )
    module.host_alloc_flags = type("host_alloc_flags", (), {"PORTABLE": 1, "DEVICEMAP": 2})
    module.pagelocked_empty = pagelocked_empty
    module.mem_alloc = lambda size: Allocation(cuda, size, Kind.DEVICE)
    made: ModuleType = module
    return made
