"""Predictions on the page: this machine first, where the guess can be held against what was measured."""

from __future__ import annotations

from libra_edge.profiling.document import PredictedEntry, ProfileDocument
from libra_edge.profiling.page.markup import cell, ms, row, section, table

HEADS = ("", "what", "no less than", "expected", "measured", "off by")
WORDS = (
    "From the graphs alone: their products and bytes against what the machine can do. No machine with these peaks can "
    "beat the least; the expected time knows what is usually lost. Boards: from data sheets and from what others "
    "measured on one of them, with 3 us for each layer assumed. They were never measured, and small models show mostly "
    "those 3 us. The host's share is not in it."
)


def prediction_section(document: ProfileDocument) -> str:
    """Nothing where none was asked for."""
    if not document.predictions:
        return ""
    rows = []
    for prediction in document.predictions.values():
        rows.append(_row(prediction.title, "plan", prediction.plan))
        rows.append(_row("", "chunk", prediction.chunk))
        rows += [_row("", f"· {stage.replace('_', ' ')}", one) for stage, one in prediction.stages.items()]
    return section("Predictions", WORDS, table(HEADS, rows, ["what"]))


def _row(title: str, what: str, predicted: PredictedEntry) -> str:
    error = "-" if predicted.error_percent is None else f"{predicted.error_percent:+.0f} %"
    times = (predicted.least_ms, predicted.expected_ms, predicted.measured_ms)
    return row([cell(title), cell(what, "word"), *(cell(_ms(time)) for time in times), cell(error)])


def _ms(time: float | None) -> str:
    return "-" if time is None else f"{ms(time)} ms"
