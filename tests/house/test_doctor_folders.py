"""What `libra-edge doctor` finds in the folders of a project."""

from __future__ import annotations

import os
from pathlib import Path

from libra_edge.calibration.camera.board import HELD
from libra_edge.calibration.camera.camera_file import BASE, CameraFile, FramedPlace, Residuals, write_camera_file
from libra_edge.cli import folder_checks as folders
from libra_edge.intrinsics import Intrinsics
from libra_edge.robot import open_robot

KOCH = open_robot("koch")


def test_recordings_and_where_they_come(tmp_path: Path) -> None:
    assert folders.recordings(tmp_path / "new").found == f"none yet, they come in {tmp_path / 'new'}"
    for name, seconds in (("b.mcap", 1), ("a.mcap", 2)):
        (tmp_path / name).write_bytes(bytes(50_000_000))
        os.utime(tmp_path / name, (seconds, seconds))
    check = folders.recordings(tmp_path)
    assert (check.ok, check.found) == (True, f"2 in {tmp_path}, 0.1 GB, newest a.mcap")


def test_a_calibration_is_told_with_its_residuals_and_a_missing_one_with_what_to_do(tmp_path: Path) -> None:
    place = FramedPlace(position_m=(0.1, 0.2, 0.3), quaternion=(1.0, 0.0, 0.0, 0.0), parent=BASE)
    content = CameraFile(
        robot="koch", camera="front", place=place, intrinsics=Intrinsics.of_view(640, 360, 1.0), way="held", board=HELD,
        board_place=place, views=15, corners=300, standard_error=None,
        residuals=Residuals(reprojection_px=0.214, shift_mm=0.5, turn_deg=0.1),
    )  # fmt: skip
    (tmp_path / "koch").mkdir()
    write_camera_file(content, tmp_path / "koch" / "front.json")
    front, wrist = folders.camera_calibrations(KOCH, "my.toml", tmp_path)
    assert (front.ok, front.found) == (True, f"{tmp_path}/koch/front.json, 0.21 px from 15 views")
    assert (wrist.ok, wrist.needed) == (False, False)
    assert wrist.advice.endswith("libra-edge calibrate camera --robot my.toml --camera wrist")


def test_a_calibration_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "koch").mkdir()
    (tmp_path / "koch" / "front.json").write_text("{}")
    check = folders.camera_calibrations(KOCH, "my.toml", tmp_path)[0]
    assert "cannot be read" in check.found
    assert "make it anew" in check.advice


def test_the_arms_calibration(tmp_path: Path) -> None:
    check = folders.arm_calibration(KOCH, "my.toml", tmp_path)
    assert (check.ok, check.needed) == (False, False)
    assert "libra-edge calibrate arm --robot my.toml" in check.advice
    (tmp_path / "koch").mkdir()
    (tmp_path / "koch" / "arm.json").write_text("{}")
    assert folders.arm_calibration(KOCH, "my.toml", tmp_path).ok


def test_a_calibration_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "koch").mkdir()
    (tmp_path / "koch" / "front.json").write_bytes(b" " * 300_000)
    check = folders.camera_calibrations(KOCH, "my.toml", tmp_path)[0]
    assert not check.ok
    assert "is larger than 200000 bytes" in check.found
