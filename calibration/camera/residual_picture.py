"""The residuals as a picture: where in the camera's image corners lie off, which way, and which views disagree."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from libra_edge.calibration.camera.solution import Solution
from libra_edge.messages import Float64

WIDTH, MARGIN, GAP = 760, 24, 44
BARS_WIDTH, ROW = 420, 18
TEXT, FAINT, PAPER = (40, 44, 52), (205, 209, 216), (255, 255, 255)
GOOD, POOR = np.array([38.0, 120.0, 178.0]), np.array([214.0, 69.0, 48.0])
LONGEST_ARROW = 0.04
"""Of the picture's width: as long is drawn the error that 95 % of the corners stay below."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """From camera pixels to the drawing, and by how much errors are enlarged."""

    per_pixel: float
    enlarged: float
    worst_px: float


def residual_picture(solution: Solution, title: str) -> bytes:
    """A PNG file."""
    lens = solution.setup.intrinsics
    scale = _scale(solution)
    height = round(lens.height * scale.per_pixel)
    rows = len(solution.views)
    whole = max(height, rows * ROW + 2 * ROW) + 3 * MARGIN + GAP
    image = Image.new("RGB", (WIDTH + BARS_WIDTH + GAP + 2 * MARGIN, whole), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, MARGIN - 8), title, fill=TEXT, font=_font(16))
    draw.text((MARGIN, MARGIN + 14), _summary(solution), fill=TEXT, font=_font(12))
    _draw_corners(draw, solution, scale, (MARGIN, MARGIN + GAP), (WIDTH, height))
    _draw_bars(draw, solution, scale, (MARGIN + WIDTH + GAP, MARGIN + GAP))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _summary(solution: Solution) -> str:
    text = (
        f"{len(solution.views)} views, reprojection {solution.rms_px:.2f} px, board {solution.shift_m * 1e3:.2f} mm "
        f"and {np.degrees(solution.turn_rad):.2f} deg from where it is expected (rms)"
    )
    if solution.error_m is None or solution.error_rad is None:
        return text
    error = f"{solution.error_m * 1e3:.2f} mm, {np.degrees(solution.error_rad):.2f} deg"
    return f"{text}; standard error of the camera {error}"


def _scale(solution: Solution) -> _Scale:
    lengths = np.concatenate([np.linalg.norm(one.pixels, axis=1) for one in solution.views])
    typical = max(float(np.percentile(lengths, 95)), 1e-6)
    per_pixel = WIDTH / solution.setup.intrinsics.width
    return _Scale(per_pixel, LONGEST_ARROW * WIDTH / (typical * per_pixel), max(typical, 1e-6))


def _draw_corners(
    draw: ImageDraw.ImageDraw, solution: Solution, scale: _Scale, start: tuple[int, int], size: tuple[int, int]
) -> None:
    """Each corner where it was seen, with a line to where it was expected, enlarged."""
    left, top = start
    draw.rectangle((left, top, left + size[0], top + size[1]), outline=FAINT)
    for one in solution.views:
        for seen, off in zip(one.view.sighting.pixels * scale.per_pixel, one.pixels, strict=True):
            end = seen - off * scale.per_pixel * scale.enlarged
            colour = _colour(float(np.linalg.norm(off)), scale)
            draw.line((left + seen[0], top + seen[1], left + end[0], top + end[1]), fill=colour, width=1)
            draw.ellipse((left + seen[0] - 2, top + seen[1] - 2, left + seen[0] + 2, top + seen[1] + 2), fill=colour)
    note = (
        f"corners as the camera sees them; lines lead to where they are expected, {scale.enlarged:.0f} times enlarged"
    )
    draw.text((left, top + size[1] + 4), note, fill=TEXT, font=_font(12))


def _draw_bars(draw: ImageDraw.ImageDraw, solution: Solution, scale: _Scale, start: tuple[int, int]) -> None:
    """A row for each view: its reprojection error as a bar, and shift and turn of its board as figures."""
    left, top = start
    longest = max(one.rms_px for one in solution.views) or 1.0
    draw.text((left, top - ROW), "view", fill=TEXT, font=_font(12))
    draw.text((left + 80, top - ROW), "reprojection, px", fill=TEXT, font=_font(12))
    draw.text((left + 310, top - ROW), "mm", fill=TEXT, font=_font(12))
    draw.text((left + 365, top - ROW), "deg", fill=TEXT, font=_font(12))
    for row, one in enumerate(solution.views):
        y = top + row * ROW
        length = 170.0 * one.rms_px / longest
        draw.text((left, y), one.view.name, fill=TEXT, font=_font(12))
        draw.rectangle((left + 80, y + 3, left + 80 + length, y + ROW - 4), fill=_colour(one.rms_px, scale))
        draw.text((left + 256, y), f"{one.rms_px:.2f}", fill=TEXT, font=_font(12))
        draw.text((left + 310, y), f"{one.shift_m * 1e3:.2f}", fill=TEXT, font=_font(12))
        draw.text((left + 365, y), f"{np.degrees(one.turn_rad):.2f}", fill=TEXT, font=_font(12))


def _colour(error_px: float, scale: _Scale) -> tuple[int, int, int]:
    share = min(error_px / scale.worst_px, 1.0)
    mixed: Float64 = GOOD + share * (POOR - GOOD)
    red, green, blue = (round(float(part)) for part in mixed)
    return red, green, blue


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
