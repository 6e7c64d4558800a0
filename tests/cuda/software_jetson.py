"""A Jetson made of stand-ins, for tests that go through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from libra_edge.cli import profile_layers, replay, run, run_backend
from libra_edge.cuda_device import CudaDevice
from libra_edge.export import engine_cache
from libra_edge.runtime import load_systems as loading
from libra_edge.runtime.cuda.library import CudaLibrary
from tests.cuda.software_device import Device
from tests.cuda.software_driver import software_driver
from tests.cuda.software_pycuda import software_pycuda
from tests.tensorrt.software_tensorrt import software_tensorrt

ORIN = CudaDevice("Orin", (8, 7))


def software_jetson(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Device:
    """As every module that asks for one finds it, until the test ends; engines are kept below `cache`."""
    device = Device()
    cuda = CudaLibrary(software_pycuda(device.cuda), software_driver(device.cuda))
    trt = software_tensorrt(device.faults, cuda=device.cuda)
    for module in (loading, run_backend, engine_cache):
        monkeypatch.setattr(module, "first_cuda_device", lambda: ORIN)
        monkeypatch.setattr(module, "load_tensorrt", lambda: trt)
    monkeypatch.setattr(replay, "first_cuda_device", lambda: ORIN)
    for command in (profile_layers, run):
        monkeypatch.setattr(command, "load_tensorrt", lambda: trt)
    for module in (loading, run_backend, profile_layers):
        monkeypatch.setattr(module, "load_cuda", lambda: cuda)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return device
