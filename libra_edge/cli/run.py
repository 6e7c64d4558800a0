"""`libra-edge run`: puts the parts together, drives the arm, and says how it went."""

from __future__ import annotations

import json
import logging
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import uvloop

from libra_edge import __version__
from libra_edge.bundle import Bundle, open_bundle
from libra_edge.cli.camera_counts import add_counts
from libra_edge.cli.gate_warnings import gate_warnings
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.cli.run_backend import BACKENDS, Backend, chosen_backend, load_on, target_of
from libra_edge.cli.run_hardware import open_hardware
from libra_edge.cli.run_pictures import draw_run
from libra_edge.cli.run_session import Session, SessionOptions, run_session
from libra_edge.cli.run_view import run_view
from libra_edge.clock import MonotonicClock
from libra_edge.errors import CheckFailed, InputError
from libra_edge.locate import RECORDINGS, bundle_path
from libra_edge.protocols import Clock
from libra_edge.robot import Robot, open_robot
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording_messages import frame_entry, jpeg_entry
from libra_edge.runtime.robot_fit import check_fit
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.run_summary import run_figures, summary_table
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit
from libra_edge.tensorrt_library import load_tensorrt

logger = logging.getLogger(__name__)

PICTURES = {"lossless": frame_entry, "jpeg": jpeg_entry}


