"""The report's sizes and times, before and after."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from libra_edge.bundle import Manifest, StageEntry, Target
from libra_edge.export.report_figures import Bar, bars
from libra_edge.export.target_export import TargetExport

CPUINFO = Path("/proc/cpuinfo")
STAGES = ("planner", "refiner")


def before_after_section(manifest: Manifest, exports: Mapping[Target, TargetExport]) -> str:
    """A card a stage."""
    cards = "".join(_card(stage, manifest, exports) for stage in STAGES)
    return f"<div class=cards>{cards}</div><p class=small>{escape(_how(exports))}</p>"


def _card(stage: str, manifest: Manifest, exports: Mapping[Target, TargetExport]) -> str:
    entries = {
        target: entry.planner if stage == "planner" else entry.refiner for target, entry in manifest.targets.items()
    }
    sizes = bars(f"Size of the {stage}", _sizes(entries))
    times = bars(f"Time of the {stage}", _times(stage, entries, exports))
    drawn = f"<h4>Size</h4>{sizes}<h4>Time of one call</h4>{times}"
    return f"<section class=card><h3>{stage.capitalize()}</h3>{drawn}</section>"


def _sizes(entries: Mapping[Target, StageEntry]) -> Sequence[Bar]:
    before = next(iter(entries.values())).bytes_fp32
    return [
        Bar("FP32", before, _size(before), "fp32"),
        *(Bar(_label(target, entry), entry.bytes, _size(entry.bytes), target) for target, entry in entries.items()),
    ]


def _times(stage: str, entries: Mapping[Target, StageEntry], exports: Mapping[Target, TargetExport]) -> Sequence[Bar]:
    rows = []
    for target, entry in entries.items():
        latency = exports[target].latency
        if latency is None:
            rows.append(Bar(_label(target, entry), None, "does not run here", target))
            continue
        found = latency[stage]
        rows.append(Bar("FP32", found.ms_fp32, f"{found.ms_fp32:.2f} ms", "fp32"))
        rows.append(Bar(_label(target, entry), found.ms, f"{found.ms:.2f} ms", target))
    return rows


def _how(exports: Mapping[Target, TargetExport]) -> str:
    turns = sorted({one.turns for export in exports.values() if export.latency for one in export.latency.values()})
    if not turns:
        return "No times: no target of this bundle runs here. `libra-edge profile` measures them on the device."
    calls = " to ".join(dict.fromkeys((str(turns[0]), str(turns[-1]))))
    return (
        f"Times are medians of {calls} calls on one thread of {processor()}, FP32 and exported in turns in one run. "
        "The refiner's is a whole chunk with all its denoising steps. Times differ from run to run and are no part of "
        "the bundle's hash."
    )


def processor() -> str:
    """The processor's name as Linux tells it, else its architecture."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _label(target: Target, entry: StageEntry) -> str:
    return f"{target}, {entry.precision.upper()}"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.2f} MB"
