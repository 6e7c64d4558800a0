"""The page of a profile: whole HTML, nothing fetched, no script, and what it says is what the document says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from libra_edge.profiling.document import ProfileDocument
from libra_edge.profiling.page.profile_page import profile_html
from libra_edge.profiling.trace import run_trace
from tests.profile.made_document import FACTS, LAYERS, made_document, made_layers
from tests.profile.made_log import PERIOD, made_log
from tests.report_page import Page as Parsed

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
Open = Callable[[str], "Page"]


def html_of(document: ProfileDocument) -> str:
    return profile_html(document, run_trace(made_log(), PERIOD))


def test_every_stage_has_a_row_with_its_figures() -> None:
    document = made_document()
    page = Parsed(html_of(document))
    assert (page.wrong, page.open) == ([], [])
    assert page.row("wait: until")[2:] == ["20.00", "20.00", "20.00", "20.00", "2"]
    assert page.row("end to end")[2] == "40.00"
    assert len([row for row in page.rows if row and row[0].startswith("layer ")]) == 20 + 30
    assert page.row("module") == ["module", "6.0 W"]
    assert page.row("energy a chunk") == ["energy a chunk", "3.000 J"], "6 W for 1.5 s over 3 chunks"
    assert "CPU clock is not pinned" in page.text


def test_what_nobody_knows_is_not_available() -> None:
    unknown = {"power_w": None, "power_rails_w": None, "energy_per_chunk_j": None, "temperature_c": None, "clocks": ()}
    page = Parsed(html_of(made_document().model_copy(update={**unknown, "throttled": None, "layers": ()})))
    for name in ("module", "energy a chunk", "temperature", "clocks", "throttled"):
        assert page.row(name)[1] == "not available on this machine"
    assert "Layers" not in page.text


def test_words_from_elsewhere_stay_words() -> None:
    layer = replace(LAYERS[0], name=HOSTILE, type=HOSTILE, ms=99.0)
    facts = {**FACTS, "task": HOSTILE, "machine": HOSTILE, "model": HOSTILE}
    page = Parsed(html_of(made_document(facts=facts, layers=made_layers((layer,)))))
    assert page.wrong == []
    assert {tag for tag, _ in page.elements} & {"script", "img"} == set()
    assert HOSTILE in page.text


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Open]:
    """Opens a page in a headless Chromium, and holds it to having no complaint and asking for nothing else."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    complaints: list[str] = []
    requests: list[str] = []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_it(html: str) -> Page:
            file = tmp_path / "profile.html"
            file.write_text(html, encoding="utf-8")
            page: Page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: complaints.append(dialog.message))
            page.on("request", lambda request: requests.append(request.url))
            page.goto(file.as_uri())
            return page

        yield open_it
        browser.close()
    assert complaints == []
    assert len(requests) == 1


def test_it_opens_in_a_browser_without_a_complaint(open_page: Open) -> None:
    page = open_page(html_of(made_document()))
    assert page.title() == "Profile: libra_base on ONNX Runtime, CPU"
    bars = page.locator('svg[aria-label="wait"] rect, svg[aria-label="refiner"] rect')
    wait, refiner = (bars.nth(number).bounding_box() for number in range(2))
    assert wait is not None
    assert refiner is not None
    assert refiner["x"] > wait["x"] + wait["width"], "a stage begins where the one before it ends"
    assert refiner["width"] / wait["width"] == pytest.approx(9.0 / 20.0, rel=0.02)
    assert page.locator(".flow").count() == 1, "the other chunk lies outside the second that is shown"
    details = page.locator("details")
    assert not details.locator("table").is_visible()
    details.locator("summary").click()
    assert details.locator("tbody tr").count() == 30


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_into_the_window(open_page: Open, width: int) -> None:
    page = open_page(html_of(made_document()))
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_words_do_nothing_in_a_browser(open_page: Open) -> None:
    page = open_page(html_of(made_document(facts={**FACTS, "machine": HOSTILE, "model": HOSTILE})))
    assert HOSTILE in page.locator(".facts").inner_text()
