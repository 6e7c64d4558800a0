"""Inverse kinematics against the simulator's own forward kinematics."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.drivers.simulation import kinematics
from libra_edge.drivers.simulation.mujoco_library import MjData, MjModel, mujoco
from libra_edge.drivers.simulation.scene import scene_xml

MODEL = MjModel.from_xml_string(scene_xml())
DATA = MjData(MODEL)


@settings(max_examples=300, deadline=None)
@given(
    reach=st.floats(0.09, 0.27),
    bearing=st.floats(-0.9, 0.9),
    height=st.floats(0.01, 0.10),
    pitch=st.floats(-1.57, -0.7),
    roll=st.floats(-0.8, 0.8),
)
def test_the_solution_brings_the_grasp_point_to_the_target(
    reach: float, bearing: float, height: float, pitch: float, roll: float
) -> None:
    x = kinematics.PAN_AXIS_X + reach * math.cos(bearing)
    y = reach * math.sin(bearing)
    solution = kinematics.solve(x, y, height, pitch, roll)
    if solution is None:
        wrist = reach - kinematics.HAND * math.cos(pitch), height - kinematics.HAND * math.sin(pitch)
        assert math.dist(wrist, (0.0, kinematics.SHOULDER_Z)) > 0.18
        return
    DATA.qpos[:5] = solution
    mujoco.mj_kinematics(MODEL, DATA)
    np.testing.assert_allclose(DATA.site("grasp").xpos, [x, y, height], atol=1e-9)


def test_a_point_behind_the_reach_has_no_solution() -> None:
    assert kinematics.solve(0.5, 0.0, 0.02, -1.2, 0.0) is None
    assert kinematics.solve(kinematics.PAN_AXIS_X, 0.0, 0.02, -1.2, 0.0) is None
