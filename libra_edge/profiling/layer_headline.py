"""The sentences on layers, on the machine's limits and on predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from libra_edge.profiling.document import HeadlineEntry, LayerSumEntry, PredictionEntry, RooflineEntry

MOST_UNEXPLAINED_PERCENT = 5.0
MOST_WRONG_PERCENT = 30.0
"""A prediction that is further off is not to be relied on."""


def layer_headline(
    sums: Sequence[LayerSumEntry], roofline: RooflineEntry | None, predictions: Mapping[str, PredictionEntry]
) -> list[HeadlineEntry]:
    """Nothing where nothing was timed."""
    said = [_unexplained(one) for one in sums if one.difference_percent > MOST_UNEXPLAINED_PERCENT]
    said += [] if roofline is None else _limits(roofline)
    return said + [_predicted(one) for one in predictions.values()]


def not_timed(why: str) -> HeadlineEntry:
    """`why` is a clause."""
    return HeadlineEntry(look="open", text=f"Layers: not timed, {why}.")


def _unexplained(sums: LayerSumEntry) -> HeadlineEntry:
    text = f"The layers of {sums.stage} add up to {sums.layers_ms:.2f} ms, but it took {sums.stage_ms:.2f} ms itself"
    return HeadlineEntry(look="warn", text=f"{text} ({sums.difference_percent:.0f} % off).")


def _limits(roofline: RooflineEntry) -> list[HeadlineEntry]:
    stages = roofline.stages.values()
    layers, bound, memory = (sum(getattr(one, f"{key}_ms") for one in stages) for key in ("layers", "bound", "memory"))
    if not layers:
        return []
    text = f"A plan's and a chunk's layers take {layers:.2f} ms where this machine's limit is {bound:.2f} ms"
    return [HeadlineEntry(look="good", text=f"{text}; {memory / layers:.0%} of it in layers that memory limits.")]


def _predicted(prediction: PredictionEntry) -> HeadlineEntry:
    plan, chunk = prediction.plan, prediction.chunk
    text = f"Predicted for {prediction.title}: plan {plan.expected_ms:.2f} ms, chunk {chunk.expected_ms:.2f} ms"
    if plan.error_percent is None or chunk.error_percent is None:
        least = f"(no less than {plan.least_ms:.2f} and {chunk.least_ms:.2f} ms)"
        return HeadlineEntry(look="open", text=f"{text} {least}. An estimate: none was ever measured.")
    measured = f"measured {plan.measured_ms:.2f} and {chunk.measured_ms:.2f} ms"
    errors = f"({plan.error_percent:+.0f} % and {chunk.error_percent:+.0f} %)"
    wrong = max(abs(plan.error_percent), abs(chunk.error_percent)) > MOST_WRONG_PERCENT
    return HeadlineEntry(look="warn" if wrong else "good", text=f"{text}; {measured} {errors}.")
