"""Everything that `profile` measures, in its order."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from libra_edge import __version__
from libra_edge.bundle import Bundle
from libra_edge.cli.board_checks import clocks
from libra_edge.cli.device_engines import engines_of
from libra_edge.cli.output import stderr_console
from libra_edge.cli.profile_layers import layers_on_onnxruntime, layers_on_tensorrt, why_no_layers
from libra_edge.cli.profile_run import WatchedSystems, profiled_run, watched_systems
from libra_edge.cli.run_backend import Backend, target_of
from libra_edge.errors import ConfigError, RuntimeFault
from libra_edge.model_spec import ModelSpec
from libra_edge.policy_files import PolicyFiles
from libra_edge.profiling.build_document import Measured
from libra_edge.profiling.document import ClockEntry
from libra_edge.profiling.machine_watch import watched_machine
from libra_edge.profiling.memory import memory_of
from libra_edge.profiling.profile_log import ProfileLog
from libra_edge.profiling.side_by_side import Exercise
from libra_edge.robot import Robot

if TYPE_CHECKING:
    from libra_edge.profiling.boards import Board

SIDE_BY_SIDE_SHARE = 1 / 3
"""Of the time, if there is a robot: the rest goes to its run."""
LAYERS_SHARE = 1 / 10
"""Of the time, for the layers of each system: on top of it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asked for; `robot` is None where there is to be none."""

    bundle: Bundle
    backend: Backend
    robot_name: str
    robot: Robot | None
    task: str | None
    seconds: float
    boards: tuple[Board, ...]


def measure(order: Order) -> Measured:
    """Load, measure the systems side by side, then a robot's run.

    Raises InputError for what cannot be profiled, EngineError for a system that fails. A run's fault is a finding.
    """
    files = order.bundle.policy_files(target_of(order.backend))
    task = order.task or _example(files.spec)
    console = stderr_console()
    began = time.monotonic()
    why_not, layers = why_no_layers(), None
    with watched_machine() as machine, watched_systems(order.backend, order.bundle) as watched:
        load_s = time.monotonic() - began
        exercise = Exercise(watched.systems, watched.calls, task)
        share = 1.0 if order.robot is None else SIDE_BY_SIDE_SHARE
        with console.status("Planner and refiner, alone and side by side"):
            side = exercise.measure(share * order.seconds)
        log, fault = (None, None) if order.robot is None else _run(watched, order, order.robot, task)
        facts = _facts(order, watched, task)
        memory = memory_of(_engine_files(order, files), files.spec)
        if order.backend == "onnxruntime" and not why_not:
            exercise.taken()  # the run's
            layers = layers_on_onnxruntime(order.bundle, order.boards, LAYERS_SHARE * order.seconds, exercise)
    if order.backend == "tensorrt" and not why_not:  # loads the engines anew: not beside the first ones
        layers = layers_on_tensorrt(order.bundle, order.boards, LAYERS_SHARE * order.seconds)
    period_ns = 0 if order.robot is None else round(1e9 / order.robot.servo.rate_hz)
    return Measured(facts, load_s, side, machine, memory, _clocks(), log, period_ns, fault, layers, why_not)


def _example(spec: ModelSpec) -> str:
    """Raises ConfigError for a model that gives none."""
    if not spec.instruction.examples:
        raise ConfigError(f"model {spec.name} gives no example of a task: say what it shall do with --task")
    return spec.instruction.examples[0]


def _engine_files(order: Order, files: PolicyFiles) -> Mapping[str, Path]:
    if order.backend == "onnxruntime":
        return files.graphs
    return {name: engine.plan for name, engine in engines_of(order.bundle).items()}


def _run(watched: WatchedSystems, order: Order, robot: Robot, task: str) -> tuple[ProfileLog, RuntimeFault | None]:
    seconds = (1 - SIDE_BY_SIDE_SHARE) * order.seconds
    with stderr_console().status(f"{robot.name}: {task}, for {seconds:.0f} s"):
        return profiled_run(watched, order.robot_name, robot, task, seconds)


def _facts(order: Order, watched: WatchedSystems, task: str) -> dict[str, object]:
    return {
        "libra_edge": __version__,
        "date": f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "model": order.bundle.spec.name,
        "bundle_sha256": order.bundle.sha256,
        "backend": order.backend,
        "runs_on": watched.systems.runs_on,
        "robot": None if order.robot is None else order.robot.name,
        "task": task,
        "seconds": order.seconds,
    }


def _clocks() -> list[ClockEntry]:
    return [ClockEntry(name=check.name, pinned=check.ok, found=check.found) for check in clocks()]


def _processor() -> str:
    """As Linux names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
