"""Shows a run in Rerun: pictures, arm, goal and measured joints, chunks ahead of time, plans, ages, faults.

The only file that knows Rerun. It runs in a process of its own, fed by `ViewStream`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.JointStates_pb2 import JointStates
from foxglove_schemas_protobuf.Log_pb2 import Log

from libra_edge.errors import MissingDependencyError
from libra_edge.messages import Float64
from libra_edge.robot import Robot
from libra_edge.runtime.forward_kinematics import ForwardKinematics
from libra_edge.runtime.recording import RecordedMessage
from libra_edge.runtime.recording_messages import CHUNK, COMMAND, FAULT, GOAL, LOG, MEASURED, PLAN

try:
    import rerun as rr
    import rerun.blueprint as rrb
except ImportError as error:
    raise MissingDependencyError("rerun", "install the extra `view`: pip install 'libra-edge[view]'") from error

TIMELINE = "time"
PICTURE_EVERY_NS = 80_000_000
JOINTS_EVERY_NS = 30_000_000
"""A person sees no more, and a browser across a network draws no more."""
JPEG_QUALITY = 80
SHOWN_S = 20.0
"""How far back the plots reach."""
COLOURS = {"measured": (66, 133, 244), "goal": (244, 160, 0), "chunk": (150, 150, 150)}
SMALLEST_BALL_M = 0.004
BONE_M = {"measured": 0.005, "goal": 0.0015}
TOKEN_SIDE = 8
"""Pixels of one token in the plan's picture."""


