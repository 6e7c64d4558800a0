"""Which pictures the page shows."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from libra_edge.runtime.report_page import film as film_module
from libra_edge.runtime.report_page.episode import FrameNote
from libra_edge.runtime.report_page.film import MOST_PICTURES, PICTURES_A_SECOND, chosen_frames, make_film
from libra_edge.runtime.report_page.read_episode import read_episode
from tests.run_page.recorded import FRAMES, grey_at, record_run

GAPS = st.lists(st.integers(0, 400_000_000), min_size=1, max_size=200)


def notes_at(times: list[int], seen_every: int = 0) -> list[FrameNote]:
    seen = [seen_every > 0 and place % seen_every == 0 for place in range(len(times))]
    return [FrameNote(place, time, place, place if seen[place] else None) for place, time in enumerate(times)]


@given(GAPS)
def test_some_of_the_pictures_in_their_order_with_the_first_and_the_last(gaps: list[int]) -> None:
    notes = notes_at(np.cumsum(gaps).tolist())
    chosen = chosen_frames(notes)
    assert [note.place for note in chosen] == sorted({note.place for note in chosen})
    assert (chosen[0], chosen[-1]) == (notes[0], notes[-1])
    assert set(chosen) <= set(notes)


@given(GAPS)
def test_no_longer_without_a_picture_than_the_recording_is(gaps: list[int]) -> None:
    times = np.cumsum(gaps)
    chosen = [note.time_ns for note in chosen_frames(notes_at(times.tolist()))]
    slot_ns = max(10**9 // PICTURES_A_SECOND, (times[-1] - times[0]) // MOST_PICTURES + 1)
    assert np.diff(chosen, prepend=chosen[0]).max() <= 2 * slot_ns + max(gaps)


@pytest.mark.parametrize("seconds", [30, 300, 3600])
def test_a_long_run_has_no_more_pictures_than_a_page_can_carry(seconds: int) -> None:
    chosen = chosen_frames(notes_at(list(range(0, seconds * 10**9, 10**9 // 30))))
    assert MOST_PICTURES - 1 <= len(chosen) <= MOST_PICTURES + 2


def test_a_picture_that_a_chunk_was_made_from_comes_first() -> None:
    chosen = chosen_frames(notes_at(list(range(0, 10**9, 10**9 // 60)), seen_every=4))
    assert len(chosen) >= PICTURES_A_SECOND
    assert [note.place for note in chosen[:-1] if note.chunk_id is None] == []


def test_the_film_shows_the_very_pictures(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap")
    film = make_film(path, read_episode(path))
    assert film.recorded == {"front": FRAMES, "wrist": FRAMES}
    assert film.unreadable == 0
    for frame in film.cameras["front"]:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(frame.jpeg))))
        assert picture.shape == (180, 320, 3)
        assert np.abs(picture.astype(int) - grey_at(frame.note.place)).max() <= 2


def test_wide_pictures_become_smaller_and_a_large_film_thinner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_module, "MOST_PIXELS_WIDE", 160)
    path = record_run(tmp_path / "run.mcap")
    episode = read_episode(path)
    whole = make_film(path, episode).cameras
    assert Image.open(io.BytesIO(base64.b64decode(whole["wrist"][0].jpeg))).size == (160, 90)
    size = sum(len(frame.jpeg) * 3 // 4 for frames in whole.values() for frame in frames)
    monkeypatch.setattr(film_module, "MOST_BYTES", size / 3)
    thin = make_film(path, episode).cameras
    assert sum(len(frame.jpeg) * 3 // 4 for frames in thin.values() for frame in frames) <= size / 3
    assert [frame.note.place for frame in thin["front"]] == list(range(0, FRAMES, 3))


def test_the_pictures_of_a_file_that_was_cut_off_are_those_that_are_there(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    film = make_film(path, read_episode(path))
    assert 5 < len(film.cameras["front"]) < FRAMES
