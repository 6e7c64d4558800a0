"""The GPU that CUDA programs of this process get, as its driver names it.

Ask before touching TensorRT: its runtime may end the process with a segmentation fault where there is no device.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from libra_edge.errors import MissingHardwareError

DRIVER = "libcuda.so.1"
MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of cuda.h."""
NAME_BYTES = 256


@dataclass(frozen=True, slots=True)
class CudaDevice:
    """A GPU.

    Attributes:
        compute_capability: (8, 7) for a Jetson Orin.
    """

    name: str
    compute_capability: tuple[int, int]

    @property
    def architecture(self) -> str:
        """The compute capability as NVIDIA writes it: `8.7`."""
        return "{}.{}".format(*self.compute_capability)


def first_cuda_device(load: Callable[[str], Any] = ctypes.CDLL) -> CudaDevice:
    """The first GPU. Raises MissingHardwareError if there is no driver or no GPU.

    Args:
        load: gives the driver's library, as `ctypes.CDLL` does; raises OSError if it is not there.
    """
    try:
        driver = load(DRIVER)
    except OSError as error:
        raise MissingHardwareError(f"no NVIDIA GPU: its driver's {DRIVER} cannot be loaded ({error})") from error
    _checked("cuInit", driver.cuInit(0))
    device = ctypes.c_int()
    _checked("cuDeviceGet", driver.cuDeviceGet(ctypes.byref(device), 0))
    name = ctypes.create_string_buffer(NAME_BYTES)
    _checked("cuDeviceGetName", driver.cuDeviceGetName(name, NAME_BYTES, device))
    capability = (_attribute(driver, MAJOR, device), _attribute(driver, MINOR, device))
    return CudaDevice(name.value.decode(errors="replace"), capability)


def _attribute(driver: Any, attribute: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    _checked("cuDeviceGetAttribute", driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device))
    return value.value


def _checked(function: str, code: int) -> None:
    if code != 0:
        raise MissingHardwareError(f"no NVIDIA GPU that can be used: the CUDA driver's {function} gave error {code}")
