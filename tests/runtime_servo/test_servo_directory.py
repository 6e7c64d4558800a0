"""The private directory of a servo process: lock, privacy, and finding those that run."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from libra_edge.errors import InputError
from libra_edge.runtime.servo_directory import claim_directory, running_servos


def test_a_second_claim_on_the_same_arm_is_refused_and_names_the_first(runtime_directory: Path) -> None:
    assert runtime_directory.exists()
    link = runtime_directory / "ttyKoch"
    link.symlink_to("/dev/ttyACM7")
    with claim_directory("koch", "/dev/ttyACM7"):
        with pytest.raises(InputError, match=f"already driven by process {os.getpid()}: `libra-edge stop`"):
            claim_directory("koch", str(link)).__enter__()
        with claim_directory("koch", "/dev/ttyACM8"):
            pass
    with claim_directory("koch", "/dev/ttyACM7"):
        pass


def test_the_directory_is_private(runtime_directory: Path) -> None:
    with claim_directory("koch", "/dev/ttyACM7") as directory:
        assert directory.path.parent == runtime_directory / "libra-edge"
        assert directory.path.stat().st_mode & 0o777 == 0o700
    directory.path.chmod(0o755)
    with pytest.raises(InputError, match="not private"):
        claim_directory("koch", "/dev/ttyACM7").__enter__()


def test_a_runtime_directory_that_is_too_deep_is_refused(
    runtime_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = runtime_directory / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with pytest.raises(InputError, match="shorter"):
        claim_directory("koch", "/dev/ttyACM7").__enter__()


@pytest.mark.parametrize("found_by_environment", [True, False])
def test_running_ones_are_found_and_dead_ones_passed_over(
    runtime_directory: Path, monkeypatch: pytest.MonkeyPatch, found_by_environment: bool
) -> None:
    if not found_by_environment:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert runtime_directory.exists()
    with claim_directory("koch", "/dev/ttyACM7") as alive, claim_directory("koch", "/dev/ttyACM8") as dead:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(alive.socket))
            listening.listen()
            dead.socket.touch()
            assert alive in running_servos()
            assert dead not in running_servos()
        assert alive not in running_servos()
