"""`make` on machines that cannot do it: one line that says why and what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = "3.11"


def fake_python(folder: Path, version: str, *, has_venv: bool = True) -> Path:
    """Something that answers `-c` like a Python of that version."""
    file = folder / "fake-python"
    imports = "exit 0" if has_venv else "exit 1"
    file.write_text(f'#!/bin/sh\ncase "$2" in *ensurepip*) {imports} ;; *) echo {version} ;; esac\n')
    file.chmod(0o755)
    return file


def complaint(python: Path | str) -> str:
    """What the check says to stderr; empty if it is content."""
    command = ["sh", str(ROOT / "requirements" / "check_python.sh"), str(python)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bool(done.stderr) == (done.returncode == 2)
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12"])
def test_a_supported_python_is_taken(tmp_path: Path, version: str) -> None:
    assert complaint(fake_python(tmp_path, version)) == ""


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.13"])
def test_another_version_is_refused_in_one_line(tmp_path: Path, version: str) -> None:
    line = complaint(fake_python(tmp_path, version))
    assert line.count("\n") == 1
    assert f"Python {version}" in line
    assert "make setup PYTHON=" in line


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    assert f"no '{tmp_path}/nothing' here" in complaint(tmp_path / "nothing")


def test_a_python_without_venv_is_sent_to_apt(tmp_path: Path) -> None:
    assert f"apt install python{GOOD}-venv" in complaint(fake_python(tmp_path, GOOD, has_venv=False))


def test_make_alone_lists_the_targets() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    everyday = ("setup", "run", "test", "test-training", "export", "lint", "bench")
    for target in (*everyday, "train", "soak", "check-jetson", "check-tensorrt", "clean"):
        assert f"  make {target} " in listed


def test_a_task_reaches_the_command_as_one_word_for_the_shell() -> None:
    task = "touch the 'red' cube; $(exit 9) `exit 9`"
    recipe = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/.ready", "run"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TASK": task},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert '--task "$TASK"' in recipe
    assert "exit 9" not in recipe
