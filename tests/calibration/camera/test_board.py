"""The board as drawn, as printed and as found again are one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.calibration.camera.board import CELLS, HELD, LYING, Board
from libra_edge.calibration.camera.board_pdf import BAR_MM, board_page, write_page
from libra_edge.calibration.camera.view import find_board
from libra_edge.errors import ConfigError

MM_A_POINT = 25.4 / 72
RECTANGLE = re.compile(rb"^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$", re.MULTILINE)


def rectangles_mm(page: bytes) -> np.ndarray:
    return np.array([[float(part) for part in found] for found in RECTANGLE.findall(page)]) * MM_A_POINT


@pytest.mark.parametrize("board", [HELD, LYING, Board(columns=7, rows=4, square_mm=11.3)])
def test_the_board_is_found_as_it_is_drawn(board: Board) -> None:
    scale = 6
    drawn = np.pad(board.cells().repeat(scale, 0).repeat(scale, 1), 40, constant_values=255)
    sighting = find_board(np.repeat(drawn[..., None], 3, axis=2), board)
    assert sighting is not None
    np.testing.assert_array_equal(np.sort(sighting.corners), np.arange(board.corner_count))
    expected = board.corners()[sighting.corners][:, :2] * 1e3 / board.square_mm * CELLS * scale + 40 - 0.5
    np.testing.assert_allclose(sighting.pixels, expected, atol=0.2)


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 9), st.integers(3, 9), st.floats(4.0, 20.0))
def test_the_page_shows_every_dark_cell_at_true_scale(columns: int, rows: int, square_mm: float) -> None:
    board = Board(columns=columns, rows=rows, square_mm=square_mm)
    cell_mm = square_mm / CELLS
    *runs, bar = rectangles_mm(board_page(board))
    assert bar[2] == pytest.approx(BAR_MM, abs=0.01)
    left, top = min(run[0] for run in runs), max(run[1] + run[3] for run in runs)
    shown = np.full(board.cells().shape, 255, np.uint8)
    for x, y, width, height in runs:
        row, first = round((top - y - height) / cell_mm), round((x - left) / cell_mm)
        assert (top - y - height) / cell_mm == pytest.approx(row, abs=0.02)
        assert height == pytest.approx(cell_mm, abs=1e-3)
        shown[row, first : first + round(width / cell_mm)] = 0
    np.testing.assert_array_equal(shown, board.cells())


def test_the_file_is_one_that_a_reader_can_walk_through(tmp_path: Path) -> None:
    write_page(HELD, tmp_path / "deep" / "board.pdf")
    page = (tmp_path / "deep" / "board.pdf").read_bytes()
    start = int(page.rsplit(b"startxref\n", 1)[1].split()[0])
    assert page[start : start + 4] == b"xref"
    for number, offset in enumerate(re.findall(rb"^(\d{10}) 00000 n ", page, re.MULTILINE), start=1):
        assert page[int(offset) :].startswith(b"%d 0 obj" % number)
    stream = page.split(b"stream\n", 1)[1].split(b"\nendstream", 1)[0]
    assert f"/Length {len(stream)} ".encode() in page


def test_a_page_is_the_smallest_sheet_that_holds_the_board() -> None:
    assert b"/MediaBox [0 0 595.276 841.890]" in board_page(HELD)
    assert b"/MediaBox [0 0 841.890 595.276]" in board_page(LYING)


def test_what_cannot_be_printed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fits on no sheet up to A0"):
        board_page(Board(columns=10, rows=10, square_mm=120))
    with pytest.raises(ConfigError, match=r"ends in \.pdf"):
        write_page(HELD, tmp_path / "board.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="give another place"):
        write_page(HELD, tmp_path / "file" / "board.pdf")


def test_half_a_board_is_enough_and_a_line_of_corners_is_not() -> None:
    scale = 6
    drawn = np.pad(LYING.cells().repeat(scale, 0).repeat(scale, 1), 40, constant_values=255)
    half = drawn.copy()
    half[:, half.shape[1] // 2 :] = 200
    assert find_board(np.repeat(half[..., None], 3, axis=2), LYING) is not None
    strip = drawn.copy()
    strip[40 + 2 * CELLS * scale - 6 :] = 200
    assert find_board(np.repeat(strip[..., None], 3, axis=2), LYING) is None


def test_an_empty_picture_shows_no_board() -> None:
    assert find_board(np.full((120, 160, 3), 90, np.uint8), HELD) is None
