"""Views on disk: what was kept is read again, and what somebody made wrongly is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from libra_edge.calibration.camera.board import HELD
from libra_edge.calibration.camera.view_folder import ViewIndex, ViewKeeper, ViewRecord, read_index, read_picture
from libra_edge.errors import CameraCalibrationError
from libra_edge.intrinsics import Intrinsics

SMALL = Intrinsics(width=32, height=18, fx=30.0, fy=30.0, cx=15.5, cy=8.5)
PICTURE = np.random.default_rng(1).integers(0, 256, (18, 32, 3), dtype=np.uint8)
JOINTS = {"shoulder_pan": 1.25, "gripper": -40.0}


def described(views: tuple[ViewRecord, ...]) -> ViewIndex:
    return ViewIndex(
        robot="koch", camera="front", way="held", link="wrist_roll", board=HELD, intrinsics=SMALL, views=views
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    keeper = ViewKeeper(tmp_path / "views", described)
    assert [keeper.keep(PICTURE, JOINTS), keeper.keep(PICTURE[::-1].copy(), JOINTS)] == ["000.png", "001.png"]
    return keeper.folder


def test_what_was_kept_is_read_again(kept: Path) -> None:
    index = read_index(kept)
    assert [view.picture for view in index.views] == ["000.png", "001.png"]
    assert dict(index.views[0].joints_deg or {}) == JOINTS
    np.testing.assert_array_equal(read_picture(kept, "001.png", SMALL), PICTURE[::-1])


def test_views_are_never_written_over(kept: Path) -> None:
    with pytest.raises(CameraCalibrationError, match="holds views already; give another --out, or use them: --from"):
        ViewKeeper(kept, described)


def changed(**what: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "views.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **what}))

    return change


HAND = {"position_m": [0.1, 0.0, 0.1], "quaternion": [1.0, 0.0, 0.0, 0.0]}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "views.json").unlink(), r"there is no views\.json; give a folder"),
        (lambda folder: (folder / "views.json").write_text("{"), "Invalid JSON"),
        (lambda folder: (folder / "views.json").write_bytes(b" " * 2_000_001), "larger than 1 MiB"),
        (changed(way="lying"), "board_place belongs to the way 'lying'"),
        (changed(views=[{"picture": "../../etc/passwd", "hand": HAND}]), "String should match pattern"),
        (changed(views=[{"picture": "000.png"}]), "has neither joints_deg nor hand"),
        (changed(views=[{"picture": "000.png", "hand": HAND, "joints_deg": JOINTS}]), "not both"),
        (changed(views=[{"picture": "a", "hand": {**HAND, "quaternion": [0, 0, 0, 0]}}]), "length 1, this one 0.000"),
        (changed(views=[{"picture": "a", "joints_deg": {"a": float("nan")}}]), "finite number|NaN"),
        (changed(surprise=1), "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_index_is_refused(kept: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(kept)
    with pytest.raises(CameraCalibrationError, match=words) as caught:
        read_index(kept)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: Image.fromarray(PICTURE[:9]).save(path, "PNG"), "is 32x9, but the intrinsics are of 32x18"),
        (lambda path: path.write_text("no picture"), "neither a PNG nor a JPEG"),
        (lambda path: Image.fromarray(PICTURE).save(path, "BMP"), "neither a PNG nor a JPEG"),
        (lambda path: path.write_bytes(path.read_bytes()[:-900]), "cannot be read"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_a_wrong_picture_is_refused(kept: Path, make: Callable[[Path], None], words: str) -> None:
    make(kept / "000.png")
    with pytest.raises(CameraCalibrationError, match=words):
        read_picture(kept, "000.png", SMALL)


def test_an_interrupted_write_leaves_the_last_index(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (kept / "views.json").read_bytes()
    keeper = ViewKeeper(kept / "more", described)

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(Exception, match="No space left on device"):
        keeper.keep(PICTURE, JOINTS)
    assert (kept / "views.json").read_bytes() == before
    assert list((kept / "more").iterdir()) == []
