"""Writes docs/emulator.md from the checks: `python -m tests.dynamixel.conformance.page`."""

from __future__ import annotations

from pathlib import Path

from tests.dynamixel.conformance.chapters import CHAPTERS, CHECKS
from tests.dynamixel.conformance.rule import Chapter

ROOT = Path(__file__).parents[3]
PAGE, EXAMPLE = ROOT / "docs" / "emulator.md", ROOT / "docs" / "examples" / "emulated_arm.py"
TEMPLATE = Path(__file__).with_name("page.md")


def rendered() -> str:
    """The whole of docs/emulator.md."""
    parts = {
        "{example}": EXAMPLE.read_text().strip(),
        "{count}": str(len(CHECKS)),
        "{chapters}": "\n\n".join(_table(chapter) for chapter in CHAPTERS),
    }
    text = TEMPLATE.read_text()
    for place, part in parts.items():
        text = text.replace(place, part)
    return text


def _table(chapter: Chapter) -> str:
    rows = [f"| {check.sentence} | {check.source} |" for check in chapter.checks]
    return "\n".join([f"### {chapter.title}", "", "| rule | e-Manual |", "|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(rendered())
