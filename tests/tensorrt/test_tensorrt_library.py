"""The door to TensorRT: open, shut, or leading to one that is too old."""

from __future__ import annotations

import sys

import pytest

from libra_edge.errors import MissingDependencyError
from libra_edge.tensorrt_library import load_tensorrt
from tests.tensorrt.software_tensorrt import software_tensorrt


@pytest.mark.parametrize("version", ["10.3.0", "10.16.1.11", "11.4.0.106"])
def test_what_is_installed_is_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    module = software_tensorrt(version=version)
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    assert load_tensorrt() is module


def test_without_it_the_advice_is_jetpack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(MissingDependencyError, match=r"comes with JetPack 6\.2 or newer") as caught:
        load_tensorrt()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("version", ["8.5.2", "10.2.0"])
def test_an_old_one_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", software_tensorrt(version=version))
    with pytest.raises(MissingDependencyError, match=f"version {version} is older than 10.3"):
        load_tensorrt()
