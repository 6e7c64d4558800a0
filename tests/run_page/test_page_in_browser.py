"""The page of a run in a headless Chromium: it opens, everything follows the cursor, and nothing is fetched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from libra_edge.runtime.report_page.write_report import write_report
from tests.run_page.recorded import BEFORE, FACTS, FRAMES, RESULT, goal_at, grey_at, record_run
from tests.run_page.test_report_command import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt install chromium")

PATIENCE_MS = 20_000


@dataclass
class Opened:
    """A page in the browser, and whatever it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def scrub(self, seconds: float) -> None:
        """As a hand on the slider does."""
        self.page.locator("#scrubber").evaluate(
            "(slider, time) => { slider.value = time; slider.dispatchEvent(new Event('input')); }", seconds
        )

    @property
    def time(self) -> float:
        return float(self.page.locator("#scrubber").input_value())

    def grey(self, screen: int) -> int:
        """Of the picture that a camera's screen shows."""
        level: int = self.page.locator(".screen canvas").nth(screen).evaluate(MIDDLE)
        return level

    def cursor_share(self) -> float:
        """Where the cursor stands in the plots: 0 left, 1 right."""
        cursor, ticks = (self.page.locator(name).bounding_box() for name in ("#cursor", "#ticks"))
        assert cursor is not None
        assert ticks is not None
        return (cursor["x"] - ticks["x"]) / ticks["width"]


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the whole recording."""
    folder = tmp_path_factory.mktemp("page")
    return write_report(record_run(folder / "run.mcap"), folder / "run.html").html


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a page, and holds it to what every page keeps: no complaint, and no request but for itself."""
    opened: list[Opened] = []
    contexts = []

    def open_it(html: Path, **options: object) -> Opened:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))  # type: ignore[arg-type]
        contexts[-1].set_default_timeout(PATIENCE_MS)
        seen = Opened(contexts[-1].new_page())
        opened.append(seen)
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", lambda dialog: seen.complaints.append(f"dialog {dialog.message}"))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.goto(html.as_uri())
        seen.page.wait_for_selector("html[data-ready]")
        return seen

    yield open_it
    for one in opened:
        assert one.complaints == []
        assert [url for url in one.requests[1:] if not url.startswith("data:")] == []
    for context in contexts:
        context.close()


def test_it_opens_with_the_verdict_on_top(open_page: Open, whole: Path) -> None:
    opened = open_page(whole)
    assert opened.page.title() == "push the blue cube: koch-sim"
    assert "Done after 2.5 s" in opened.text(".verdict")
    assert opened.page.locator(".faults li").count() == 2
    assert opened.page.locator(".strip").count() == 2 + 1 + 6 + 1 + 1 + 5
    assert opened.time == 0.0


