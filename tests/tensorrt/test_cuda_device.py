"""The GPU that the driver tells of, and the sentence where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from libra_edge.cuda_device import DRIVER, CudaDevice, first_cuda_device
from libra_edge.errors import MissingHardwareError


class SoftwareDriver:
    """Answers like libcuda on an Orin; one of its functions may fail."""

    def __init__(self, failing: str = "") -> None:
        self._failing = failing

    def _code(self, function: str) -> int:
        return 100 if function == self._failing else 0

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's own names
        return self._code("cuInit")

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:  # noqa: N802
        device._obj.value = 7 + ordinal
        return self._code("cuDeviceGet")

    def cuDeviceGetName(self, name: Any, size: int, device: Any) -> int:  # noqa: N802
        assert (size, device.value) == (len(name), 7)
        name.value = b"Orin"
        return self._code("cuDeviceGetName")

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> int:  # noqa: N802
        assert device.value == 7
        value._obj.value = {75: 8, 76: 7}[attribute]
        return self._code("cuDeviceGetAttribute")


def test_the_first_device_is_told_by_name_and_compute_capability() -> None:
    device = first_cuda_device(lambda library: SoftwareDriver())
    assert device == CudaDevice("Orin", (8, 7))
    assert device.architecture == "8.7"


@pytest.mark.parametrize("function", ["cuInit", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute"])
def test_a_driver_without_a_device_is_one_sentence(function: str) -> None:
    with pytest.raises(MissingHardwareError, match=f"no NVIDIA GPU.*{function} gave error 100"):
        first_cuda_device(lambda library: SoftwareDriver(function))


def test_a_machine_without_a_driver_is_one_sentence() -> None:
    def missing(library: str) -> object:
        raise OSError(f"{library}: cannot open shared object file")

    with pytest.raises(MissingHardwareError, match=f"no NVIDIA GPU: its driver's {DRIVER} cannot be loaded"):
        first_cuda_device(missing)
