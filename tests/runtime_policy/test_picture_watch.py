"""What may be acted on of what a camera sends, and what is said of a camera that gets worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.messages import Frame, UInt8
from libra_edge.runtime.picture_watch import SKIPS_TOLD, PictureWatch, is_black

HZ = 15.0
GREY: UInt8 = np.full((18, 32, 3), 128, np.uint8)


class Stream:
    """A camera's pictures, one every `period_s`, handed to a watch as they are taken."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.watch = PictureWatch(HZ, self.said.append)
        self.number = 0
        self.time_ns = 10**9

    def send(self, image: UInt8 = GREY, *, period_s: float = 1 / HZ, skip: int = 0, lead_ns: int = 0) -> str | None:
        self.number += 1 + skip
        self.time_ns += round(period_s * 1e9)
        return self.watch.complaint(Frame("front", image.copy(), self.number, self.time_ns + lead_ns), self.time_ns)


def test_a_good_stream_is_accepted_in_silence_and_its_rate_measured() -> None:
    stream = Stream()
    assert all(stream.send() is None for _ in range(100))
    assert stream.said == []
    assert stream.watch.frames == 100
    assert stream.watch.rate_hz == pytest.approx(HZ, rel=0.05)


def test_half_the_rate_is_said_once_and_again_only_after_a_recovery() -> None:
    stream = Stream()
    for period_s, pictures in ((1 / HZ, 60), (2 / HZ, 60), (1 / HZ, 60), (2 / HZ, 60)):
        assert all(stream.send(period_s=period_s) is None for _ in range(pictures))
    assert len(stream.said) == 2
    assert "its profile says 15" in stream.said[0]


def test_skipped_numbers_are_counted_and_said_once() -> None:
    stream = Stream()
    for _ in range(20):
        assert stream.send(skip=1) is None
    assert stream.watch.skipped == 19
    assert len(stream.said) == 1
    assert f"{SKIPS_TOLD} frame numbers" in stream.said[0]


def test_black_pictures_are_refused_and_hot_pixels_do_not_help_them() -> None:
    stream = Stream()
    black = np.random.default_rng(0).integers(0, 8, (180, 320, 3), dtype=np.uint8)
    assert "black" in str(stream.send(black))
    black[44, 44] = 255
    assert "black" in str(stream.send(black))
    assert stream.watch.refused == 2
    for _ in range(60):
        stream.send(black)
    assert all(stream.send() is None for _ in range(60))
    assert stream.watch.skipped == 0
    assert stream.said == []


@given(level=st.integers(30, 255), share=st.integers(5, 100))
def test_a_scene_with_a_lit_part_is_not_black(level: int, share: int) -> None:
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, :share] = level
    assert not is_black(image)


def test_repeated_older_and_future_pictures_are_refused() -> None:
    stream = Stream()
    stream.send()
    assert "again" in str(stream.send(skip=-1))
    assert "older than the one before" in str(stream.send(lead_ns=-(10**9)))
    assert "from the future, 5 ms ahead" in str(stream.send(lead_ns=5_000_000))
    assert stream.send() is None


def test_a_long_gap_is_neither_skipped_pictures_nor_a_low_rate() -> None:
    stream = Stream()
    for _ in range(3):
        assert all(stream.send() is None for _ in range(60))
        assert stream.send(skip=30, period_s=2.0) is None
    assert stream.said == []
    assert stream.watch.skipped == 0


def test_after_a_break_numbers_may_start_again_and_the_rate_is_measured_anew() -> None:
    stream = Stream()
    for _ in range(60):
        stream.send()
    stream.watch.interrupted()
    stream.number, stream.time_ns = 0, stream.time_ns + 5 * 10**9
    assert all(stream.send() is None for _ in range(60))
    assert stream.said == []
    assert stream.watch.skipped == 0