def test_scrubbing_moves_film_curves_and_plan_together(open_page: Open, whole: Path) -> None:
    opened = open_page(whole)
    for hundredths in (72, 190, 290, 0):
        opened.scrub(hundredths / 100)
        check_the_film(opened, min(hundredths // 10, FRAMES - 1))
        check_the_strips(opened, hundredths)
        check_the_plan(opened, hundredths)


def check_the_film(opened: Opened, frame: int) -> None:
    shown = opened.page.locator(f'.screen canvas[data-time="{frame / 10:g}"]')
    playwright.expect(shown).to_have_count(2)
    assert [abs(opened.grey(screen) - grey_at(frame)) <= 2 for screen in (0, 1)] == [True, True]


def check_the_strips(opened: Opened, hundredths: int) -> None:
    assert opened.text("#clock") == f"{hundredths / 100:.2f} s"
    start, end, margin = -0.2, 2.99, 0.01 * 3.19
    share = (hundredths / 100 - start + margin) / (end - start + 2 * margin)
    assert opened.cursor_share() == pytest.approx(share, abs=0.004)
    shoulder = opened.page.locator(".strip", has_text="shoulder pan").first
    goal_deg = np.degrees(goal_at(BEFORE + hundredths)[0])
    assert shoulder.locator(".value").inner_text().startswith(f"goal {goal_deg:.1f}°")


def check_the_plan(opened: Opened, hundredths: int) -> None:
    if hundredths < 5:
        assert "none followed" in opened.text("#now")
        return
    chunk = (hundredths - 5) // 50
    assert f"chunk\n{chunk}, from step {5 * chunk + 1}," in opened.text("#now")
    assert opened.page.locator("#plan-now text", has_text=str(2 + chunk)).count() == 60


def test_dragging_over_a_strip_or_the_film_moves_the_cursor(open_page: Open, whole: Path) -> None:
    opened = open_page(whole)
    for selector, share in (("#ticks", 0.75), (".screen >> nth=0", 0.4)):
        box = opened.page.locator(selector).bounding_box()
        assert box is not None
        height = box["y"] + box["height"] / 2
        opened.page.mouse.move(box["x"] + 0.1 * box["width"], height)
        opened.page.mouse.down()
        opened.page.mouse.move(box["x"] + share * box["width"], height, steps=4)
        opened.page.mouse.up()
        assert opened.time == pytest.approx(-0.2 + share * 3.19, abs=0.05)


def test_the_keyboard_does_it_all(open_page: Open, whole: Path) -> None:
    opened = open_page(whole)
    press = opened.page.keyboard.press
    for key, time in (
        ("ArrowRight", 0.1), ("ArrowRight", 0.2), ("ArrowLeft", 0.1), (".", 0.11), (",", 0.1), ("n", 1.0),
        ("n", 1.3), ("n", 2.25), ("n", 2.5), ("p", 2.25), ("Shift+ArrowLeft", 1.25), ("End", 2.99), ("Home", -0.2),
    ):  # fmt: skip
        press(key)
        assert opened.time == pytest.approx(time, abs=0.0005), key
    press(" ")
    playwright.expect(opened.page.locator("#clock")).not_to_have_text("-0.20 s")
    assert opened.page.locator("#play").get_attribute("aria-label") == "Pause"
    press(" ")
    assert opened.page.locator("#play").get_attribute("aria-label") == "Play"


def test_zooming_shows_less_around_the_cursor_and_0_all_again(open_page: Open, whole: Path) -> None:
    opened = open_page(whole)
    opened.scrub(2.0)
    ticks = opened.text("#ticks")
    before = opened.cursor_share()
    opened.page.keyboard.press("+")
    opened.page.keyboard.press("+")
    assert opened.cursor_share() == pytest.approx(before, abs=0.004)
    assert opened.text("#ticks") != ticks
    opened.scrub(0.1)
    assert 0 <= opened.cursor_share() <= 1, "the view follows the cursor"
    opened.page.keyboard.press("0")
    assert opened.text("#ticks") == ticks


def test_a_fault_is_a_place_to_go_to(open_page: Open, whole: Path) -> None:
    opened = open_page(whole)
    opened.page.get_by_role("button", name="a plan took 1.2 s: goes on").first.click()
    assert opened.time == pytest.approx(2.25, abs=0.0005)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_light_and_on_dark(open_page: Open, whole: Path, scheme: str) -> None:
    opened = open_page(whole, color_scheme=scheme)
    ratios = opened.page.evaluate(CONTRASTS)
    assert len(ratios) > 10
    assert {words: ratio for words, ratio in ratios if ratio < 4.5} == {}


def test_a_narrow_window_needs_no_sideways_scrolling(open_page: Open, whole: Path) -> None:
    opened = open_page(whole, viewport={"width": 360, "height": 740})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert opened.page.locator("#ticks span").count() >= 2


def test_words_from_a_recording_do_nothing(open_page: Open, tmp_path: Path) -> None:
    facts = {**FACTS, "task": HOSTILE, "robot": HOSTILE, "joints": "<b>a</b> b c d e f"}
    path = record_run(tmp_path / "run.mcap", facts=facts, faults=((1.0, HOSTILE, HOSTILE),), cameras=("<i>front</i>",))
    opened = open_page(write_report(path, tmp_path / "run.html").html)
    assert HOSTILE.replace("\u2028", "") in opened.text("h1").replace("\u2028", "")
    assert opened.page.locator(".name", has_text="<b>a</b>").count() == 1
    assert opened.page.locator(".screen figcaption", has_text="<i>front</i>").count() == 1
    assert opened.page.locator("img, .name b, .screen i").count() == 0


@pytest.mark.parametrize("what", ["cut off", "no pictures", "no plan", "old", "one command"])
def test_a_poor_recording_opens_all_the_same(open_page: Open, tmp_path: Path, what: str) -> None:
    path = tmp_path / "run.mcap"
    if what == "no pictures":
        record_run(path, cameras=())
    elif what == "no plan":
        record_run(path, commands=15, faults=(), result={**RESULT, "success": "", "success_s": ""})
    elif what == "old":
        facts = {key: FACTS[key] for key in ("task", "robot")}
        record_run(path, facts=facts, result={"success": "true"}, timed=False)
    elif what == "one command":
        record_run(path, commands=1)
    else:
        record_run(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    opened = open_page(write_report(path, tmp_path / "run.html").html)
    opened.scrub(0.9)
    opened.page.keyboard.press("End")
    lost = opened.page.locator(".lost[role=alert]")
    assert lost.count() == (what == "cut off")


MIDDLE = """(screen) => {
  const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  copy.drawImage(screen, -screen.width / 2, -screen.height / 2);
  return copy.getImageData(0, 0, 1, 1).data[0];
}"""

CONTRASTS = """() => {
  // Source of the formula: WCAG 2.2, relative luminance and contrast ratio.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([red, green, blue]) => [red, green, blue].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = channels(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const chosen = "h1, .verdict, .chip, .facts, .ended, .tiles div, .tiles b, .name, .name small, .value, .value span,"
    + " .state, #now dt, #now dd, .legend span, footer p, kbd, .faults span, .faults time, .ticks span";
  return [...document.querySelectorAll(chosen)].filter((one) => one.textContent.trim()).map((one) => {
    const lights = [channels(getComputedStyle(one).color), behind(one)].map(luminance).sort((a, b) => b - a);
    return [one.textContent.trim().slice(0, 40), (lights[0] + 0.05) / (lights[1] + 0.05)];
  });
}"""
