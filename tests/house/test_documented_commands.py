"""Commands in the documents are commands that exist: verbs, options, values, targets of make."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from libra_edge.cli.main import VERBS

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SAMPLE = "docs/examples/own_model.py"
"""Stands for a file that the reader has and we have not."""
UNIT = ROOT / "docs/examples/libra-edge.service"


def written(program: str) -> list[tuple[str, str]]:
    """Document and line, of every line in a shell block that starts with `program`."""
    return [
        (name, line.strip())
        for name in sorted(TRACKED)
        if name.endswith(".md")
        for block in BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))
        for line in block.splitlines()
        if line.strip().startswith(f"{program} ")
    ]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = importlib.import_module(f"libra_edge.cli.{words[0]}").command
    rest = words[1:]
    while isinstance(command, click.Group):
        context = click.Context(command)
        inner = command.get_command(context, rest[0])
        assert inner is not None, f"{command.name} has no {rest[0]}"
        command, rest = inner, rest[1:]
    return command, rest


@pytest.mark.parametrize(("document", "line"), written("libra-edge"))
def test_a_documented_command_is_understood(document: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    assert words[0] in VERBS, f"{document}: {line}"
    command, rest = command_of(words)
    existing = [str(ROOT / SAMPLE) if word.endswith((".mcap", ".json", ".toml")) else word for word in rest]
    command.make_context(str(command.name), existing)


@pytest.mark.parametrize(("document", "line"), written("make"))
def test_a_documented_target_exists(document: str, line: str) -> None:
    target = shlex.split(line, comments=True)[1]
    assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"{document}: {line}"


def test_there_are_commands_to_look_at() -> None:
    assert len(written("libra-edge")) > 20
    assert len(written("make")) > 3


def test_the_unit_starts_a_command_that_exists() -> None:
    start = next(line for line in UNIT.read_text().splitlines() if line.startswith("ExecStart="))
    command, rest = command_of(shlex.split(start)[1:])
    assert command.make_context(str(command.name), rest).params["robot_name"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = UNIT.read_text()
    program = shlex.split(next(line for line in unit.splitlines() if line.startswith("ExecStart=")))[0].split("=", 1)[1]
    here = tmp_path / "libra-edge.service"
    here.write_text(
        unit.replace(program, "/bin/true").replace("/opt/libra-edge", str(tmp_path)).replace("=robot", "=root")
    )
    verified = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False)
    complaints = [line for line in verified.stderr.splitlines() if "libra-edge.service" in line]
    assert (verified.returncode, complaints) == (0, [])


@pytest.mark.skipif(shutil.which("udevadm") is None, reason="there is no udevadm here")
def test_udev_takes_the_rules() -> None:
    rules = ROOT / "docs/examples/60-libra-edge.rules"
    verified = subprocess.run(
        ["udevadm", "verify", "--no-summary", str(rules)], capture_output=True, text=True, check=False
    )
    if "Unknown" in verified.stderr or "unrecognized" in verified.stderr.lower():
        pytest.skip("this udevadm cannot verify rules")
    assert (verified.returncode, verified.stderr) == (0, "")
