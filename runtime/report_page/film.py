"""The film of a run: as many pictures as a page can carry, preferably those that the policy acted on."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from libra_edge.errors import RecordingError
from libra_edge.runtime.jpeg import to_jpeg
from libra_edge.runtime.recording import RecordedMessage, read_messages
from libra_edge.runtime.recording_messages import CAMERA
from libra_edge.runtime.report_page.episode import Episode, FrameNote

PICTURES_A_SECOND = 10
MOST_PICTURES = 300
"""A camera. Thirty seconds at ten a second."""
MOST_BYTES = 4_000_000
"""Of JPEG, all cameras together; a page is a third larger, for base64."""
MOST_PIXELS_WIDE = 480
QUALITY = 75


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One picture of the film, as JPEG in base64."""

    note: FrameNote
    jpeg: str


@dataclass(frozen=True, slots=True)
class Film:
    """What the page shows of the pictures.

    Attributes:
        cameras: the pictures of each, in the order in which they were taken.
        recorded: how many each camera has in the file.
        unreadable: pictures that were chosen and cannot be read.
    """

    cameras: Mapping[str, tuple[FilmFrame, ...]]
    recorded: Mapping[str, int]
    unreadable: int


def make_film(recording: Path, episode: Episode, read_on: Callable[[int], None] = lambda messages: None) -> Film:
    """Read the pictures at `recording` that the page shows; `read_on` is told how many were read."""
    chosen = {camera: {note.place: note for note in chosen_frames(notes)} for camera, notes in episode.frames.items()}
    pictures: dict[str, list[FilmFrame]] = {camera: [] for camera in chosen}
    places, unreadable = dict.fromkeys(chosen, 0), 0
    for message in _readable_pictures(recording):
        camera = message.camera or ""
        note = chosen.get(camera, {}).get(places.get(camera, 0))
        places[camera] = places.get(camera, 0) + 1
        read_on(1)
        if note is not None:
            jpeg = _jpeg(message)
            unreadable += jpeg is None
            pictures[camera] += [] if jpeg is None else [FilmFrame(note, jpeg)]
    recorded = {camera: len(notes) for camera, notes in episode.frames.items()}
    return Film(_thinned(pictures), recorded, unreadable)


def chosen_frames(notes: Sequence[FrameNote]) -> list[FrameNote]:
    """One in each slot of time: one that a chunk was made from, else one that a plan was made from, else the first."""
    if not notes:
        return []
    times = [note.time_ns for note in notes]
    first_ns, last_ns = min(times), max(times)
    slot_ns = max(1_000_000_000 // PICTURES_A_SECOND, -(-(last_ns - first_ns + 1) // MOST_PICTURES))
    slots: dict[int, list[FrameNote]] = {}
    for note in notes:
        slots.setdefault((note.time_ns - first_ns) // slot_ns, []).append(note)
    best = [min(slot, key=lambda note: (note.chunk_id is None, note.plan_id is None)) for slot in slots.values()]
    return sorted({notes[0], *best, notes[-1]}, key=lambda note: note.place)


def _readable_pictures(recording: Path) -> Iterator[RecordedMessage]:
    """Every picture up to the file's end, or to where it is damaged; that it is was told when the run was read."""
    with suppress(RecordingError):
        yield from read_messages(recording, lambda topic: topic.startswith(CAMERA))


def _jpeg(message: RecordedMessage) -> str | None:
    """In base64; None for what is no picture."""
    try:
        return base64.b64encode(to_jpeg(message.picture(), QUALITY, MOST_PIXELS_WIDE)).decode()
    except (DecodeError, ValueError):
        return None


def _thinned(pictures: Mapping[str, list[FilmFrame]]) -> dict[str, tuple[FilmFrame, ...]]:
    """As many of each camera as fit, evenly spread."""
    total = sum(len(frame.jpeg) * 3 // 4 for frames in pictures.values() for frame in frames)
    kept_share = min(1.0, MOST_BYTES / max(1, total))
    return {
        camera: tuple(frames[int(place / kept_share)] for place in range(int(len(frames) * kept_share)))
        for camera, frames in pictures.items()
    }
