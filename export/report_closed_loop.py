"""The report's closed loop: episodes that FP32 and exported policy both played, and how sure their difference is."""

from __future__ import annotations

from html import escape

from libra_edge.bundle import ClosedLoopEntry, GateEntry, Manifest, Target
from libra_edge.export.report_figures import Bar, bars, chip, plural, svg
from libra_edge.export.report_gates import gate_of, verdict_chip

GATE = "closed_loop_drop_points"
NOT_RUN = (
    "Not run. <code>libra-edge export --closed-loop EPISODES</code> plays episodes in simulation with both policies."
)
WIDTH, HEIGHT, MARGIN = 460, 74, 14


def closed_loop_section(manifest: Manifest) -> str:
    """A card a target."""
    cards = []
    for target, entry in manifest.targets.items():
        gate = gate_of(manifest, target, GATE)
        body = f"{chip('not run', 'not-run')}<p>{NOT_RUN}</p>"
        if entry.closed_loop is not None:
            body = _outcome(target, entry.closed_loop, gate)
        cards.append(f'<section class="card {target}"><h3>{escape(target)}</h3>{body}</section>')
    return f"<div class=cards>{''.join(cards)}</div>"


def _outcome(target: Target, loop: ClosedLoopEntry, gate: GateEntry | None) -> str:
    rows = [
        Bar("FP32", loop.successes_fp32, f"{loop.successes_fp32} of {loop.episodes}", "fp32"),
        Bar("exported", loop.successes_exported, f"{loop.successes_exported} of {loop.episodes}", target),
        Bar("episodes", loop.episodes, f"{loop.episodes}", "noise"),
    ]
    verdict = "" if gate is None else verdict_chip(gate)
    words = (
        f"{plural(loop.episodes, 'episode')} on {loop.robot}, seeds {loop.first_seed} to {loop.last_seed}, each played "
        f"by both policies. Only FP32 succeeded in {loop.only_fp32}, only exported in {loop.only_exported}. Success "
        f"drops by {loop.drop_points:.2f} points; the paired 95% interval is {loop.low_points:.2f} to "
        f"{loop.high_points:.2f}."
    )
    return f"{verdict}{bars('Successes', rows)}<p>{escape(words)}</p>{_interval(target, loop, gate)}"


def _interval(target: Target, loop: ClosedLoopEntry, gate: GateEntry | None) -> str:
    """The drop and its interval on a line of points, with zero and what is allowed."""
    allowed = 0.0 if gate is None else gate.threshold
    low, high = min(loop.low_points, 0.0) - 1, max(loop.high_points, allowed) + 1

    def place(points: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (points - low) / (high - low)

    left, right = place(loop.low_points), place(loop.high_points)
    drawn = [
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="40" y2="40" class="grid"/>',
        _tick(place(0), "no change", 14),
        f'<rect x="{left:.1f}" y="34" width="{max(1.0, right - left):.1f}" height="12" class="{target}"/>',
        f'<circle cx="{place(loop.drop_points):.1f}" cy="40" r="7" style="fill:var(--ink)"/>',
    ]
    if gate is not None:
        drawn.append(_tick(place(allowed), f"at most {allowed:g}", HEIGHT - 4))
    label = (
        f"Drop of {loop.drop_points:.2f} points, 95% interval {loop.low_points:.2f} to {loop.high_points:.2f}, "
        f"at most {allowed:g} allowed at its upper end"
    )
    return svg(label, WIDTH, HEIGHT, drawn)


def _tick(x: float, text: str, baseline: float) -> str:
    anchor = "start" if x < WIDTH / 3 else "end" if x > WIDTH * 2 / 3 else "middle"
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="20" y2="58" class="mark"/>'
        f'<text x="{x:.1f}" y="{baseline}" text-anchor="{anchor}" class="dim">{escape(text)}</text>'
    )
