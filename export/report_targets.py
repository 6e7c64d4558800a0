"""The report's first look: a card a target with what runs where, and its figures at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from libra_edge.bundle import Manifest, Target, TargetEntry
from libra_edge.export.report_figures import chip
from libra_edge.export.target_export import TargetExport

CPU = "Runs in ONNX Runtime on any processor: laptops, and wherever there is no TensorRT."
TENSORRT = (
    "Runs in TensorRT on a Jetson Orin, which builds its engines itself. It does not run here: its figures come from "
    "an emulation that rounds every intermediate as 16-bit hardware would, and there are no times."
)
WHERE: Mapping[Target, str] = {"cpu": CPU, "tensorrt": TENSORRT}
NO_HALF_KERNELS = (
    "The refiner's weights are {precision}, its arithmetic FP32: processors have no {precision} kernels, so weights "
    "are cast once, when they are loaded."
)


def target_cards(manifest: Manifest, exports: Mapping[Target, TargetExport]) -> str:
    """A card a target."""
    cards = (_card(target, entry, exports[target]) for target, entry in manifest.targets.items())
    return f"<div class=cards>{''.join(cards)}</div>"


def _card(target: Target, entry: TargetEntry, export: TargetExport) -> str:
    planner, refiner = entry.planner, entry.refiner
    precisions = f"planner {planner.precision.upper()}, refiner {refiner.precision.upper()}"
    where = f"<p>{WHERE[target]}</p>"
    if target == "cpu" and refiner.precision != "fp32":
        where += f"<p>{NO_HALF_KERNELS.format(precision=escape(refiner.precision.upper()))}</p>"
    tiles = "".join(f"<div><b>{escape(value)}</b>{escape(what)}</div>" for value, what in _figures(entry, export))
    heading = f"<h3>{escape(target)} {chip(precisions, 'plain')}</h3>"
    return f'<section class="card {target}">{heading}{where}<div class=tiles>{tiles}</div></section>'


def _figures(entry: TargetEntry, export: TargetExport) -> list[tuple[str, str]]:
    stages = (entry.planner, entry.refiner)
    smaller = sum(stage.bytes_fp32 for stage in stages) / max(1, sum(stage.bytes for stage in stages))
    shown = [(f"{smaller:.1f} times", "smaller than FP32")]
    if export.latency is None:
        shown.append(("no times", "it does not run here"))
    else:
        shown += [
            (f"{found.ms_fp32 / found.ms:.2f} times", f"FP32's speed, {name}") for name, found in export.latency.items()
        ]
    if entry.planner.int8_mac_share is not None:
        shown.append((f"{entry.planner.int8_mac_share:.1%}", "of the planner's multiply-adds ran in INT8"))
    shown.append((f"{export.agreement.planner.exact:.2%}", "tokens equal to FP32's"))
    shown.append((f"{export.agreement.seed_ratio:.1%}", "of another noise seed's effect on actions"))
    return shown
