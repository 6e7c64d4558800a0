"""Colour pictures of the scene by ray casting on the CPU: no OpenGL, no display.

Shading uses only sums, products, comparisons and square roots, so that the same wheels give the same bits everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from libra_edge.drivers.simulation.mujoco_library import MjData, MjModel, mujoco
from libra_edge.drivers.simulation.scene import CUBE_HALF, CUBES, VIEWS
from libra_edge.messages import Float32, Float64, UInt8

FAR_M = 5.0
LIGHT = np.array([0.35, -0.25, 0.90], dtype=np.float32) / np.float32(math.sqrt(0.35**2 + 0.25**2 + 0.90**2))
AMBIENT, DIFFUSE = np.float32(0.50), np.float32(0.55)
SKY = np.array([0.80, 0.83, 0.87], dtype=np.float32)
TABLE = np.array([[0.60, 0.55, 0.49], [0.65, 0.60, 0.54]], dtype=np.float32)
TILE_M = np.float32(0.04)
CUBE_SHADOW, HAND_SHADOW = np.float32(0.45), np.float32(0.30)
BLUR_M = np.float32(0.010)
HAND_CLEARANCE_M = 0.02
UPRIGHT = 0.9
CASTERS = ("finger", "jaw_pad")


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """What each ray met: geom id int32 [R] (-1 nothing), point float32 [R, 3] m, unit normal float32 [R, 3]."""

    geom: np.ndarray[tuple[int, ...], np.dtype[np.int32]]
    point: Float32
    normal: Float32


class RayCaster:
    """Renders snapshots of one model. Has its own MjData, so each thread needs its own RayCaster."""

    def __init__(self, model: MjModel) -> None:
        self._model = model
        self._data: MjData = mujoco.MjData(model)
        self._table = model.geom("table").id
        self._cubes = [model.geom(name).id for name in CUBES]
        self._casters = [model.geom(name).id for name in CASTERS]
        self._fov = {view.name: math.radians(view.fov_deg) for view in VIEWS}
        self._rays: dict[tuple[str, int, int, int], Float64] = {}

    def render(self, snapshot: Float64, camera: str, width: int, height: int, stride: int = 1) -> UInt8:
        """One picture, uint8 [ceil(height / stride), ceil(width / stride), 3], RGB.

        With a stride, exactly the pixels `picture[::stride, ::stride]` of the full picture, at a fraction of the cost.
        """
        self._data.qpos[:] = snapshot
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        rays = self._camera_rays(camera, width, height, stride)
        hits = self._cast(camera, rays)
        rows = -(-height // stride)
        picture: UInt8 = (self._shade(hits) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)
        return picture.reshape(rows, -1, 3)

    def _camera_rays(self, camera: str, width: int, height: int, stride: int) -> Float64:
        key = camera, width, height, stride
        if key not in self._rays:
            focal = 0.5 * width / math.tan(0.5 * self._fov[camera])
            across = (np.arange(0, width, stride) + 0.5 - 0.5 * width) / focal
            down = (np.arange(0, height, stride) + 0.5 - 0.5 * height) / focal
            grid = np.stack([*np.meshgrid(across, -down), np.full((len(down), len(across)), -1.0)], axis=-1)
            self._rays[key] = (grid / np.sqrt((grid**2).sum(-1, keepdims=True))).reshape(-1, 3)
        return self._rays[key]

    def _cast(self, camera: str, rays: Float64) -> Hits:
        view = self._data.camera(camera)
        directions = np.ascontiguousarray(rays @ view.xmat.reshape(3, 3).T)
        count = len(directions)
        geom = np.full(count, -1, dtype=np.int32)
        distance = np.full(count, -1.0)
        normal = np.zeros(3 * count)
        mujoco.mj_multiRay(
            self._model, self._data, view.xpos, directions.ravel(), None, True, -1, geom, distance, normal, count, FAR_M
        )
        point = view.xpos + directions * distance[:, None]
        return Hits(geom, point.astype(np.float32), normal.reshape(-1, 3).astype(np.float32))

    def _shade(self, hits: Hits) -> Float32:
        colours = np.vstack([self._model.geom_rgba[:, :3], SKY]).astype(np.float32)[hits.geom]
        on_table = np.flatnonzero((hits.geom == self._table) & (hits.normal[:, 2] > 0.5))
        ground = hits.point[on_table]
        colours[on_table] = _tiles(ground)
        lit = AMBIENT + DIFFUSE * np.maximum(hits.normal @ LIGHT, np.float32(0.0))
        lit[hits.geom < 0] = 1.0
        lit[on_table] *= self._light_left(ground)
        shaded: Float32 = np.clip(colours * lit[:, None], 0.0, 1.0)
        return shaded

    def _light_left(self, ground: Float32) -> Float32:
        left = np.ones(len(ground), dtype=np.float32)
        for geom in self._cubes:
            self._cast_shadow(left, ground, geom, CUBE_SHADOW, CUBE_HALF)
        for geom in self._casters:
            self._cast_shadow(left, ground, geom, HAND_SHADOW, HAND_CLEARANCE_M)
        return left

    def _cast_shadow(self, left: Float32, ground: Float32, geom: int, strength: np.float32, clearance: float) -> None:
        """Dim `left` [R] where the box `geom` shades the ground [R, 3]: full beneath it, softer the higher it is.

        `clearance` is the height of its middle at which it touches the table.
        """
        centre = self._data.geom_xpos[geom].astype(np.float32)
        axes = self._data.geom_xmat[geom].reshape(3, 3).astype(np.float32)
        half = self._model.geom_size[geom].astype(np.float32)
        height = np.float32(max(centre[2] - clearance, 0.0))
        blur = BLUR_M + np.float32(0.5) * height
        middle = centre[:2] - LIGHT[:2] / LIGHT[2] * height
        reach = np.sqrt((half**2).sum()) + blur
        near = np.flatnonzero((np.abs(ground[:, 0] - middle[0]) < reach) & (np.abs(ground[:, 1] - middle[1]) < reach))
        offset = ground[near, :2] - middle
        if abs(axes[2, 2]) > UPRIGHT:
            offset = offset @ axes[:2, :2]
        else:
            half = np.abs(axes) @ half
        outside = np.maximum(np.abs(offset) - half[:2], np.float32(0.0))
        edge = np.maximum(1 - np.sqrt((outside**2).sum(1)) / blur, np.float32(0.0))
        left[near] *= 1 - strength * (BLUR_M / blur) * edge**2


def _tiles(ground: Float32) -> Float32:
    """Two-tone tiles: something for a moving camera to hold on to."""
    column, row = np.floor(ground[:, 0] / TILE_M), np.floor(ground[:, 1] / TILE_M)
    tiles: Float32 = TABLE[(column + row).astype(np.int64) % 2]
    return tiles
