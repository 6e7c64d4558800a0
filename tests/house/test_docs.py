"""The documents: links lead somewhere, and the command line is described as it is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from tests.house.verbs import all_commands

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
DOCUMENTS = sorted(name for name in TRACKED if name.endswith(".md") and not name.startswith("tests/"))
"""Without the frames of generated pages, whose links start where the page will lie."""

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def sections(text: str) -> dict[str, str]:
    """The words of each second-level heading, up to its capitals -> what stands under it."""
    parts = re.split(r"^## ([a-z]+(?: [a-z]+)?).*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


COMMANDS = all_commands()
CLI = sections((ROOT / "docs" / "cli.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files(document: str) -> None:
    targets = LINK.findall((ROOT / document).read_text(encoding="utf-8"))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not ((ROOT / document).parent / target).exists()] == []


def test_the_readme_is_among_the_documents() -> None:
    assert "README.md" in DOCUMENTS


def test_every_verb_is_described_and_nothing_else() -> None:
    assert set(CLI) == set(COMMANDS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_options_of_a_verb_are_described_as_they_are(verb: str) -> None:
    command = COMMANDS[verb]
    real = {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    described = {name for row in re.findall(r"^\| (`--.*?) \|", CLI[verb], re.MULTILINE) for name in option_names(row)}
    assert described == real - {"--json"}


def option_names(cell: str) -> list[str]:
    return re.findall(r"`(--[a-z-]+)", cell)


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_choices_of_an_option_are_described_as_they_are(verb: str) -> None:
    command = COMMANDS[verb]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and isinstance(parameter.type, click.Choice):
            (cell,) = re.findall(rf"`{parameter.opts[0]} ([^`]+)`", CLI[verb])
            assert cell == "N" or set(cell.split("\\|")) == {str(choice) for choice in parameter.type.choices}
