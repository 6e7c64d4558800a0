"""The contract of the command line: verbs, help, exit codes, and where things are printed."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

import libra_edge.cli
from libra_edge import errors
from libra_edge.cli import main
from libra_edge.cli.output import json_option, print_json
from tests.house.verbs import all_commands

ROOT = Path(__file__).resolve().parents[2]
# Started by `run` and `jog`, for themselves.
HIDDEN = {"servo", "viewer"}


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> click.Command:
    """A verb `probe`, which does what its callback is set to."""

    @click.command("probe")
    @json_option
    def probe(as_json: bool) -> None:
        """Nothing."""

    monkeypatch.setitem(main.VERBS, "probe", "Nothing.")
    monkeypatch.setitem(sys.modules, "libra_edge.cli.probe", SimpleNamespace(command=probe))
    return probe


def raising(error: BaseException) -> object:
    def callback(as_json: bool) -> None:
        raise error

    return callback


def test_the_table_names_exactly_the_verbs_that_exist() -> None:
    modules = {module.name for module in pkgutil.iter_modules(libra_edge.cli.__path__)}
    having_command = {name for name in modules if hasattr(importlib.import_module(f"libra_edge.cli.{name}"), "command")}
    subjects = {words.replace(" ", "_") for words in all_commands() if " " in words}
    assert having_command - HIDDEN == set(main.VERBS) | subjects


@pytest.mark.parametrize("name", sorted(all_commands()))
def test_a_verb_has_help_with_an_example_and_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run_command([*name.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "\n  Example:\n" in text
    assert f"libra-edge {name}" in text.partition("Example:")[2]
    assert "--json" in text


@pytest.mark.parametrize("name", sorted(main.VERBS))
def test_the_list_of_verbs_says_what_the_verb_says_of_itself(name: str) -> None:
    command: click.Command = importlib.import_module(f"libra_edge.cli.{name}").command
    assert main.VERBS[name] == (command.help or "").strip().splitlines()[0]


def test_help_lists_the_verbs_without_loading_them() -> None:
    code = (
        "import sys\nfrom libra_edge.cli.main import run_command\nassert run_command(['--help']) == 0\n"
        "print(*({'numpy', 'pydantic', 'rich', 'onnxruntime', 'asyncio'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert all(f"  {name} " in done.stdout for name in main.VERBS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CheckFailed("8 of 10"), 1),
        (errors.ConfigError("no such robot"), 2),
        (errors.MissingHardwareError("no port"), 2),
        (errors.CameraError("front", "no frame"), 3),
        (errors.ProcessError("the servo process died"), 3),
    ],
)
def test_an_error_is_one_sentence_and_its_exit_code(
    verb: click.Command, error: errors.LibraEdgeError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.callback = raising(error)  # type: ignore[assignment]
    assert main.run_command(["probe"]) == code
    printed = capsys.readouterr()
    assert printed.err == f"libra-edge: {error}\n"
    assert printed.out == ""


def test_every_error_of_ours_has_an_exit_code_of_the_contract() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert {kind.exit_code for kind in kinds if issubclass(kind, errors.LibraEdgeError)} == {1, 2, 3}


@pytest.mark.parametrize("arguments", [["nonsense"], ["doctor", "--nonsense"], ["doctor", "surplus"]])
def test_what_cannot_be_understood_is_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run_command(arguments) == 2
    assert "Usage: libra-edge" in capsys.readouterr().err


def test_an_interruption_is_told_in_one_line(verb: click.Command, capsys: pytest.CaptureFixture[str]) -> None:
    verb.callback = raising(KeyboardInterrupt())  # type: ignore[assignment]
    assert main.run_command(["probe"]) == 130
    assert capsys.readouterr().err.strip() == "libra-edge: interrupted"


def test_an_unexpected_exception_leaves_a_sentence_and_a_file(
    verb: click.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    verb.callback = raising(ZeroDivisionError("of planes"))  # type: ignore[assignment]
    assert main.run_command(["probe", "--json"]) == 3
    sentence = capsys.readouterr().err
    (file,) = tmp_path.rglob("*.log")
    assert sentence.startswith("libra-edge: unexpected ZeroDivisionError: of planes;")
    assert "Traceback" not in sentence
    assert sentence.rstrip().endswith(str(file))
    saved = file.read_text()
    assert "Traceback (most recent call last)" in saved
    assert "libra-edge probe --json" in saved


def test_a_crash_that_cannot_be_saved_is_told_all_the_same(
    verb: click.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    occupied = tmp_path / "a file, not a folder"
    occupied.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(occupied))
    monkeypatch.setattr("tempfile.tempdir", str(occupied))
    verb.callback = raising(ZeroDivisionError())  # type: ignore[assignment]
    assert main.run_command(["probe"]) == 3
    assert "could not be saved" in capsys.readouterr().err


def test_json_is_the_last_line_of_stdout(verb: click.Command, capsys: pytest.CaptureFixture[str]) -> None:
    verb.callback = lambda as_json: print_json({"as_json": as_json, "rate": 0.5})
    assert main.run_command(["probe", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"as_json": True, "rate": 0.5}


def test_json_has_no_word_for_nan() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        print_json({"rate": float("nan")})
