"""The report: one page that needs nothing else, is well formed, and shows the figures of the bundle."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from libra_edge.bundle import open_bundle
from libra_edge.export.report_figures import bars, token_map
from libra_edge.export.thumbnail import png_data_uri

VOID = {"meta", "img", "rect"}
OPTIONAL_END = {"tr", "td", "th"}


class Balance(HTMLParser):
    """Collects tags that are closed by another's end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID | OPTIONAL_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID | OPTIONAL_END and self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_page_stands_alone_and_is_balanced(tiny_bundle: Path) -> None:
    page = (tiny_bundle / "report.html").read_text()
    balance = Balance()
    balance.feed(page)
    assert not balance.open
    assert not balance.wrong
    assert not re.search(r"(src|href)=\"(?!data:)|@import|url\(", page)


def test_it_shows_every_gate_and_the_sizes(tiny_bundle: Path) -> None:
    page = (tiny_bundle / "report.html").read_text()
    manifest = open_bundle(tiny_bundle).manifest
    for gate in manifest.gates:
        assert gate.name.replace("_", " ") in page
        assert gate.value is None or f"{gate.value:.4f}" in page
    assert f"{manifest.targets['cpu'].planner.bytes / 1e6:.2f} MB" in page
    assert page.count("<figcaption>exported</figcaption>") == 3


def test_times_are_no_part_of_the_bundle(tiny_bundle: Path) -> None:
    before = open_bundle(tiny_bundle).sha256
    (tiny_bundle / "report.html").write_text((tiny_bundle / "report.html").read_text() + "<!-- read -->")
    assert open_bundle(tiny_bundle).sha256 == before


def test_a_token_map_rings_what_differs() -> None:
    tokens = np.array([[0, 9], [4, 5], [4, 5]])
    other = np.array([[0, 9], [4, 4], [3, 5]])
    drawn = token_map(tokens, ("a", "b<c"), 10, other)
    assert drawn.count("<rect") == 6
    assert drawn.count('class="ring"') == 2
    assert "b&lt;c" in drawn
    assert token_map(tokens, ("a", "b"), 10).count("ring") == 0


def test_bars_are_as_long_as_their_values() -> None:
    drawn = bars([("a", 4.0, ""), ("b", 1.0, "")])
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="20"', drawn)]
    assert widths[0] == 4 * widths[1]


def test_a_thumbnail_is_a_png_of_the_picture() -> None:
    image = np.arange(8 * 500 * 3, dtype=np.uint8).reshape(8, 500, 3)
    png = b64decode(png_data_uri(image).partition(",")[2])
    assert png.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (250, 4)
    start = png.index(b"IDAT") + 4
    rows = zlib.decompress(png[start : png.index(b"IEND") - 8])
    assert rows[: 1 + 3 * 250] == b"\0" + image[0, ::2].tobytes()
