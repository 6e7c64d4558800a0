"""`libra-edge calibrate camera`: where a camera stands, seen from the arm's base, by a printed board."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from rich.table import Table

from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.errors import ConfigError
from libra_edge.locate import CALIBRATIONS
from libra_edge.robot import open_robot

if TYPE_CHECKING:
    from libra_edge.calibration.camera.camera_file import CameraFile
    from libra_edge.calibration.camera.solution import Solution
    from libra_edge.cli.camera_wish import CameraWish

logger = logging.getLogger(__name__)

FILE = click.Path(path_type=Path)
WAYS = ("held", "lying", "carried")
SUSPECT_M = 0.005


class _Names(NamedTuple):
    """Of whom the result speaks; `link` is None for a lying board."""

    robot: str
    camera: str
    link: str | None


@click.command("camera")
@click.option("--robot", "robot_name", default="koch", show_default=True, help="Name of a robot, or its file.")
@click.option("--camera", help="Which of its cameras; the first by default.")
@click.option(
    "--way",
    type=click.Choice(WAYS),
    default="held",
    show_default=True,
    help="The hand holds the board, the board lies at a known place, or the hand carries the camera.",
)
@click.option("--place", metavar="X,Y,DEG", help="Where a lying board's first corner is, mm, and how its rows turn.")
@click.option("--squares", metavar="CxR", help="Columns and rows of the board; 6x5 held, 9x6 otherwise.")
@click.option("--square-mm", type=click.FloatRange(2, 300), help="Width of a square as printed; 15 held, else 28.")
@click.option("--link", help="The joint whose link carries board or camera; the one before the gripper by default.")
@click.option("--views", type=click.IntRange(1, 200), help="How many views; 15, or 5 of a lying board.")
@click.option("--size", default="1280x720", show_default=True, help="Stream to calibrate with: WxH or WxH@FPS.")
@click.option("--auto", is_flag=True, help="The arm goes about its present pose by itself; mind your fingers.")
@click.option("--speed-deg-s", type=click.FloatRange(0.1, 60.0), default=15.0, show_default=True, help="Of a joint.")
@click.option("--on-exit", type=click.Choice(["hold", "rest", "release"]), default="hold", show_default=True)
@click.option("--print", "page", type=FILE, help="Write the board as a PDF at true scale, and nothing else.")
@click.option("--from", "folder", type=FILE, help="Use the views in this folder instead of an arm and a camera.")
@click.option(
    "--out", type=FILE, help="Result; calibrations/ROBOT/CAMERA.json by default, views and picture beside it."
)
@json_option
def command(*, page: Path | None, as_json: bool, **options: Any) -> None:
    """Find where a camera stands, seen from the arm's base, by a printed board.

    \b
    Example:
      libra-edge calibrate camera --print board.pdf
      libra-edge calibrate camera --robot koch --camera front
      libra-edge calibrate camera --robot koch --from calibrations/koch/front-views
    """  # noqa: D301 - click reads the \b
    result = _calibrate(**options) if page is None else _print(page, options)
    if as_json:
        print_json(result)


def _print(page: Path, options: dict[str, Any]) -> dict[str, Any]:
    from libra_edge.calibration.camera.board_pdf import write_page  # noqa: PLC0415 - OpenCV is an extra
    from libra_edge.calibration.camera.way import Way  # noqa: PLC0415
    from libra_edge.cli.camera_wish import chosen_board  # noqa: PLC0415

    board = chosen_board(Way(options["way"]), options["squares"], options["square_mm"])
    write_page(board, page)
    logger.info("%s: print it at 100 %% (no fitting to the page) and check the bar with a ruler", page)
    return {"board": str(page), **board.model_dump()}


def _calibrate(**options: Any) -> dict[str, Any]:
    from libra_edge.calibration.camera.solution import solve  # noqa: PLC0415 - OpenCV is an extra
    from libra_edge.cli import camera_views  # noqa: PLC0415

    folder, link = options["folder"], options["link"]
    if folder is not None:
        robot = open_robot(options["robot_name"])
        setup, views, index = camera_views.views_from_folder(folder, robot, link)
        camera, link, out = index.camera, link or index.link, options["out"]
    else:
        wish = _wish(options)
        lying = wish.place is not None
        setup, views = (camera_views.views_of_lying_board if lying else camera_views.views_with_arm)(wish)
        robot, camera, link, out = wish.robot, wish.camera, None if lying else wish.link, options["out"]
        folder = wish.keep
    solution = solve(views, setup)
    names = _Names(robot.name, camera, link)
    return _deliver(solution, names, _out(out, robot.name, camera), folder)


def _wish(options: dict[str, Any]) -> CameraWish:
    """Raises ConfigError, BadParameter."""
    from libra_edge.calibration.camera.way import Way  # noqa: PLC0415 - OpenCV is an extra
    from libra_edge.cli import camera_wish  # noqa: PLC0415

    way, robot_name = Way(options["way"]), options["robot_name"]
    robot, camera = camera_wish.resized(open_robot(robot_name), options["camera"], options["size"])
    place = camera_wish.chosen_place(way, options["place"])
    lying = way is Way.LYING
    views = options["views"] or (5 if lying else 15)
    if views < way.fewest_views:
        raise ConfigError(f"--views {views} is too few: --way {way.value} needs at least {way.fewest_views}")
    return camera_wish.CameraWish(
        robot,
        robot_name,
        camera,
        way,
        "" if lying else camera_wish.chosen_link(robot, options["link"]),
        camera_wish.chosen_board(way, options["squares"], options["square_mm"]),
        place,
        views,
        float(np.radians(options["speed_deg_s"])),
        options["on_exit"],
        options["auto"],
        keep=_views_folder(_out(options["out"], robot.name, camera)),
    )


def _out(out: Path | None, robot: str, camera: str) -> Path:
    path = out or CALIBRATIONS / robot / f"{camera}.json"
    if path.suffix != ".json":
        raise ConfigError(f"--out {path}: the result is JSON; give a name that ends in .json")
    return path


def _views_folder(out: Path) -> Path:
    """The first free one beside the result, so that no views are ever written over."""
    folders = (out.with_name(f"{out.stem}-views{number}") for number in ("", *(f"-{i}" for i in range(2, 1000))))
    return next(folder for folder in folders if not folder.exists())


def _deliver(solution: Solution, names: _Names, out: Path, folder: Path) -> dict[str, Any]:
    """Write result and picture, and say what they hold."""
    from libra_edge.calibration.camera.camera_file import camera_file, write_camera_file  # noqa: PLC0415
    from libra_edge.calibration.camera.residual_picture import residual_picture  # noqa: PLC0415
    from libra_edge.calibration.whole_file import write_whole  # noqa: PLC0415 - OpenCV is an extra

    content = camera_file(solution, robot=names.robot, camera=names.camera, link=names.link)
    picture = out.with_suffix(".png")
    write_camera_file(content, out)
    write_whole(picture, residual_picture(solution, f"{names.robot}, camera {names.camera}, in {content.place.parent}"))
    _show(solution, content, out, picture)
    document = content.model_dump(mode="json")
    kept = ("robot", "camera", "place", "views", "corners", "residuals", "standard_error")
    return {"file": str(out), "picture": str(picture), "folder": str(folder), **{key: document[key] for key in kept}}


def _show(solution: Solution, content: CameraFile, out: Path, picture: Path) -> None:
    table = Table("view", "corners", "reprojection, px", "board off, mm", "board off, deg")
    for one in solution.views:
        turn = f"{np.degrees(one.turn_rad):.2f}"
        table.add_row(one.view.name, str(len(one.pixels)), f"{one.rms_px:.2f}", f"{one.shift_m * 1e3:.2f}", turn)
    console = stderr_console()
    console.print(table)
    x, y, z = (f"{metres * 1e3:.1f}" for metres in content.place.position_m)
    console.print(f"Camera {content.camera} is at x {x}, y {y}, z {z} mm in the frame of {content.place.parent}.")
    if content.standard_error is not None:
        error = content.standard_error
        console.print(f"Standard error {error.shift_mm:.2f} mm and {error.turn_deg:.2f} deg, by leaving out each view.")
    console.print(f"Result: {out}, residuals: {picture}")
    if solution.shift_m > SUSPECT_M:
        logger.warning(
            "the board is %.1f mm (rms) from where the arm says it is: it moved in the hand, or the arm's zeros "
            "are off; see docs/calibration-camera.md",
            solution.shift_m * 1e3,
        )
