"""The status of a run while it lasts: a few lines on a terminal, drawn by a thread; plain log lines elsewhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from libra_edge.runtime.latency import Distribution
from libra_edge.runtime.run_state import Run

logger = logging.getLogger(__name__)

REDRAWS_A_SECOND = 5.0
SECONDS_A_LINE = 5.0


@contextmanager
def live_status(run: Run, task: str, duration_s: float, console: Console) -> Iterator[None]:
    """Show `run` while the context lasts. Only reads; what it reads may be a moment old."""
    if console.is_terminal:
        with Live(
            get_renderable=lambda: _panel(run, task, duration_s),
            console=console,
            refresh_per_second=REDRAWS_A_SECOND,
            transient=True,
        ):
            yield
        return
    stopping = threading.Event()
    thread = threading.Thread(target=_log_lines, args=(run, stopping), name="status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _log_lines(run: Run, stopping: threading.Event) -> None:
    while not stopping.wait(SECONDS_A_LINE):
        if run.log.start_ns:
            logger.info("%s", ", ".join(f"{name} {value}" for name, value in _lines(run).items()))


def _panel(run: Run, task: str, duration_s: float) -> Table:
    table = Table.grid(padding=(0, 2))
    passed = f"{run.log.seconds:.1f} s of {duration_s:g} s" if run.log.start_ns else "warming up"
    table.add_row("[bold]task", f"[bold]{escape(task)}[/]  [dim]{passed}")
    for name, value in _lines(run).items():
        table.add_row(name, escape(value))
    return table


def _lines(run: Run) -> dict[str, str]:
    log, servo = run.log, run.telemetry
    state = "starting" if servo is None else servo.state.value
    age = f"plan {log.plan_ages[-1]} steps old at the last chunk" if log.plan_ages else "no chunk yet"
    lines = {
        "state": f"{state}, {age}" + (f", holding: {log.holding}" if log.holding else ""),
        "planner": f"{_latency(log.planner_ms)}, {log.plans} plans, {_rate(run, log.plans)}",
        "refiner": f"{_latency(log.refiner_ms)}, {log.chunks} chunks, {_rate(run, log.chunks)}, {log.late_chunks} late",
    }
    first = run.first_telemetry
    if servo is not None and first is not None:
        late = " / ".join(f"{servo.lateness.quantile_us(q) or 0.0:.0f}" for q in (0.5, 0.99))
        ticks = _rate(run, servo.ticks - first.ticks)
        lines["servo loop"] = f"{ticks}, late by {late} us (p50 / p99), {servo.deadline_misses} deadlines missed"
    last = log.faults[-1] if log.faults else None
    lines["faults"] = f"{len(log.faults)}, the last: {last.kind}: {last.reaction}" if last else "none"
    return lines


def _latency(distribution: Distribution) -> str:
    """`p50 / p99 ms`."""
    values = [distribution.quantile(q) for q in (0.5, 0.99)]
    return " / ".join("-" if value is None else f"{value:.1f}" for value in values) + " ms"


def _rate(run: Run, count: int) -> str:
    return f"{count / max(run.log.seconds, 1e-3):.1f} /s"
