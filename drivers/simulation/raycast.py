"""Colour pictures of the scene by ray casting on the CPU: no OpenGL, no display.

The table is a plane and is met in closed form; MuJoCo casts rays only where other shapes can be. Shading uses only
sums, products, comparisons and square roots, so that the same wheels give the same bits everywhere.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libra_edge.drivers.simulation.mujoco_library import MjData, MjModel, mujoco
from libra_edge.drivers.simulation.printed_board import NAME as BOARD
from libra_edge.drivers.simulation.printed_board import PrintedBoard
from libra_edge.drivers.simulation.scene import CUBE_HALF, CUBES, VIEWS
from libra_edge.messages import Float32, Float64, Int64, UInt8

FAR_M = 5.0
LIGHT = np.array([0.35, -0.25, 0.90], dtype=np.float32) / np.float32(math.sqrt(0.35**2 + 0.25**2 + 0.90**2))
AMBIENT, DIFFUSE = np.float32(0.50), np.float32(0.55)
SKY = np.array([0.80, 0.83, 0.87], dtype=np.float32)
TABLE = np.array([[0.60, 0.55, 0.49], [0.65, 0.60, 0.54]], dtype=np.float32)
TABLE_LIT = TABLE * (AMBIENT + DIFFUSE * LIGHT[2])
TILE_M = np.float32(0.04)
CUBE_SHADOW, HAND_SHADOW = np.float32(0.45), np.float32(0.30)
BLUR_M = np.float32(0.010)
HAND_CLEARANCE_M = 0.02
UPRIGHT = 0.9
CASTERS = ("finger", "jaw_pad")
STEEPEST_RAD = 1.5
FINE = 4
"""Rays each way within a pixel of the printed board, whose pattern is finer than a pixel's edge may be."""
CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """The rays of one picture: unit directions float64 [3, R] in the camera's frame (x right, y up, z back), in rows of
    `columns`; `focal`, `width` and `height` in full pixels, of which every `stride`-th is drawn.
    """

    rays: Float64
    columns: int
    focal: float
    width: int
    height: int
    stride: int

    def rows_and_columns(self, corners: Float64) -> tuple[slice, slice]:
        """The part of the picture that a box can show in; `corners` float64 [8, 3] m in the camera's frame."""
        across = self._interval(np.arctan2(corners[:, 0], -corners[:, 2]), self.width)
        down = self._interval(np.arctan2(-corners[:, 1], -corners[:, 2]), self.height)
        return down, across

    def fine_rays(self, pixels: Int64) -> Float64:
        """FINE x FINE directions in each of these pixels, counted as `rays` are: float64 [B, F, 3], of any length."""
        row, column = np.divmod(pixels, self.columns)
        within = (np.arange(FINE) + 0.5) / FINE
        down, across = (part.ravel() for part in np.meshgrid(within, within, indexing="ij"))
        x = (column[:, None] * self.stride + across - 0.5 * self.width) / self.focal
        y = (row[:, None] * self.stride + down - 0.5 * self.height) / self.focal
        return np.stack([x, -y, np.full_like(x, -1.0)], axis=-1)

    def _interval(self, angles: Float64, pixels: int) -> slice:
        low, high = float(angles.min()), float(angles.max())
        if high - low >= math.pi:
            return slice(0, None)
        if low > STEEPEST_RAD or high < -STEEPEST_RAD:
            return slice(0, 0)
        bounds = (max(low, -STEEPEST_RAD), min(high, STEEPEST_RAD))
        first, last = ((self.focal * math.tan(angle) + 0.5 * pixels) / self.stride for angle in bounds)
        count = -(-pixels // self.stride)
        return slice(*(min(max(end, 0), count) for end in (math.floor(first) - 1, math.ceil(last) + 1)))


class RayCaster:
    """Renders snapshots of one model. Has its own MjData, so each thread needs its own RayCaster."""

    def __init__(self, model: MjModel, board: PrintedBoard | None = None) -> None:
        """`board`: the printed board that the model was made with, if any."""
        self._model = model
        self._board = board
        self._data: MjData = mujoco.MjData(model)
        self._table = model.geom("table").id
        self._solids = [geom for geom in range(model.ngeom) if geom != self._table]
        self._cubes = [model.geom(name).id for name in CUBES]
        self._casters = [model.geom(name).id for name in CASTERS]
        self._fov = {view.name: math.radians(view.fov_deg) for view in VIEWS}
        self._lenses: dict[tuple[str, int, int, int], Lens] = {}

    def render(self, snapshot: Float64, camera: str, width: int, height: int, stride: int = 1) -> UInt8:
        """One picture, uint8 [ceil(height / stride), ceil(width / stride), 3], RGB.

        With a stride, exactly the pixels `picture[::stride, ::stride]` of the full picture, at a fraction of the cost.
        """
        self._data.qpos[:] = snapshot
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        lens = self._lens(camera, width, height, stride)
        view = self._data.camera(camera)
        origin, turn = view.xpos.copy(), view.xmat.reshape(3, 3).copy()
        directions = _turned(lens.rays, turn)
        picture = self._draw_table(origin, directions)
        found = self._draw_solids(picture, origin, directions, self._seen(lens, origin, turn, camera))
        if self._board is not None:
            self._draw_board(self._board, picture, origin, lens.fine_rays(found) @ turn.T, found)
        return picture.reshape(-1, lens.columns, 3)

    def _lens(self, camera: str, width: int, height: int, stride: int) -> Lens:
        key = camera, width, height, stride
        if key not in self._lenses:
            focal = 0.5 * width / math.tan(0.5 * self._fov[camera])
            across = (np.arange(0, width, stride) + 0.5 - 0.5 * width) / focal
            down = (np.arange(0, height, stride) + 0.5 - 0.5 * height) / focal
            grid = np.stack([*np.meshgrid(across, -down), np.full((len(down), len(across)), -1.0)], axis=-1)
            rays = (grid / np.sqrt((grid**2).sum(-1, keepdims=True))).reshape(-1, 3)
            self._lenses[key] = Lens(np.ascontiguousarray(rays.T), len(across), focal, width, height, stride)
        return self._lenses[key]

    def _draw_table(self, origin: Float64, directions: Float64) -> UInt8:
        """The tiled plane z = 0 under an empty sky, shadows included: uint8 [R, 3]."""
        distance = -origin[2] / np.minimum(directions[2], -1e-9)
        ground = (origin[:2, None] + directions[:2] * distance).astype(np.float32)
        middle, half = self._model.geom_pos[self._table, :2], self._model.geom_size[self._table, :2]
        beyond = (distance > FAR_M) | (np.abs(ground - middle[:, None].astype(np.float32)) > half[:, None]).any(0)
        cells = np.floor(ground / TILE_M)
        tiles = (cells[0] + cells[1]).astype(np.int64) % 2
        picture: UInt8 = _bytes(TABLE_LIT)[tiles]
        left = self._light_left(ground)
        dimmed = np.flatnonzero(left < 1.0)
        picture[dimmed] = _bytes(TABLE_LIT[tiles[dimmed]] * left[dimmed, None])
        picture[beyond] = _bytes(SKY)
        return picture

    def _seen(self, lens: Lens, origin: Float64, turn: Float64, camera: str) -> Int64:
        """Indices of the rays that may meet something else than the table, int64 [S]; no camera sees its own case."""
        seen = np.zeros((lens.rays.shape[1] // lens.columns, lens.columns), dtype=np.bool_)
        for geom in self._solids:
            if self._model.geom(geom).name != f"{camera}_camera":
                seen[lens.rows_and_columns((self._corners(geom) - origin) @ turn)] = True
        return np.flatnonzero(seen)

    def _corners(self, geom: int) -> Float64:
        """Of the box around a shape, float64 [8, 3] m in the world frame."""
        box = self._model.geom_aabb[geom]
        local = box[:3] + box[3:] * CORNERS
        corners: Float64 = self._data.geom_xpos[geom] + local @ self._data.geom_xmat[geom].reshape(3, 3).T
        return corners

    def _draw_solids(self, picture: UInt8, origin: Float64, directions: Float64, seen: Int64) -> Int64:
        """Cast the rays `seen` and shade what they meet; where it is the table, the picture stays.

        Returns the rays that meet the printed side of the board, int64 [B].
        """
        rays = np.ascontiguousarray(directions[:, seen].T)
        geom: NDArray[np.int32] = np.full(len(rays), -1, dtype=np.int32)
        distance, normal = np.full(len(rays), -1.0), np.zeros(3 * len(rays))
        mujoco.mj_multiRay(
            self._model, self._data, origin, rays.ravel(), None, True, -1, geom, distance, normal, len(rays), FAR_M
        )
        solid = np.flatnonzero((geom >= 0) & (geom != self._table))
        colour = self._model.geom_rgba[geom[solid], :3]
        facing = normal.reshape(-1, 3)[solid].astype(np.float32) @ LIGHT
        lit = AMBIENT + DIFFUSE * np.maximum(facing, np.float32(0.0))
        picture[seen[solid]] = _bytes(colour * lit[:, None])
        if self._board is None:
            return np.empty(0, np.int64)
        shape = self._model.geom(BOARD).id
        towards = normal.reshape(-1, 3) @ self._data.geom_xmat[shape].reshape(3, 3)[:, 2]
        printed: Int64 = seen[(geom == shape) & (towards < -UPRIGHT)]
        return printed

    def _draw_board(
        self, board: PrintedBoard, picture: UInt8, origin: Float64, directions: Float64, found: Int64
    ) -> None:
        """The pattern, in the pixels `found` [B], each the mean of its `directions` float64 [B, F, 3]."""
        shape = self._data.body(BOARD)
        turn = shape.xmat.reshape(3, 3)
        start = (origin - shape.xpos) @ turn
        rays = directions @ turn
        points = start[:2] - rays[..., :2] * (start[2] / rays[..., 2:])
        lit = AMBIENT + DIFFUSE * max(np.float32(0.0), np.float32(-turn[:, 2] @ LIGHT))
        shades = board.brightness(points).mean(axis=1) * lit
        picture[found] = _bytes(np.repeat(shades[:, None], 3, axis=1))

    def _light_left(self, ground: Float32) -> Float32:
        """Share of the light that reaches each point of the table, float32 [2, R] m: float32 [R]."""
        left = np.ones(ground.shape[1], dtype=np.float32)
        for geom in self._cubes:
            self._cast_shadow(left, ground, geom, CUBE_SHADOW, CUBE_HALF)
        for geom in self._casters:
            self._cast_shadow(left, ground, geom, HAND_SHADOW, HAND_CLEARANCE_M)
        return left

    def _cast_shadow(self, left: Float32, ground: Float32, geom: int, strength: np.float32, clearance: float) -> None:
        """Dim `left` [R] where the box `geom` shades the ground [2, R]: full beneath it, softer the higher it is.

        `clearance` is the height of its middle at which it touches the table.
        """
        centre = self._data.geom_xpos[geom].astype(np.float32)
        axes = self._data.geom_xmat[geom].reshape(3, 3).astype(np.float32)
        half = self._model.geom_size[geom].astype(np.float32)
        height = np.float32(max(centre[2] - clearance, 0.0))
        blur = BLUR_M + np.float32(0.5) * height
        middle = centre[:2] - LIGHT[:2] / LIGHT[2] * height
        reach = np.sqrt((half**2).sum()) + blur
        near = np.flatnonzero((np.abs(ground[0] - middle[0]) < reach) & (np.abs(ground[1] - middle[1]) < reach))
        offset = ground[:, near].T - middle
        if abs(axes[2, 2]) > UPRIGHT:
            offset = offset @ axes[:2, :2]
        else:
            half = np.abs(axes) @ half
        outside = np.maximum(np.abs(offset) - half[:2], np.float32(0.0))
        edge = np.maximum(1 - np.sqrt((outside**2).sum(1)) / blur, np.float32(0.0))
        left[near] *= 1 - strength * (BLUR_M / blur) * edge**2


def _turned(rays: Float64, turn: Float64) -> Float64:
    """Rotated rays float64 [3, R]; without BLAS, whose threads and whose bits differ from machine to machine."""
    return np.stack([row[0] * rays[0] + row[1] * rays[1] + row[2] * rays[2] for row in turn])


def _bytes(colour: NDArray[np.floating]) -> UInt8:
    """[0, 1] to 0..255, rounded."""
    rounded: UInt8 = (np.clip(colour, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)
    return rounded
