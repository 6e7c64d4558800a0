"""The MuJoCo scene: a Koch v1.1 arm, a table and three cubes, from primitive shapes.

Offsets, axes and ranges of the joints are those of the Koch v1.1 follower (source: MuJoCo Menagerie
`low_cost_robot_arm`, lengths only); shapes are our own. World frame: x forward from the base, y left, z up, table top
at z = 0. Metres, radians.
"""

from __future__ import annotations

from dataclasses import dataclass

from libra_edge.drivers.simulation.printed_board import PrintedBoard

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
CUBES = ("cube_0", "cube_1", "cube_2")
CUBE_HALF = 0.0125
TIMESTEP_S = 0.005

PALETTE: dict[str, tuple[float, float, float]] = {
    "red": (0.84, 0.13, 0.12),
    "green": (0.13, 0.62, 0.22),
    "blue": (0.13, 0.28, 0.83),
    "yellow": (0.93, 0.77, 0.10),
}


@dataclass(frozen=True, slots=True)
class View:
    """Where a camera sits: horizontal field of view in degrees; sizes are the caller's."""

    name: str
    fov_deg: float


VIEWS = (View("front", 69.0), View("wrist", 84.0))

# The base stands turned by half a turn, because the arm's own model points along -x.
# The jaw's pad is parallel to the fixed finger when it holds a cube (joint at -0.45 rad).
_SCENE = """
<mujoco model="koch_cubes">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{timestep}" integrator="implicitfast" cone="elliptic" impratio="10"/>
  <default>
    <geom contype="0" conaffinity="0" density="0" group="1"/>
    <default class="servo"><geom type="box" rgba="0.13 0.13 0.14 1"/></default>
    <default class="print"><geom rgba="0.87 0.86 0.83 1"/></default>
    <default class="touch">
      <geom contype="1" conaffinity="2" friction="1.4 0.02 0.001" condim="4" solref="0.01 1" rgba="0.93 0.55 0.16 1"/>
    </default>
    <default class="cube">
      <geom type="box" size="{half} {half} {half}" mass="0.015" contype="2" conaffinity="3"
            friction="0.9 0.01 0.001" condim="4"/>
    </default>
    <default class="xl430"><joint damping="0.2" armature="0.012" frictionloss="0.01"/></default>
    <default class="xl330"><joint damping="0.05" armature="0.006" frictionloss="0.01"/></default>
  </default>
  <worldbody>
    <geom name="table" type="box" pos="0.15 0 -0.02" size="0.6 0.6 0.02" contype="2" conaffinity="3"
          friction="0.9 0.01 0.001"/>
    <camera name="front" pos="0.36 0 0.27" xyaxes="0 1 0 -0.766 0 0.643"/>
    <body name="base" quat="0 0 0 1">
      <geom class="print" type="box" pos="0.012 0 0.008" size="0.045 0.038 0.008"/>
      <geom class="servo" pos="0.012 0 0.026" size="0.017 0.014 0.018"/>
      <body name="pan_link" pos="0.012 0 0.0409">
        <inertial pos="0 0 0.02" mass="0.05" diaginertia="3e-5 3e-5 3e-5"/>
        <joint name="shoulder_pan" class="xl430" axis="0 0 -1" range="-2.2 2.2"/>
        <geom class="print" type="cylinder" pos="0 0 0.003" size="0.021 0.004"/>
        <geom class="servo" pos="0 0.002 0.0154" size="0.014 0.018 0.014"/>
        <body name="upper_arm" pos="0 -0.0209 0.0154">
          <inertial pos="-0.007 0.01 0.06" mass="0.05" diaginertia="8e-5 8e-5 2e-5"/>
          <joint name="shoulder_lift" class="xl430" axis="0 1 0" range="-1.57 0.6"/>
          <geom class="print" type="capsule" fromto="0 0 0 -0.0148 0 0.1083" size="0.008"/>
          <geom class="print" type="capsule" fromto="0 0.042 0 -0.0148 0.036 0.1083" size="0.006"/>
          <geom class="servo" pos="-0.013 0.018 0.0963" size="0.010 0.013 0.017"/>
          <body name="forearm" pos="-0.0148 0.0065 0.1083">
            <inertial pos="-0.05 0.01 0" mass="0.064" diaginertia="3e-5 8e-5 8e-5"/>
            <joint name="elbow_flex" class="xl330" axis="0 -1 0" range="-1.57 1.45"/>
            <geom class="print" type="capsule" fromto="0 0 0 -0.10048 0 0.0027" size="0.007"/>
            <geom class="print" type="capsule" fromto="0 0.026 0 -0.10048 0.026 0.0027" size="0.005"/>
            <geom class="servo" pos="-0.086 0.013 0.0025" size="0.017 0.012 0.010"/>
            <body name="wrist" pos="-0.10048 0.00005 0.0027">
              <inertial pos="-0.02 0.013 0" mass="0.02" diaginertia="8e-6 8e-6 8e-6"/>
              <joint name="wrist_flex" class="xl330" axis="0 1 0" range="-2 2"/>
              <geom class="servo" pos="-0.022 0.0131 0" size="0.024 0.011 0.010"/>
              <body name="hand" pos="-0.045 0.0131 0">
                <inertial pos="-0.02 0 0.004" mass="0.029" diaginertia="1e-5 1e-5 1e-5"/>
                <joint name="wrist_roll" class="xl330" axis="1 0 0" range="-3.14 3.14"/>
                <geom class="servo" pos="-0.013 0.003 0.003" size="0.014 0.014 0.011"/>
                <geom name="finger" class="touch" type="box" pos="-0.0465 0.009 0" size="0.026 0.003 0.008"/>
                <geom class="print" type="box" pos="-0.008 0.002 0.030" size="0.004 0.010 0.020"/>
                <geom name="wrist_camera" class="servo" pos="-0.004 0 0.052" size="0.008 0.021 0.010"/>
                <camera name="wrist" pos="-0.013 0 0.052" xyaxes="0 1 0 -0.5 0 0.866"/>
                <body name="jaw" pos="-0.01315 -0.0075 0.0145">
                  <inertial pos="-0.02 0 -0.01" mass="0.013" diaginertia="6e-6 6e-6 6e-6"/>
                  <joint name="gripper" class="xl330" axis="0 0 -1" range="-1.6 0.032"/>
                  <geom class="servo" type="cylinder" pos="0 0 -0.010" size="0.008 0.008"/>
                  <geom name="jaw_pad" class="touch" type="box" pos="-0.0385 0.0025 -0.0145" size="0.0237 0.003 0.008"
                        euler="0 0 -0.45"/>
                </body>
                {held}
                <site name="grasp" pos="{grasp_x} {grasp_y} 0" size="0.002" group="4"/>
              </body>
            </body>
          </body>
        </body>
      </body>
    </body>
    {cubes}
    {lying}
  </worldbody>
  <actuator>
    <position name="shoulder_pan" joint="shoulder_pan" kp="30" kv="1.0" forcerange="-1.4 1.4"/>
    <position name="shoulder_lift" joint="shoulder_lift" kp="40" kv="1.3" forcerange="-1.4 1.4"/>
    <position name="elbow_flex" joint="elbow_flex" kp="30" kv="0.8" forcerange="-0.52 0.52"/>
    <position name="wrist_flex" joint="wrist_flex" kp="15" kv="0.4" forcerange="-0.52 0.52"/>
    <position name="wrist_roll" joint="wrist_roll" kp="10" kv="0.3" forcerange="-0.52 0.52"/>
    <position name="gripper" joint="gripper" kp="6" kv="0.2" forcerange="-0.4 0.4"/>
  </actuator>
</mujoco>
"""

_CUBE = '<body name="{name}" pos="0.2 {y} {half}"><freejoint/><geom name="{name}" class="cube"/></body>'

GRASP_OFFSET = (-0.060, -0.010)
"""Where a cube's middle sits when held, (x, y) in the hand's frame; its z is 0."""


def scene_xml(board: PrintedBoard | None = None) -> str:
    """The scene as MJCF text, with a printed board in the hand or on the table if one is given."""
    cubes = "\n    ".join(
        _CUBE.format(name=name, y=0.1 * (index - 1), half=CUBE_HALF) for index, name in enumerate(CUBES)
    )
    return _SCENE.format(
        timestep=TIMESTEP_S,
        half=CUBE_HALF,
        grasp_x=GRASP_OFFSET[0],
        grasp_y=GRASP_OFFSET[1],
        cubes=cubes,
        held=board.mjcf if board and board.held else "",
        lying=board.mjcf if board and not board.held else "",
    )
