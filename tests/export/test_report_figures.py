"""Bars as long as their values, maps that ring what differs, thumbnails that are PNG pictures."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64decode

import numpy as np
import pytest

from libra_edge.export.report_figures import Bar, bars, meter, stacked
from libra_edge.export.report_token_map import legend, token_map
from libra_edge.export.thumbnail import png_data_uri


def widths(drawn: str) -> list[float]:
    return [float(width) for width in re.findall(r'<rect x="[\d.]+" y="0" width="([\d.]+)"', drawn)]


def test_bars_are_as_long_as_their_values() -> None:
    drawn = bars("sizes", [Bar("a", 4.0, "4", "fp32"), Bar("b", 1.0, "1", "cpu"), Bar("c", None, "none", "cpu")])
    assert widths(drawn) == [1000.0, 250.0]
    assert 'aria-label="sizes, c: none"' in drawn


def test_bars_of_nothing_have_no_length() -> None:
    assert widths(bars("changes", [Bar("a", 0.0, "0", "cpu")])) == [0.0]


@pytest.mark.parametrize(("used", "width", "look"), [(0.5, 400.0, "cpu"), (1.0, 800.0, "cpu"), (7.0, 1000.0, "over")])
def test_a_meter_passes_its_mark_where_the_gate_closes(used: float, width: float, look: str) -> None:
    drawn = meter("gate", used, "cpu")
    assert widths(drawn) == [width]
    assert f'class="{look}"' in drawn
    assert 'x1="800"' in drawn


def test_better_than_fp32_takes_nothing() -> None:
    assert widths(meter("gate", -3.0, "cpu")) == [0.0]


def test_parts_stand_side_by_side() -> None:
    drawn = stacked("shares", [(0.75, "a"), (0.25, "b")])
    assert widths(drawn) == [750.0, 250.0]
    assert '<rect x="750.0"' in drawn


def test_a_token_map_rings_what_differs() -> None:
    tokens = np.array([[0, 9], [4, 5], [4, 5]])
    other = np.array([[0, 9], [4, 4], [3, 5]])
    drawn = token_map("plan", tokens, ("a", "b<c"), 10, other)
    assert len(re.findall(r">\d</text>", drawn)) == 6
    assert 'data-rings="2"' in drawn
    assert "b&lt;c" in drawn
    assert "ring" not in token_map("plan", tokens, ("a", "b"), 10)
    assert "ring" not in token_map("plan", tokens, ("a", "b"), 10, tokens)


def test_a_large_plan_stays_small_on_the_page() -> None:
    tokens = np.random.default_rng(0).integers(0, 256, (200, 32))
    drawn = token_map("plan", tokens, tuple(f"joint_{number}" for number in range(32)), 256)
    assert len(drawn) < 200_000
    assert drawn.count("M") >= tokens.size


def test_the_legend_runs_from_the_first_token_to_the_last() -> None:
    drawn = legend(10)
    assert drawn.count("<rect") == 10
    assert drawn.index("rgb(68,1,84)") < drawn.index("rgb(253,231,37)")
    assert legend(1000).count("<rect") == 32


def test_a_thumbnail_is_a_png_of_the_picture() -> None:
    image = np.arange(8 * 500 * 3, dtype=np.uint8).reshape(8, 500, 3)
    png = b64decode(png_data_uri(image).partition(",")[2])
    assert png.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (250, 4)
    start = png.index(b"IDAT") + 4
    rows = zlib.decompress(png[start : png.index(b"IEND") - 8])
    assert rows[: 1 + 3 * 250] == b"\0" + image[0, ::2].tobytes()
