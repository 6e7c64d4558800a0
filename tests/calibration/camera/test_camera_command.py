"""`libra-edge calibrate camera`: from a folder of views to file, picture and JSON; bad input ends in one sentence."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from libra_edge.calibration.camera.board import CELLS, HELD
from libra_edge.calibration.camera.camera_file import CameraFile
from libra_edge.calibration.camera.opencv_library import load_opencv
from libra_edge.calibration.camera.transform import Transform, rotation_of_vector
from libra_edge.calibration.camera.view_folder import PlaceRecord, ViewIndex, ViewRecord
from libra_edge.cli.main import run_command
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import UInt8
from libra_edge.robot import open_robot
from libra_edge.runtime.forward_kinematics import ForwardKinematics
from tests.calibration.camera.bench import distance, hands_around, looking_at
from tests.jog.typist import in_a_terminal

LENS = Intrinsics(width=640, height=360, fx=460.0, fy=460.0, cx=321.0, cy=178.0)
CAMERA = looking_at((0.36, 0.02, 0.27), (0.16, 0.0, 0.10))
HAND = Transform(np.eye(3), np.array([0.14, 0.0, 0.12]))
ASIDE = Transform(rotation_of_vector(np.array([0.5, 0.4, 0.2])), np.array([-0.04, -0.03, 0.24]))
FACING = HAND.inverse @ CAMERA @ ASIDE


def photograph(board_in_camera: Transform) -> UInt8:
    """The board as a camera sees it, by a homography: uint8 [H, W, 3]."""
    cv2 = load_opencv()
    scale, margin = 8, 4
    drawn = np.pad(HELD.cells(), margin, constant_values=255).repeat(scale, 0).repeat(scale, 1)
    cell_m = HELD.square_mm / 1e3 / CELLS
    height, width = drawn.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    on_board = np.pad((corners / scale - margin) * cell_m, ((0, 0), (0, 1)))
    seen = LENS.projected(board_in_camera.apply(on_board))
    warp = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), seen.astype(np.float32))
    fine = 3
    finer = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2], [0, 0, 1]])
    size = (LENS.width * fine, LENS.height * fine)
    big = cv2.warpPerspective(drawn, finer @ warp, size, flags=cv2.INTER_AREA, borderValue=128)
    grey = cv2.resize(big, (LENS.width, LENS.height), interpolation=cv2.INTER_AREA)
    picture: UInt8 = np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)
    return picture


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten views with the hand's own place in each, as somebody with another arm would write them."""
    path = tmp_path_factory.mktemp("views")
    records = []
    for number, hand in enumerate(hands_around(HAND, 10, turn_rad=0.35, shift_m=0.03)):
        Image.fromarray(photograph(CAMERA.inverse @ hand @ FACING)).save(path / f"{number}.png")
        records.append(ViewRecord(picture=f"{number}.png", hand=PlaceRecord.of(hand)))
    index = ViewIndex(robot="koch", camera="front", way="held", board=HELD, intrinsics=LENS, views=tuple(records))
    (path / "views.json").write_text(index.model_dump_json(exclude_none=True))
    return path


