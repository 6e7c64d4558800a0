"""Puts the page together: verdict and facts as HTML, everything that moves as data for its own scripts.

Words in a recording may come from anybody: in HTML they are escaped, in data no tag can begin, and the page's policy
lets only its own scripts run and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from libra_edge.runtime.report_page.episode import Episode
from libra_edge.runtime.report_page.film import Film
from libra_edge.runtime.report_page.tiles import tiles
from libra_edge.runtime.report_page.verdict import WARN, Finding, findings, outcome, plural

FILES = files("libra_edge.runtime.report_page")
SCRIPTS = ("axis", "strip", "joints", "tokens", "latency", "events", "film", "now", "cursor", "page")
"""In this order: each may use those before it."""
SIGNS = {"good": "✓", "bad": "✕", "warn": "!", "open": "—"}


def page_html(episode: Episode, film: Film, data: Mapping[str, Any], breaks: Sequence[int] | None) -> str:
    """The whole page. `breaks` are the commands outside a limit, see `findings`."""
    script = "\n".join(_file(f"scripts/{name}.js") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}\n}})();\n'
    return Template(_file("page.html")).substitute(
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '{_sha256(script)}'",
        title=escape(f"{episode.facts.task}: {episode.facts.robot}"),
        style=_file("page.css"),
        tiles=tiles(episode),
        task=escape(episode.facts.task),
        facts=_facts(episode),
        verdict=_verdict(outcome(episode)),
        findings="".join(_chip(finding) for finding in [*findings(episode, breaks), *_lacks(film)]),
        ended=_ended(episode),
        lost=""
        if episode.lost is None
        else f'<p class="lost" role="alert"><b>Not all of it.</b> {escape(episode.lost)}</p>',
        notes=_notes(episode, film, data),
        data=json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        script=script,
    )


def _file(name: str) -> str:
    return FILES.joinpath(name).read_text(encoding="utf-8")


def _sha256(script: str) -> str:
    """As a Content-Security-Policy names a script (https://www.w3.org/TR/CSP3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _verdict(finding: Finding) -> str:
    return f'<p class="verdict {finding.look}">{_signed(finding)}</p>'


def _chip(finding: Finding) -> str:
    return f'<li class="chip {finding.look}">{_signed(finding)}</li>'


def _signed(finding: Finding) -> str:
    return f'<span aria-hidden="true">{SIGNS[finding.look]}</span> {escape(finding.text)}'


def _lacks(film: Film) -> list[Finding]:
    return [Finding(WARN, f"{plural(film.unreadable, 'picture')} unreadable")] if film.unreadable else []


def _ended(episode: Episode) -> str:
    """How long it was, and why it ended, as far as the run told."""
    plans, chunks = plural(len(episode.plans), "plan"), plural(len(episode.chunks), "action chunk")
    end = f" It ended because: {episode.figures.ended}." if episode.figures.ended else ""
    return escape(f"{episode.seconds:.1f} s from control step 0 on, {plans}, {chunks}.{end}")


def _facts(episode: Episode) -> str:
    facts = episode.facts
    bundle = f"bundle {facts.bundle_sha256[:8]}" if facts.bundle_sha256 else ""
    seed = f"seed {facts.seed}" if facts.seed else ""
    shown = (facts.robot, facts.model, bundle, facts.backend, facts.mode, seed, facts.date)
    return " · ".join(escape(fact) for fact in shown if fact)


def _notes(episode: Episode, film: Film, data: Mapping[str, Any]) -> str:
    """What was left out of the page, or stands in it differently from the recording."""
    cameras = ", ".join(f"{name} {len(frames)} of {film.recorded[name]}" for name, frames in film.cameras.items())
    zero = "control step 0" if episode.result is not None and episode.result.start_ns else "about control step 0"
    notes = [f"Time is in seconds since {zero}."]
    notes += [f"Pictures in the film: {cameras}; made smaller, as JPEG. The recording has them all."] if cameras else []
    if data["commands"]["every"] > 1:
        every, of = data["commands"]["every"], data["commands"]["of"]
        notes.append(
            f"Curves are drawn from one command in {every} of {of}; of the servo's lateness each shows the worst."
        )
    if data["space"] is None:
        notes.append(
            "The recording does not say what a token means, so the planner's bins are not drawn into the curves."
        )
    if episode.facts.libra_edge:
        notes.append(f"Recorded by libra-edge {episode.facts.libra_edge}.")
    return "".join(f"<p>{escape(note)}</p>" for note in notes)
