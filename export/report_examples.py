"""The report's examples: what the cameras saw, and the plans of FP32 and of every target beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from libra_edge.bundle import Target
from libra_edge.export.agreement import PlannerAgreement
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.report_figures import plural
from libra_edge.export.report_token_map import legend, token_map
from libra_edge.export.target_export import TargetExport
from libra_edge.export.thumbnail import png_data_uri
from libra_edge.messages import Int64

EXAMPLES = 3


def examples_section(exports: Mapping[Target, TargetExport], model: CheckedModel) -> str:
    """The samples with the most tokens that differ, over all targets."""
    planners = {target: export.agreement.planner for target, export in exports.items()}
    rows = next(iter(exports.values())).agreement.rows
    different = np.sum([planner.tokens != planner.tokens_fp32 for planner in planners.values()], axis=(0, 2, 3))
    order = np.argsort(-different, kind="stable")
    worst = one_an_instruction(order, model.samples.arrays["instruction"][rows])[:EXAMPLES]
    drawn = "".join(_example(index, int(rows[index]), planners, model) for index in worst)
    return (
        f"<p>Of {plural(len(rows), 'held-out sample')} those with most tokens that differ from FP32's, each with "
        "another instruction while there are several. What differs wears a ring. A cell is the token of one joint at "
        "one control step: a coarse goal position.</p>"
        f"{legend(model.directory.spec.policy.bins)}{drawn}"
    )


def one_an_instruction(order: Int64, instructions: Int64) -> list[int]:
    """int64 [R], rows of `instructions` int64 [R, T], rearranged: the first of every instruction, then the others."""
    first = {tuple(instructions[row]): int(row) for row in reversed(order)}
    return sorted((int(row) for row in order), key=lambda row: row not in first.values())


def _example(index: int, row: int, planners: Mapping[Target, PlannerAgreement], model: CheckedModel) -> str:
    spec = model.directory.spec
    joints, bins = spec.action.joints, spec.policy.bins
    fp32 = next(iter(planners.values())).tokens_fp32[index]
    words = model.instruction.decode(model.samples.arrays["instruction"][row])
    plan = token_map(f"FP32, {words}", fp32, joints, bins)
    maps = [_pictures(row, model), f"<figure><figcaption>FP32</figcaption>{plan}</figure>"]
    for target, planner in planners.items():
        tokens = planner.tokens[index]
        changed = f"exported, {target}: {int(np.sum(tokens != fp32))} of {fp32.size} tokens differ"
        drawn = token_map(f"{changed}, {words}", tokens, joints, bins, fp32)
        maps.append(f"<figure><figcaption>{changed}</figcaption>{drawn}</figure>")
    return f"<h3>“{escape(words)}”</h3><div class=maps>{''.join(maps)}</div>"


def _pictures(row: int, model: CheckedModel) -> str:
    pictures = [
        f'<img alt="What the {escape(camera.name)} camera saw" '
        f'src="{png_data_uri(model.samples.arrays[f"image_{camera.name}"][row])}">'
        for camera in model.directory.spec.cameras_of("planner")
    ]
    return f'<div class="pictures">{"".join(pictures)}</div>'
