"""The folders: real ones at the top level, relative links inside the package, each vendor library behind one door."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINKED = ("calibration", "drivers", "export", "runtime")
HARDWARE_LIBRARIES = ("mujoco", "pycuda", "pyrealsense2", "tensorrt")
NEVER_IN_THE_PACKAGE = ("torch", "pickle", "shelve", "marshal", "dill", "joblib")


def modules_of(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@functools.cache
def imported_by(file: Path) -> frozenset[str]:
    """Top-level names of everything that a file imports, at its head or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            names |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return frozenset(name if name.startswith(".") else name.partition(".")[0] for name in names)


@pytest.mark.parametrize("name", LINKED)
def test_a_package_folder_is_a_relative_link_to_the_real_one(name: str) -> None:
    link = ROOT / "libra_edge" / name
    assert link.is_symlink()
    assert link.readlink() == Path("..", name)
    assert link.resolve() == ROOT / name
    assert (ROOT / name).is_dir()
    assert not (ROOT / name).is_symlink()


def test_the_package_carries_its_types_and_robots() -> None:
    assert (ROOT / "libra_edge" / "py.typed").is_file()
    assert {path.stem for path in (ROOT / "libra_edge" / "robots").glob("*.toml")} >= {"koch", "koch-sim"}


def test_a_hardware_library_has_one_door() -> None:
    doors = defaultdict(list)
    for file in modules_of("libra_edge", *LINKED):
        for library in imported_by(file) & set(HARDWARE_LIBRARIES):
            doors[library].append(str(file.relative_to(ROOT)))
    assert {library: files for library, files in doors.items() if len(files) > 1} == {}
    assert "mujoco" in doors, "the search finds nothing at all"


def test_nothing_in_the_package_unpickles_or_needs_pytorch() -> None:
    offenders = {
        str(file.relative_to(ROOT)): found
        for file in modules_of("libra_edge", *LINKED)
        if (found := imported_by(file) & set(NEVER_IN_THE_PACKAGE))
    }
    assert offenders == {}


def test_imports_are_absolute() -> None:
    offenders = [
        str(file.relative_to(ROOT))
        for file in modules_of("libra_edge", *LINKED, "tests", "benchmarks")
        if any(name.startswith(".") or name in LINKED for name in imported_by(file))
    ]
    assert offenders == []


def test_runtime_and_drivers_do_without_onnx() -> None:
    offenders = [str(file) for file in modules_of("runtime", "drivers") if imported_by(file) & {"onnx", "torch"}]
    assert offenders == []


def test_the_servo_process_loads_no_inference_and_no_camera_library() -> None:
    code = (
        "import sys, libra_edge.cli.servo\n"
        "print(*({'onnxruntime', 'onnx', 'pyrealsense2', 'mujoco', 'tokenizers', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_layers_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
