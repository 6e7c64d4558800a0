"""The simulated robot's physics: one episode of a Koch arm in front of three cubes.

Cube 0 is the one the task names; its colour comes from the sentence, everything else from the seed.
"""

from __future__ import annotations

import math

import numpy as np

from libra_edge.drivers.simulation import kinematics
from libra_edge.drivers.simulation.mujoco_library import MjData, MjModel, mujoco
from libra_edge.drivers.simulation.printed_board import PrintedBoard
from libra_edge.drivers.simulation.scene import CUBE_HALF, CUBES, JOINTS, PALETTE, TIMESTEP_S, scene_xml
from libra_edge.drivers.simulation.tasks import TaskMonitor, parse_task
from libra_edge.messages import Float64

START_POSE: Float64 = np.array([*(kinematics.solve(0.115, 0.0, 0.105, -1.25, 0.0) or ()), -1.0])
"""Hand above the table, jaw open: what `rest_deg` of koch-sim.toml says, float64 [6] rad."""
START_SPREAD_RAD = 0.1

REACH_M = (0.145, 0.225)
BEARING_RAD = 0.75
CLEARANCE_M = 0.065
SETTLE_STEPS = 20


class KochCubesWorld:
    """Arm, table and cubes. Joint arrays are float64 [6], radians, in the order of `scene.JOINTS`.

    Reproducible bit for bit from (seed, task) and the sequence of goals, with the same wheels.
    """

    physics_dt_s = TIMESTEP_S

    def __init__(self, seed: int, task: str, board: PrintedBoard | None = None) -> None:
        """Raises InstructionError if the task is not one of this world."""
        self.board = board
        self.model: MjModel = mujoco.MjModel.from_xml_string(scene_xml(board))
        self.data: MjData = mujoco.MjData(self.model)
        self._gains = self.model.actuator_gainprm.copy(), self.model.actuator_biasprm.copy()
        self._fingers = {self.model.geom("finger").id, self.model.geom("jaw_pad").id}
        self._cube_geoms = [self.model.geom(name).id for name in CUBES]
        self._cube_bodies = [self.model.body(name).id for name in CUBES]
        self.reset(seed, task)

    def reset(self, seed: int, task: str) -> None:
        """Begin another episode. Raises InstructionError."""
        self.task = parse_task(task)
        rng = np.random.default_rng(seed)
        others = rng.permutation([colour for colour in PALETTE if colour != self.task.colour])[:2]
        self.colours: tuple[str, ...] = (self.task.colour, *(str(colour) for colour in others))
        for geom, colour in zip(self._cube_geoms, self.colours, strict=True):
            self.model.geom_rgba[geom, :3] = PALETTE[colour]
        mujoco.mj_resetData(self.model, self.data)
        self.set_torque(True)
        self._place_cubes(rng)
        self.data.qpos[: len(JOINTS)] = START_POSE + rng.uniform(-START_SPREAD_RAD, START_SPREAD_RAD, len(JOINTS))
        self.data.ctrl[:] = self.data.qpos[: len(JOINTS)]
        mujoco.mj_step(self.model, self.data, nstep=SETTLE_STEPS)
        self.monitor = TaskMonitor(self.task, self.cubes.copy())

    def set_goal(self, goal: Float64) -> None:
        """Goal positions of the six servos, rad; clipped to the joints' mechanical ranges."""
        low, high = self.model.jnt_range[: len(JOINTS)].T
        self.data.ctrl[:] = np.clip(goal, low, high)

    def set_torque(self, on: bool | Float64) -> None:
        """Torque of all servos, or one flag (0/1) for each; a servo without torque is limp."""
        flags = np.broadcast_to(np.asarray(on, dtype=np.float64), (len(JOINTS),))[:, None]
        self.model.actuator_gainprm[:] = self._gains[0] * flags
        self.model.actuator_biasprm[:] = self._gains[1] * flags

    def move_cube(self, cube: int, x_m: float, y_m: float) -> None:
        """Put a cube (0..2) down on the table elsewhere, at rest, turned about the vertical as it is.

        What is judged is what the arm does: the task takes the new place for the cube's first one.
        """
        joint, yaw = self.data.joint(self.model.body(CUBES[cube]).jntadr[0]), float(self.cube_yaws[cube])
        joint.qpos[:] = [x_m, y_m, CUBE_HALF, math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)]
        joint.qvel[:] = 0.0
        mujoco.mj_kinematics(self.model, self.data)
        self.monitor.start[cube] = self.cubes[cube]

    def step(self, n: int = 1) -> None:
        """Advance by n physics steps of `physics_dt_s`."""
        mujoco.mj_step(self.model, self.data, nstep=n)
        self.monitor.update(self.data.time, self.cubes, self._touched())

    @property
    def position(self) -> Float64:
        """Joint positions, rad."""
        joints: Float64 = self.data.qpos[: len(JOINTS)].copy()
        return joints

    @property
    def velocity(self) -> Float64:
        """Joint velocities, rad/s."""
        joints: Float64 = self.data.qvel[: len(JOINTS)].copy()
        return joints

    @property
    def load(self) -> Float64:
        """Torque as a fraction of each servo's stall torque, -1..1."""
        fraction: Float64 = self.data.actuator_force / self.model.actuator_forcerange[:, 1]
        return fraction

    @property
    def cubes(self) -> Float64:
        """Positions of the cubes' middles, float64 [3, 3] m; the named one first."""
        positions: Float64 = self.data.xpos[self._cube_bodies]
        return positions

    @property
    def cube_yaws(self) -> Float64:
        """Rotation of each cube about the vertical, float64 [3] rad."""
        matrices = self.data.xmat[self._cube_bodies]
        yaws: Float64 = np.arctan2(matrices[:, 3], matrices[:, 0])
        return yaws

    def snapshot(self) -> Float64:
        """Generalised positions, a copy: all that a RayCaster needs."""
        positions: Float64 = self.data.qpos.copy()
        return positions

    def success(self) -> bool:
        """True once the task has been done in this episode."""
        return self.monitor.succeeded

    def _touched(self) -> bool:
        pairs = self.data.contact.geom
        return any(first in self._fingers and second == self._cube_geoms[0] for first, second in np.sort(pairs, axis=1))

    def _place_cubes(self, rng: np.random.Generator) -> None:
        spots: list[tuple[float, float]] = []
        while len(spots) < len(CUBES):
            reach, bearing = rng.uniform(*REACH_M), rng.uniform(-BEARING_RAD, BEARING_RAD)
            spot = kinematics.PAN_AXIS_X + reach * math.cos(bearing), reach * math.sin(bearing)
            if all(math.dist(spot, other) >= CLEARANCE_M for other in spots):
                spots.append(spot)
        for name, spot in zip(CUBES, spots, strict=True):
            yaw = rng.uniform(-math.pi, math.pi)
            joint = self.data.joint(self.model.body(name).jntadr[0])
            joint.qpos[:] = [*spot, CUBE_HALF, math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)]
