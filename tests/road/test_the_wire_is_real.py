"""One episode in real time, overheard: every goal position came over the serial port, from the servo process."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from pathlib import Path

import uvloop

from libra_edge.bundle import Bundle
from libra_edge.cli.run_hardware import RunHardware
from libra_edge.cli.run_session import Session, SessionOptions, run_session
from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.simulated_robot import SimulatedRobot
from libra_edge.robot import open_robot
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.load_systems import load_systems
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit
from tests.road.wire_tap import WireTap

ROBOT = open_robot("koch-sim")
TASK, SEED = "push the green cube", 900_100
SYNC_WRITE = 0x83


def overhear(bundle: Bundle, folder: Path) -> tuple[Session, WireTap]:
    """Run one episode with a tap in the cable; the emulator's ledger goes to `goals.jsonl`."""
    with ExitStack() as stack:
        simulated = stack.enter_context(
            SimulatedRobot.launch(ROBOT, seed=SEED, task=TASK, goals=folder / "goals.jsonl")
        )
        tap = stack.enter_context(WireTap(simulated.port, ROBOT.bus.baud))
        cameras = simulated.cameras()
        for camera in cameras:
            stack.enter_context(closing(camera))
            camera.open()
        recorder = Recorder(folder / "run.mcap", {})
        stack.callback(recorder.close, {})
        log = RunLog(MonotonicClock(), ROBOT.joint_names, LimitCheck(ROBOT), (recorder,))
        policy = load_systems(bundle.policy_files("cpu")).policy(TASK, clock=MonotonicClock(), seed=SEED)
        options = SessionOptions("koch-sim", TASK, 8.0, Mode.ASYNC, OnExit.HOLD, status=False)
        hardware = RunHardware(tap.port, cameras, simulated.referee)
        return uvloop.run(run_session(policy, ROBOT, hardware, log, options)), tap


def test_every_goal_in_the_ledger_was_sent_by_the_servo_process_over_the_port(bundle: Bundle, tmp_path: Path) -> None:
    session, tap = overhear(bundle, tmp_path)
    assert session.fault is None
    goals = [json.loads(line) for line in (tmp_path / "goals.jsonl").read_text().splitlines()]
    packets = {bytes.fromhex(goal["packet"]) for goal in goals}
    sync_writes = [packet for packet in packets if packet[7] == SYNC_WRITE]
    assert len(sync_writes) > 50, "the arm was driven by sync writes"
    assert all(packet in tap.host_bytes for packet in packets)
    assert len({goal["tick"] for goal in goals if goal["servo"] == 2}) > 20, "the shoulder really was sent somewhere"
    assert len(tap.holders) == 1
    assert "libra_edge.cli.servo" in tap.holders.pop()
