"""docs/supervisor.md says what the table says."""

from __future__ import annotations

from pathlib import Path

from libra_edge.runtime.supervisor import TRANSITIONS
from libra_edge.runtime.supervisor_document import MEANINGS, supervisor_page

PAGE = Path(__file__).parents[2] / "docs" / "supervisor.md"


def test_the_page_is_up_to_date() -> None:
    advice = "write it anew: python -m libra_edge.runtime.supervisor_document > docs/supervisor.md"
    assert PAGE.read_text(encoding="utf-8") == supervisor_page(), advice


def test_every_state_is_explained_and_every_transition_has_a_row() -> None:
    assert {state for state, _ in TRANSITIONS} == set(MEANINGS)
    rows = [line for line in supervisor_page().partition("## Transitions")[2].splitlines() if line.startswith("| ")]
    assert len(rows) == len(TRANSITIONS) + 1
