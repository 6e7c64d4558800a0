"""docs/profiling.md describes the document as it is."""

from __future__ import annotations

import re
from pathlib import Path

from libra_edge.profiling.budget import read_budgets
from libra_edge.profiling.document import ProfileDocument
from libra_edge.profiling.path import PATH

TEXT = (Path(__file__).resolve().parents[2] / "docs/profiling.md").read_text(encoding="utf-8")


def test_every_key_of_the_document_is_described_and_no_other() -> None:
    rows = re.findall(r"^\| (`.+?) \|", TEXT.partition("## profile.json")[2], re.MULTILINE)
    described = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
    assert sorted(described) == sorted(ProfileDocument.model_fields)


def test_every_stage_of_a_chunks_way_is_described_in_its_order() -> None:
    table = TEXT.partition("**A chunk's way.**")[2].partition("Each is measured")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == PATH


def test_the_budgets_that_it_shows_are_budgets(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    file = tmp_path / "budgets.toml"
    file.write_text(shown, encoding="utf-8")
    assert set(read_budgets(file).stages) == {"refiner", "end_to_end"}
