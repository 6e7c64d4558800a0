"""Single pictures out of a video: the right one wherever it lies, or a clause that says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from libra_edge.calibration.video_file import pictures_at
from libra_edge.messages import UInt8
from libra_edge.model_spec import CameraSection
from tests.calibration.lerobot_writer import FPS, write_video
from tests.calibration.scenes import scenes

CAMERA = CameraSection(name="front", width=64, height=48, used_by=("planner",))
LENGTH = 180
TOLERANCE_S = 0.5 / FPS


@pytest.fixture(scope="module")
def shots() -> UInt8:
    return scenes(1, LENGTH, 48, 64)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, shots: UInt8) -> Path:
    path = tmp_path_factory.mktemp("videos") / "file-000.mp4"
    write_video(path, shots, "libx264")
    return path


def nearest(picture: UInt8, shots: UInt8) -> int:
    return int(np.argmin(np.abs(picture.astype(np.int16) - shots).mean(axis=(1, 2, 3))))


def test_pictures_are_found_near_and_far(video: Path, shots: UInt8) -> None:
    frames = [0, 1, 5, 11, 12, 13, 60, 61, 91, 92, 150, 179]
    found = pictures_at(video, [frame / FPS for frame in frames], CAMERA, tolerance_s=TOLERANCE_S)
    assert [nearest(picture, shots) for picture in found] == frames


@pytest.mark.parametrize("shift", [-0.4, 0.4])
def test_a_time_between_frames_gives_the_nearest(video: Path, shots: UInt8, shift: float) -> None:
    times = [(frame + shift) / FPS for frame in (40, 77)]
    found = pictures_at(video, times, CAMERA, tolerance_s=TOLERANCE_S)
    assert [nearest(picture, shots) for picture in found] == [40, 77]


@pytest.mark.parametrize("frame", [LENGTH, 10 * LENGTH])
def test_a_time_after_the_end_is_refused(video: Path, frame: int) -> None:
    with pytest.raises(ValueError, match=r"file-000\.mp4 has no frame at"):
        list(pictures_at(video, [frame / FPS], CAMERA, tolerance_s=TOLERANCE_S))


def test_a_time_in_a_gap_is_refused(tmp_path: Path, shots: UInt8) -> None:
    path = tmp_path / "file-000.mp4"
    write_video(path, shots[:20], "libx264", numbers=[*range(10), *range(15, 25)])
    assert len(list(pictures_at(path, [9 / FPS, 15 / FPS], CAMERA, tolerance_s=TOLERANCE_S))) == 2
    with pytest.raises(ValueError, match=r"file-000\.mp4 has no frame at 0\.400 s"):
        list(pictures_at(path, [12 / FPS], CAMERA, tolerance_s=TOLERANCE_S))


def test_a_damaged_video_is_refused(tmp_path: Path, video: Path) -> None:
    content = bytearray(video.read_bytes())
    begin = content.index(b"mdat") + len(content) // 3
    content[begin : begin + 3000] = bytes(3000)
    (tmp_path / "file-000.mp4").write_bytes(content)
    times = [frame / FPS for frame in range(LENGTH)]
    with pytest.raises(ValueError, match="is damaged or holds no pictures"):
        list(pictures_at(tmp_path / "file-000.mp4", times, CAMERA, tolerance_s=TOLERANCE_S))


def test_something_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file-000.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match="is damaged or holds no pictures"):
        list(pictures_at(tmp_path / "file-000.mp4", [0.0], CAMERA, tolerance_s=TOLERANCE_S))
