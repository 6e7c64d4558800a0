"""The report's share of the planner's multiply-adds that ran in INT8, and the reason of each product that did not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape

from libra_edge.bundle import Manifest, Target
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.float_products import ATTENTION, NOT_ASKED, RUNTIME, FloatProduct, float_products
from libra_edge.export.mac_share import MacShare
from libra_edge.export.report_figures import percent, plural, stacked, swatch, table
from libra_edge.export.target_export import TargetExport

LOOKS = {ATTENTION: "share-attention", RUNTIME: "share-runtime", NOT_ASKED: "share-float"}
MOST_ROWS = 60


def int8_share_section(manifest: Manifest, exports: Mapping[Target, TargetExport], model: CheckedModel) -> str:
    """A card a target."""
    cards = (_card(target, manifest, export, model) for target, export in exports.items())
    return f"<div class=cards>{''.join(cards)}</div>"


def _card(target: Target, manifest: Manifest, export: TargetExport, model: CheckedModel) -> str:
    share = manifest.targets[target].planner.int8_mac_share
    if share is None or export.macs is None:
        body = "<p>Not known: only an execution profile tells, and this target does not run here.</p>"
    else:
        kept = export.precision.planner.not_int8
        int8 = export.stages["planner"].precision == "int8"
        body = _shares(share, export.macs, float_products(export.macs, model.planner, kept, int8=int8))
    return f'<section class="card {target}"><h3>{target}</h3>{body}</section>'


def _shares(share: float, macs: MacShare, floats: Sequence[FloatProduct]) -> str:
    total = max(1, sum(product.macs for product in macs.products))
    by_reason: dict[str, list[FloatProduct]] = defaultdict(list)
    for product in floats:
        by_reason[product.reason].append(product)
    parts = [(share, "share-int8", "INT8", len(macs.products) - len(floats))]
    for reason, products in by_reason.items():
        of_total = sum(product.executed.macs for product in products) / total
        parts.append((of_total, LOOKS.get(reason, "share-tuned"), reason, len(products)))
    key = "".join(
        f"<li>{swatch(look)}<b>{percent(part)}</b> {escape(words)} ({plural(count, 'product')})</li>"
        for part, look, words, count in parts
    )
    bar = stacked(f"{share:.2%} of multiply-adds in INT8", [(part, look) for part, look, _, _ in parts])
    sure = f"<p>{plural(total, 'multiply-add')} a plan, read from ONNX Runtime's execution profile of this export.</p>"
    return f"{sure}{bar}<ul class=key>{key}</ul>{_listed(floats, total)}"


def _listed(floats: Sequence[FloatProduct], total: int) -> str:
    if not floats:
        return "<p>Every product ran in INT8.</p>"
    rows = [
        [one.layer or one.executed.name, one.executed.operator, percent(one.executed.macs / total), one.reason]
        for one in floats[:MOST_ROWS]
    ]
    left = floats[MOST_ROWS:]
    if left:
        share = sum(one.executed.macs for one in left) / total
        rows.append([f"{len(left)} smaller ones", "", percent(share), ", ".join(sorted({one.reason for one in left}))])
    head = ["product", "ran as", "share", "why"]
    return f"<details><summary>Each product that did not run in INT8, and why</summary>{table(head, rows)}</details>"