def test_a_folder_becomes_a_file_a_picture_and_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "front.json"
    assert run_command(["calibrate", "camera", "--from", str(folder), "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = CameraFile.model_validate_json(out.read_text())
    shift_mm, turn_deg = distance(found.place.transform, CAMERA)
    assert shift_mm < 2.0
    assert turn_deg < 0.5
    assert (printed["file"], printed["views"], printed["place"]["parent"]) == (str(out), 10, "base")
    assert printed["residuals"]["reprojection_px"] == found.residuals.reprojection_px < 0.5
    with Image.open(printed["picture"]) as picture:
        assert picture.format == "PNG"
        assert len(picture.getcolors(1 << 24) or []) > 10
    assert sorted(path.name for path in out.parent.iterdir()) == ["front.json", "front.png"]


def test_joint_angles_serve_as_well_as_the_hands_place(folder: Path, tmp_path: Path) -> None:
    robot = open_robot("koch")
    joints = np.radians([5.0, 7.0, -14.0, -60.0, 10.0, -20.0])
    rotation, origin = ForwardKinematics.of(robot).link(joints, "wrist_roll")
    hand = Transform(rotation, origin)
    index = json.loads((folder / "views.json").read_text())
    Image.fromarray(photograph(CAMERA.inverse @ hand @ FACING)).save(tmp_path / "angles.png")
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes((folder / f"{number}.png").read_bytes())
    angles = dict(zip(robot.joint_names, np.degrees(joints).tolist(), strict=True))
    index["views"].append({"picture": "angles.png", "joints_deg": angles})
    (tmp_path / "views.json").write_text(json.dumps(index))
    out = tmp_path / "out.json"
    assert run_command(["calibrate", "camera", "--from", str(tmp_path), "--out", str(out)]) == 0
    assert distance(CameraFile.model_validate_json(out.read_text()).place.transform, CAMERA)[0] < 2.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "nowhere"], "nowhere: there is no views.json"),
        (["--robot", "kock"], "unknown robot 'kock'"),
        (["--camera", "rear"], "has no camera 'rear'; it has: front, wrist"),
        (["--way", "lying"], "--way lying needs --place"),
        (["--way", "lying", "--place", "1,2"], "is not X,Y,DEGREES"),
        (["--place", "1,2,3"], "--place belongs to --way lying"),
        (["--squares", "6by5"], "is not COLUMNSxROWS"),
        (["--squares", "2x2"], "greater than or equal to 3"),
        (["--squares", "30x30"], "at most 500 squares"),
        (["--size", "big"], "is not WIDTHxHEIGHT"),
        (["--link", "elbow"], "--link 'elbow' turns no link"),
        (["--views", "3"], "--views 3 is too few"),
        (["--out", "front.toml"], "the result is JSON"),
        (["--print", "board.png"], "ends in .pdf"),
        ([], "start it in a terminal, or let the arm go about by itself with --auto"),
    ],
)
def test_bad_input_ends_in_one_sentence(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["calibrate", "camera", *arguments]) == 2
    said = capsys.readouterr()
    assert words in " ".join(said.err.split())
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_the_board_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "board.pdf"
    assert run_command(["calibrate", "camera", "--print", str(page), "--squares", "5x4", "--json"]) == 0
    assert page.read_bytes().startswith(b"%PDF-1.4")
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert printed == {"board": str(page), "columns": 5, "rows": 4, "square_mm": 15.0}


def test_without_opencv_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> ModuleType:
        if name == "cv2":
            raise ImportError("No module named 'cv2'")
        return import_module(name)

    load_opencv.cache_clear()
    monkeypatch.setattr("libra_edge.calibration.camera.opencv_library.importlib.import_module", missing)
    try:
        code = run_command(["calibrate", "camera", "--print", str(tmp_path / "board.pdf")])
    finally:
        load_opencv.cache_clear()
    assert code == 2
    assert "pip install 'libra-edge[calibrate]'" in capsys.readouterr().err


@pytest.mark.soak
def test_an_arm_that_goes_about_by_itself_finds_its_camera(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "front.json"
    words = "calibrate camera --robot koch-sim --auto --views 12 --speed-deg-s 40 --size 1280x720@6 --json --out"
    assert run_command([*words.split(), str(out)]) == 0
    found = CameraFile.model_validate_json(out.read_text())
    shift_mm = 1e3 * float(np.linalg.norm(found.place.transform.translation - [0.36, 0.0, 0.27]))
    assert shift_mm < 2.0
    assert found.standard_error is not None
    again = tmp_path / "again.json"
    kept = json.loads(capsys.readouterr().out.splitlines()[-1])["folder"]
    assert run_command(["calibrate", "camera", "--robot", "koch-sim", "--from", kept, "--out", str(again)]) == 0
    shift, turn = distance(CameraFile.model_validate_json(again.read_text()).place.transform, found.place.transform)
    assert max(shift, turn) < 0.01


@pytest.mark.soak
def test_keys_take_views_and_a_tour_and_end_it(tmp_path: Path) -> None:
    words = "calibrate camera --robot koch-sim --size 640x360@15 --speed-deg-s 60 --out"
    with in_a_terminal([*words.split(), str(tmp_path / "front.json")]) as typist:
        typist.wait_for("q: enough, calibrate")
        typist.wait_for("shoulder_pan")
        typist.type(b"t")
        typist.wait_for("views 1, corners")
        typist.type(b"a")
        typist.wait_for("views 3, corners")
        typist.type(b"q")
        code, _ = typist.ending()
    assert code == 2
    assert "at least 8 are needed" in " ".join(typist.shown.split())
    kept = sorted(path.name for path in (tmp_path / "front-views").iterdir())
    assert kept[:3] == ["000.png", "001.png", "002.png"]
    assert kept[-1] == "views.json"
    assert not (tmp_path / "front.json").exists()