@click.command("run")
@click.option("--robot", "robot_name", default="koch", show_default=True, help="Name of a robot, or its file.")
@click.option("--model", default="libra_base", show_default=True, help="Name or folder of a bundle.")
@click.option("--task", help="What to do, in words that the model knows [default: asks for it in a terminal]")
@click.option(
    "--duration", type=click.FloatRange(0.1, 86_400), default=30.0, show_default=True, help="Seconds at most."
)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of the noise, and of a simulation.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.ASYNC.value, show_default=True)
@click.option("--max-plan-age", type=click.IntRange(0), help="Steps; hold rather than use an older plan.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True)
@click.option("--pictures", type=click.Choice(list(PICTURES)), default="lossless", show_default=True, help="In it.")
@click.option("--record", type=click.Path(path_type=Path), help="The recording [default: recordings/...mcap]")
@click.option("--status/--no-status", default=True, show_default=True, help="Show how it goes, on stderr.")
@click.option("--view", is_flag=True, help="Show pictures, arm, plan and chunks in Rerun, live.")
@click.option("--on-exit", type=click.Choice([choice.value for choice in OnExit]), default="hold", show_default=True)
@click.option("--require-success", is_flag=True, help="Exit with 1 if the task was not done.")
@json_option
def command(
    *,
    robot_name: str,
    model: str,
    task: str | None,
    duration: float,
    seed: int,
    mode: str,
    max_plan_age: int | None,
    backend: str,
    pictures: str,
    record: Path | None,
    status: bool,
    view: bool,
    on_exit: str,
    require_success: bool,
    as_json: bool,
) -> None:
    """Do a task with a robot arm, watched, fenced in and recorded.

    \b
    Example:
      libra-edge run --robot koch-sim --task "pick up the red cube"
    """  # noqa: D301 - click reads the \b
    robot, bundle, clock = open_robot(robot_name), open_bundle(bundle_path(model)), MonotonicClock()
    used, task = chosen_backend(backend), task or _asked_for_task()
    options = SessionOptions(robot_name, task, duration, Mode(mode), OnExit(on_exit), status)
    path = record or RECORDINGS / _recording_name(robot, task)
    cameras = {camera.name for camera in bundle.spec.camera}
    with (
        _loaded_policy(bundle, robot, used, task, clock=clock, seed=seed) as policy,
        open_hardware(robot, cameras, seed=seed, task=task) as hardware,
    ):
        _tighten(policy, max_plan_age)
        metadata = _metadata(bundle, robot, options, seed, used)
        metadata |= {"pictures": pictures, "max_plan_age_steps": str(policy.buffer.max_age_steps)}
        with _recorder(path, metadata) as recorder, run_view(metadata) if view else nullcontext() as viewer:
            sinks = (recorder,) if viewer is None else (recorder, viewer)
            log = RunLog(clock, robot.joint_names, LimitCheck(robot), sinks, PICTURES[pictures])
            session = uvloop.run(run_session(policy, robot, hardware, log, options))
            figures = _figures(session, robot, task, recorder)
            add_counts(figures, hardware.cameras)
            recorder.close(_result(session, figures))
        figures |= draw_run(path)
        stderr_console().print(summary_table(figures))
        if as_json:
            print_json(figures)
    _raise_what_failed(session, options, require_success=require_success)


@contextmanager
def _loaded_policy(
    bundle: Bundle, robot: Robot, backend: Backend, task: str, *, clock: Clock, seed: int
) -> Iterator[Policy]:
    """The bundle's two systems, knowing the task.

    Raises ConfigError if it does not fit the robot, InstructionError, and whatever `load_on` raises.
    """
    check_fit(bundle.spec, robot)
    with closing(load_on(backend, bundle)) as systems:
        policy = systems.policy(task, clock=clock, seed=seed)
        logger.info("model %s (bundle %s) on %s", bundle.spec.name, bundle.sha256[:8], systems.runs_on)
        for warning in gate_warnings(bundle, target_of(backend)):
            logger.warning("%s", warning)
        yield policy


def _asked_for_task() -> str:
    """Raises InputError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise InputError('run needs to know what to do: give --task, such as --task "pick up the red cube"')
    task: str = click.prompt("What shall the arm do? (for example: pick up the red cube)", err=True)
    return task


def _raise_what_failed(session: Session, options: SessionOptions, *, require_success: bool) -> None:
    """Raises the fault that ended the run, CheckFailed for a task that was not done although it had to be."""
    if session.fault is not None:
        raise session.fault
    if require_success and session.end.success is not True:
        raise CheckFailed(f"the task {options.task!r} was not done within {options.duration_s:g} s")


def _tighten(policy: Policy, max_plan_age: int | None) -> None:
    """Let no plan be used that is older, in control steps at a chunk's start."""
    most = policy.buffer.max_age_steps
    if max_plan_age is not None and not policy.buffer.tighten(max_plan_age):
        logger.warning("--max-plan-age %d changes nothing: the model's own bound is %d steps", max_plan_age, most)


def _recording_name(robot: Robot, task: str) -> str:
    """`<date>-<robot>-<task>.mcap`, in letters that every file system takes."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{robot.name} {task}".lower()).strip("-")
    return f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{words[:80]}.mcap"


@contextmanager
def _recorder(path: Path, metadata: dict[str, str]) -> Iterator[Recorder]:
    """A recorder that is closed whatever happens; of a run that never began, nothing stays."""
    recorder = Recorder(path, metadata)
    try:
        yield recorder
    except InputError:
        recorder.close()
        path.unlink()
        raise
    finally:
        recorder.close()


def _metadata(bundle: Bundle, robot: Robot, options: SessionOptions, seed: int, backend: Backend) -> dict[str, str]:
    return {
        "task": options.task,
        "robot": robot.name,
        "joints": " ".join(robot.joint_names),
        "robot_file": robot.model_dump_json(),
        "model": bundle.spec.name,
        "model_file": bundle.spec.model_dump_json(),
        "bundle_sha256": bundle.sha256,
        "mode": options.mode.value,
        "seed": str(seed),
        "backend": backend,
        "date": f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
        "libra_edge": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: version(package) for package in ("numpy", "onnxruntime", "mcap")},
        **({"tensorrt": load_tensorrt().__version__} if backend == "tensorrt" else {}),
    }


def _figures(session: Session, robot: Robot, task: str, recorder: Recorder) -> dict[str, Any]:
    recording = None if recorder.failure else str(recorder.path)
    head = {"robot": robot.name, "task": task, "success": session.end.success, "ended": session.ended}
    return {**head, "success_s": session.success_s, **run_figures(session.run), "recording": recording, "report": None}


def _result(session: Session, figures: dict[str, Any]) -> dict[str, str]:
    success_s = "" if session.success_s is None else f"{session.success_s:.3f}"
    success = {True: "true", False: "false", None: ""}[session.end.success]
    start_ns = str(session.run.log.start_ns)
    return {"success": success, "success_s": success_s, "start_ns": start_ns, "figures": json.dumps(figures)}