class RerunView:
    """One run in one viewer."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        """`metadata`: the record `run` of a recording. Raises ValueError for one that does not name the robot."""
        robot = Robot.model_validate(json.loads(metadata["robot_file"]))
        self._joints = robot.joint_names
        self._kinematics = None if robot.workspace is None else ForwardKinematics.of(robot)
        self._cameras = [camera.name for camera in robot.camera]
        self._bins = 0
        self._next_ns: dict[str, int] = {}
        self._stream = rr.RecordingStream("libra-edge")
        self._task = metadata.get("task", "")

    def connect(self, url: str) -> None:
        """Send everything to the viewer at `url`, laid out for a run."""
        self._stream.connect_grpc(url, default_blueprint=self._layout())
        self._stream.send_blueprint(self._layout())
        self._describe()

    def save(self, path: str) -> None:
        """Write everything into a file of Rerun's instead."""
        self._stream.save(path, default_blueprint=self._layout())
        self._describe()

    def close(self) -> None:
        """Send what is still on its way."""
        self._stream.flush()
        self._stream.disconnect()

    def show(self, message: RecordedMessage) -> None:
        """Draw one message of the recording's. Raises what its decoding raises for a damaged one."""
        self._stream.set_time(TIMELINE, timestamp=np.datetime64(message.time_ns, "ns"))
        if message.camera is not None:
            self._show_picture(message)
        elif message.topic in (GOAL, MEASURED):
            self._show_joints(message)
        elif message.topic == CHUNK:
            self._show_chunk(message)
        elif message.topic == PLAN:
            self._show_plan(message.json())
        elif message.topic == COMMAND:
            self._show_command(message)
        elif message.topic == FAULT:
            fault = message.json()
            self._log("faults", rr.TextLog(f"{fault['kind']}: {fault['reaction']}", level=rr.TextLogLevel.ERROR))
        elif message.topic == LOG:
            self._log("log", rr.TextLog(Log.FromString(message.data).message, level=rr.TextLogLevel.INFO))

    def _show_picture(self, message: RecordedMessage) -> None:
        if self._is_due(message, PICTURE_EVERY_NS):
            self._log(f"camera/{message.camera}", rr.Image(message.picture()).compress(jpeg_quality=JPEG_QUALITY))

    def _show_joints(self, message: RecordedMessage) -> None:
        if not self._is_due(message, JOINTS_EVERY_NS):
            return
        which = "goal" if message.topic == GOAL else "measured"
        angles = np.array([joint.position for joint in JointStates.FromString(message.data).joints])
        for name, angle in zip(self._joints, np.degrees(angles), strict=True):
            self._log(f"joints/{name}/{which}", rr.Scalars(angle))
        if self._kinematics is not None:
            self._show_arm(which, self._kinematics, angles)

    def _show_arm(self, which: str, kinematics: ForwardKinematics, angles: Float64) -> None:
        """Bones from axis to axis and on to the finger tips, and the balls that the governor keeps off the table."""
        origins, balls = kinematics.origins(angles), kinematics.centres(angles)
        radii = np.maximum(kinematics.radii, SMALLEST_BALL_M)
        bones = rr.LineStrips3D([np.vstack([origins, balls[-1:]])], radii=BONE_M[which], colors=COLOURS[which])
        self._log(f"arm/{which}/bones", bones)
        if which == "measured":
            self._log(f"arm/{which}/balls", rr.Points3D(balls, radii=radii, colors=COLOURS[which]))

    def _show_chunk(self, message: RecordedMessage) -> None:
        """Its goal positions at the times they are due, which are still to come."""
        chunk = message.json()
        positions = np.degrees(np.array(chunk["positions_rad"]))
        start_ns = message.time_ns - chunk["ready_ns"] + chunk["start_ns"]
        due = [start_ns + (row + 1) * chunk["step_ns"] for row in range(len(positions))]
        times = rr.TimeColumn(TIMELINE, timestamp=np.array(due, dtype="datetime64[ns]"))
        for column, name in enumerate(self._joints):
            scalars = rr.Scalars.columns(scalars=positions[:, column])
            rr.send_columns(f"joints/{name}/chunk", [times], scalars, recording=self._stream)
        self._log("ages/plan_steps", rr.Scalars(chunk["plan_age_steps"]))
        self._log("ages/picture_to_chunk_ms", rr.Scalars((chunk["ready_ns"] - chunk["captured_ns"]) / 1e6))

    def _show_plan(self, plan: dict[str, Any]) -> None:
        """One row a joint, one column a control step, dark for the lowest bin and bright for the highest."""
        tokens = np.array(plan["tokens"])
        self._bins = max(self._bins, int(tokens.max()) + 1)
        grey = (tokens.T * 255 // max(self._bins - 1, 1)).astype(np.uint8)
        self._log("plan/tokens", rr.Image(np.kron(grey, np.ones((TOKEN_SIDE, TOKEN_SIDE), np.uint8))))
        self._log("ages/picture_to_plan_ms", rr.Scalars((plan["ready_ns"] - plan["captured_ns"]) / 1e6))

    def _show_command(self, message: RecordedMessage) -> None:
        if not self._is_due(message, JOINTS_EVERY_NS):
            return
        command = message.json()
        self._log("servo/lateness_us", rr.Scalars(command["lateness_us"]))
        fenced = sum(fences != "passed" for fences in command["fences"])
        self._log("servo/fenced_joints", rr.Scalars(fenced))

    def _is_due(self, message: RecordedMessage, every_ns: int) -> bool:
        if message.time_ns < self._next_ns.get(message.topic, 0):
            return False
        self._next_ns[message.topic] = message.time_ns + every_ns
        return True

    def _log(self, entity: str, archetype: Any, *, static: bool = False) -> None:
        self._stream.log(entity, archetype, static=static)

    def _describe(self) -> None:
        """What does not change: names and colours of the curves, the table."""
        for name in self._joints:
            for which in ("goal", "measured", "chunk"):
                lines = rr.SeriesLines(names=which, colors=COLOURS[which], widths=1.0 if which == "chunk" else 2.0)
                self._log(f"joints/{name}/{which}", lines, static=True)
        table = rr.Boxes3D(centers=[0.1, 0, -0.006], sizes=[0.7, 0.7, 0.01], colors=(120, 120, 120), fill_mode="solid")
        self._log("arm/table", table, static=True)
        self._log("task", rr.TextDocument(self._task), static=True)

    def _layout(self) -> Any:
        back = rrb.VisibleTimeRange(
            TIMELINE,
            start=rrb.TimeRangeBoundary.cursor_relative(seconds=-SHOWN_S),
            end=rrb.TimeRangeBoundary.cursor_relative(seconds=2.0),
        )
        pictures = [rrb.Spatial2DView(origin=f"camera/{name}", name=name) for name in self._cameras]
        joints = [
            rrb.TimeSeriesView(origin=f"joints/{name}", name=f"{name}, degrees", time_ranges=[back])
            for name in self._joints
        ]
        scene = [
            rrb.Spatial3DView(origin="arm", name="arm, and its goal", line_grid=False, eye_controls=_eye()),
            rrb.Spatial2DView(origin="plan", name="plan: joints down, control steps across"),
        ]
        figures = [
            rrb.TimeSeriesView(origin="ages", name="ages", time_ranges=[back]),
            rrb.TimeSeriesView(origin="servo", name="servo loop", time_ranges=[back]),
            rrb.TextLogView(origin="/", contents=["faults", "log"], name="faults and log"),
        ]
        return rrb.Blueprint(
            rrb.Horizontal(
                rrb.Vertical(*pictures, *scene[:1]),
                rrb.Grid(*joints, grid_columns=2),
                rrb.Vertical(scene[1], *figures),
                column_shares=[1, 1.6, 1],
            ),
            rrb.TimePanel(state="collapsed", timeline=TIMELINE, play_state="following"),
            collapse_panels=True,
        )


def _eye() -> Any:
    """From the front left, close enough for a small arm."""
    return rrb.EyeControls3D(position=(0.55, 0.35, 0.3), look_target=(0.1, 0.0, 0.08), eye_up=(0.0, 0.0, 1.0))
