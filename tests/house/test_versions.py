"""One version, and locks that hold every dependency with its hashes and nothing of the machine that made them."""

from __future__ import annotations

import re
import sys
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from libra_edge import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = {
    "laptop": ("export", "sim", "realsense", "report", "lerobot", "dev"),
    "jetson": ("export", "sim", "realsense", "report", "lerobot", "dev", "jetson"),
}
PYTHONS = ("3.10", "3.11", "3.12")
MACHINES = ("x86_64", "aarch64")


def environment(python: str, machine: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "python_full_version": f"{python}.9",
        "python_version": python,
        "sys_platform": "linux",
    }


def entries(lock: str) -> list[str]:
    """`name==version ; marker --hash=...` of every package, on one line each."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return [line for line in text.replace("\\\n", " ").splitlines() if re.match(r"[a-z0-9]", line)]


def pinned(lock: str, python: str, machine: str) -> dict[str, str]:
    """Package -> version, where this Python on this machine would install it."""
    wanted = [Requirement(entry.partition("--hash=")[0]) for entry in entries(lock)]
    here = [one for one in wanted if one.marker is None or one.marker.evaluate(environment(python, machine))]
    versions: dict[str, str] = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in here}
    assert len(versions) == len(here), "a package is pinned twice"
    return versions


def test_the_package_and_the_project_have_one_version() -> None:
    assert PROJECT["version"] == __version__


def test_the_changelog_starts_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"


@pytest.mark.parametrize(("lock", "python", "machine"), list(product(LOCKS, PYTHONS, MACHINES)))
def test_a_lock_holds_every_dependency(lock: str, python: str, machine: str) -> None:
    listed = [
        *PROJECT["dependencies"],
        *(one for extra in LOCKS[lock] for one in PROJECT["optional-dependencies"][extra]),
    ]
    versions = pinned(lock, python, machine)
    for wanted in map(Requirement, listed):
        if wanted.marker is None or wanted.marker.evaluate(environment(python, machine)):
            assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), f"{wanted}: run make lock"
    assert "setuptools" in versions, "the package is built without isolation"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_by_hash_and_names_no_place(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert [entry for entry in entries(lock) if not re.search(r"==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)] == []
    assert re.findall(r"https?://\S+|--index-url.*|--find-links.*|(?<!\S)/\S+", text) == []


def test_the_laptop_and_the_jetson_agree() -> None:
    for python in PYTHONS:
        laptop, jetson = pinned("laptop", python, "aarch64"), pinned("jetson", python, "aarch64")
        assert {name: jetson[name] for name in laptop} == laptop


def test_no_lock_brings_pytorch() -> None:
    assert not any(entry.startswith(("torch==", "nvidia-")) for lock in LOCKS for entry in entries(lock))
