"""`report.html`: one self-contained page on what an export did to sizes, times, tokens and actions."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from libra_edge.bundle import GateEntry, Manifest, StageEntry, TargetEntry
from libra_edge.export.agreement import PlannerAgreement, RefinerAgreement
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.latency import TURNS, Latency
from libra_edge.export.report_figures import bars, token_map
from libra_edge.export.report_style import STYLE
from libra_edge.export.thumbnail import png_data_uri

EXAMPLES = 3
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What an export measured."""

    latency: dict[str, Latency]
    planner: PlannerAgreement
    refiner: RefinerAgreement


def report_html(manifest: Manifest, findings: Findings, model: CheckedModel) -> str:
    """The page."""
    target = manifest.targets["cpu"]
    body = (
        f"<h1>{escape(manifest.name)}, exported</h1>",
        f"<p>Target <b>cpu</b>: planner {target.planner.precision}, refiner {target.refiner.precision}.</p>",
        _tiles(target.planner, findings),
        f"<h2>Gates</h2>{_gates(manifest.gates)}",
        f"<h2>Before and after</h2>{_sizes_and_times(target, findings.latency)}",
        f"<h2>What the planner says</h2>{_examples(findings.planner, model)}",
        f"<h2>Where the refiner goes</h2>{_joints(model.directory.spec.action.joints, findings.refiner)}",
        f"<h2>What computes in what</h2>{_layers({'planner': target.planner, 'refiner': target.refiner})}",
        f"<p class=small>Made by {escape(', '.join(map(' '.join, manifest.tools.items())))}.</p>",
    )
    title = f"<title>{escape(manifest.name)}: export</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{title}<style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'


def _tiles(entry: StageEntry, findings: Findings) -> str:
    latency = findings.latency["planner"]
    tiles = (
        (f"{latency.ms_fp32 / latency.ms:.2f}", "times FP32's speed, planner"),
        (f"{entry.bytes / entry.bytes_fp32:.2f}", "times FP32's bytes, planner"),
        (f"{findings.planner.exact:.2%}", "tokens equal to FP32"),
        (f"{findings.planner.within_one:.2%}", "tokens at most one bin off"),
        (f"{findings.refiner.largest_deg.max():.3f}°", "largest change of an action"),
    )
    return f"<div class=tiles>{''.join(f'<div><b>{value}</b>{escape(what)}</div>' for value, what in tiles)}</div>"


def _gates(gates: tuple[GateEntry, ...]) -> str:
    rows = []
    for gate in gates:
        value = "" if gate.value is None else f"{gate.value:.4f}"
        sign = "≥" if gate.better == "higher" else "≤"
        verdict = f"{gate.verdict}, accepted" if gate.accepted else gate.verdict
        chip = f'<span class="chip {gate.verdict.replace(" ", "-")}">{verdict}</span>'
        name = escape(gate.name.replace("_", " "))
        rows.append(f"<tr><td>{name}<td class=number>{value}<td class=number>{sign} {gate.threshold:g}<td>{chip}</tr>")
    return f"<table><tr><th>gate<th>figure<th>threshold<th>verdict</tr>{''.join(rows)}</table>"


def _sizes_and_times(target: TargetEntry, latency: dict[str, Latency]) -> str:
    how = (
        f"Times are medians of {TURNS} calls on one thread of {escape(_processor())}, FP32 and exported in turns. The "
        "refiner's is a whole chunk with all its denoising steps. They are no part of the bundle's hash."
    )
    planner = _before_and_after("Planner", target.planner, latency["planner"])
    return f"{planner}{_before_and_after('Refiner', target.refiner, latency['refiner'])}<p class=small>{how}</p>"


def _before_and_after(name: str, entry: StageEntry, latency: Latency) -> str:
    label = entry.precision.upper()
    sizes = [("FP32", entry.bytes_fp32), (label, entry.bytes)]
    times = [("FP32", latency.ms_fp32), (label, latency.ms)]
    size_bars = bars([(label, size, f"{size / 1e6:.2f} MB") for label, size in sizes])
    time_bars = bars([(label, time, f"{time:.2f} ms") for label, time in times])
    return f"<h3>{name}</h3><div class=pair><figure>{size_bars}</figure><figure>{time_bars}</figure></div>"


def _examples(planner: PlannerAgreement, model: CheckedModel) -> str:
    drawn = "".join(_example(index, planner, model) for index in _most_different(planner))
    return f"<p>Of {len(planner.rows)} held-out samples, those with the most tokens that differ (ringed).</p>{drawn}"


def _most_different(planner: PlannerAgreement) -> list[int]:
    different = np.sum(planner.tokens != planner.tokens_fp32, axis=(1, 2))
    return [int(index) for index in np.argsort(-different, kind="stable")[:EXAMPLES]]


def _example(index: int, planner: PlannerAgreement, model: CheckedModel) -> str:
    row, spec, arrays = int(planner.rows[index]), model.directory.spec, model.samples.arrays
    pictures = [
        f'<img alt="{camera.name} camera" src="{png_data_uri(arrays[f"image_{camera.name}"][row])}">'
        for camera in spec.cameras_of("planner")
    ]
    joints, bins, fp32 = spec.action.joints, spec.policy.bins, planner.tokens_fp32[index]
    exported = token_map(planner.tokens[index], joints, bins, fp32)
    caption = escape(model.instruction.decode(arrays["instruction"][row]))
    return (
        f"<h3>“{caption}”</h3><div class=pair><figure>{''.join(pictures)}</figure>"
        f"<figure><figcaption>FP32</figcaption>{token_map(fp32, joints, bins)}</figure>"
        f"<figure><figcaption>exported</figcaption>{exported}</figure></div>"
    )


def _joints(joints: tuple[str, ...], refiner: RefinerAgreement) -> str:
    rows = [
        f"<tr><td>{escape(joint)}<td class=number>{mean:.4f}<td class=number>{largest:.4f}</tr>"
        for joint, mean, largest in zip(joints, refiner.mean_deg, refiner.largest_deg, strict=True)
    ]
    head = "<tr><th>joint<th>mean change, degrees<th>largest change, degrees</tr>"
    return f"<p>Actions from the same picture, tokens and noise, against FP32.</p><table>{head}{''.join(rows)}</table>"


def _layers(stages: dict[str, StageEntry]) -> str:
    rows = [
        f"<tr><td>{stage}<td>{escape(group)}<td>{escape(precision)}</tr>"
        for stage, entry in stages.items()
        for group, precision in entry.layers.items()
    ]
    return f"<table><tr><th>stage<th>layers<th>precision</tr>{''.join(rows)}</table>"


def _processor() -> str:
    """The processor's name as Linux tells it, else its architecture."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
