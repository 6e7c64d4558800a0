"""The board as a PDF page at true scale: black rectangles with exact edges, and a bar to check the printer with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from libra_edge.calibration.camera.board import CELLS, Board
from libra_edge.errors import ConfigError
from libra_edge.messages import UInt8

POINTS_A_MM = 72.0 / 25.4
A4_MM = (210.0, 297.0)
SHEETS_MM = {"A4": A4_MM, "A3": (297.0, 420.0), "A2": (420.0, 594.0), "A1": (594.0, 841.0), "A0": (841.0, 1189.0)}
MARGIN_MM = 12.0
FOOT_MM = 16.0
BAR_MM = 100.0


def board_page(board: Board) -> bytes:
    """A PDF file of one page, the smallest DIN sheet that the board fits on. Raises ConfigError if it fits on none."""
    width_mm, height_mm = _sheet(board)
    left, foot = (width_mm - board.size_mm[0]) / 2, MARGIN_MM + FOOT_MM
    cell_mm = board.square_mm / CELLS
    top = foot + board.size_mm[1] + (height_mm - foot - MARGIN_MM - board.size_mm[1]) / 2
    drawing = [
        _rectangle(left + first * cell_mm, top - (row + 1) * cell_mm, (last - first) * cell_mm, cell_mm)
        for row, first, last in _dark_runs(board.cells())
    ]
    drawing.append(_rectangle(MARGIN_MM, MARGIN_MM, BAR_MM, 1.5))
    squares = f"{board.columns} x {board.rows} squares of {board.square_mm:g} mm"
    text = f"{squares}. Print at 100 %: the bar is {BAR_MM:g} mm."
    words = f"BT /F 9 Tf {MARGIN_MM * POINTS_A_MM:.3f} {(MARGIN_MM + 4) * POINTS_A_MM:.3f} Td ({text}) Tj ET"
    return _pdf("\n".join([*drawing, "f", words]), width_mm, height_mm)


def _sheet(board: Board) -> tuple[float, float]:
    needed = board.size_mm[0] + 2 * MARGIN_MM, board.size_mm[1] + 2 * MARGIN_MM + FOOT_MM
    for short, long in SHEETS_MM.values():
        for sheet in ((short, long), (long, short)):
            if needed[0] <= sheet[0] and needed[1] <= sheet[1]:
                return sheet
    width, height = board.size_mm
    raise ConfigError(f"a board of {width:g} x {height:g} mm fits on no sheet up to A0; take fewer or smaller squares")


def _dark_runs(cells: UInt8) -> list[tuple[int, int, int]]:
    """(row, first, end) of every run of dark cells."""
    runs = []
    for row, line in enumerate(cells == 0):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
        runs += [(row, int(first), int(end)) for first, end in edges.reshape(-1, 2)]
    return runs


def _rectangle(x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> str:
    numbers = (f"{value * POINTS_A_MM:.4f}" for value in (x_mm, y_mm, width_mm, height_mm))
    return f"{' '.join(numbers)} re"


def _pdf(drawing: str, width_mm: float, height_mm: float) -> bytes:
    """One page with one drawing (PDF 1.4, ISO 32000-1 sections 7.5 and 8.5)."""
    box = f"0 0 {width_mm * POINTS_A_MM:.3f} {height_mm * POINTS_A_MM:.3f}"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R /Resources << /Font << /F {font} >> >> >>",
        f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
    ]
    file, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        starts.append(len(file))
        file += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    end = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R >>\n"
    return file + f"{end}startxref\n{len(file)}\n%%EOF\n".encode()


def write_page(board: Board, path: Path) -> None:
    """Write the page. Raises ConfigError for a name that is no PDF's, or a place that cannot be written."""
    if path.suffix.lower() != ".pdf":
        raise ConfigError(f"{path}: the board is written as PDF, whose scale is certain; give a name that ends in .pdf")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(board_page(board))
    except OSError as error:
        raise ConfigError(f"{path}: the board cannot be written ({error.strerror}); give another place") from error
