"""Takes views with an arm that is jogged by keys or goes about by itself: stand still, take a picture, look for the
board, keep both.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from libra_edge.cli.jog_session import JogSession
from libra_edge.errors import CameraError, ProcessError
from libra_edge.messages import Float64, Frame, UInt8
from libra_edge.protocols import MeasuringCamera
from libra_edge.runtime.jog_motion import JogMotion
from libra_edge.runtime.pose_tour import line_piece, poses_around

logger = logging.getLogger(__name__)

PIECE_S = 0.1
STILL_RAD = np.radians(0.2)
"""Two steps of an encoder."""
STILL_S = 0.4
SETTLE_S = 4.0
LOOK_S = 0.02
PICTURE_S = 2.0
BLIND_IN_A_ROW = 12
SLACK_S = 3.0
KEY_VIEW, KEY_TOUR = b"t", b"a"
KEYS = "t: take a view   a: take the rest by itself, around this pose   q: enough, calibrate"

Accept = Callable[[UInt8, Float64], bool]
"""Looks for the board in a picture taken at these joints, float64 [D] rad, and keeps both; False if it is not there."""


@dataclass(slots=True)
class ViewSession:
    """Views with one camera and one arm; used from the event loop of its JogSession.

    Attributes:
        moved: names of the joints that a tour moves, from base to hand.
        wanted: so many views, and it ends.
        taken: views so far.
    """

    session: JogSession
    camera: MeasuringCamera
    accept: Accept
    moved: Sequence[str]
    wanted: int
    speed_rad_s: float
    taken: int = 0
    _motion: JogMotion | None = None
    _task: asyncio.Task[None] | None = field(default=None)
    _pieces: int = 0

    def received(self, typed: bytes) -> None:
        """Keys of our own; jog's are passed on, and end a tour."""
        if typed in {KEY_VIEW, KEY_TOUR}:
            if self._task is None or self._task.done():
                self.begin(self._one() if typed == KEY_VIEW else self.tour())
            return
        if self._task is not None:
            self._task.cancel()
        self.session.received(typed)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a tour or a single view go on beside the session, which ends with its fault or with enough views."""
        self._task = asyncio.ensure_future(work)

    async def run(self) -> None:
        """Until there are enough views or somebody ends it. Raises CameraError, ProcessError."""
        steering = asyncio.ensure_future(self.session.run())
        try:
            while not steering.done():
                if self._task is not None and self._task.done() and not self._task.cancelled():
                    self._task.result()
                    if self.taken >= self.wanted:
                        self.session.end("enough views")
                await asyncio.sleep(LOOK_S)
            await steering
        finally:
            for task in (steering, self._task):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, CameraError, ProcessError):
                        await task

    async def tour(self) -> None:
        """Go about this pose and take views until there are enough, or none for a dozen poses in a row."""
        await self._arm_ready()
        here, blind = self.session.measured.copy(), 0
        for target in poses_around(here, self.session.robot, self.moved):
            if self.taken >= self.wanted or self.session.ended:
                break
            await self._go_to(target)
            blind = 0 if await self._take() else blind + 1
            if blind >= BLIND_IN_A_ROW:
                logger.warning("the board was not seen from %d poses in a row: the tour ends here", blind)
                self.session.end("the board is out of sight")
        await self._go_to(here)

    async def _one(self) -> None:
        await self._take()

    async def _arm_ready(self) -> None:
        """Until the arm takes chunks: it was just started."""
        while not self.session.ended and (self.session.goal is None or self.session.held):
            await asyncio.sleep(LOOK_S)

    async def _go_to(self, target: Float64) -> None:
        """Send piece after piece of the way; the governor may end it early, which a time limit notices."""
        goal, clock, self._motion = self._standing(), self.session.log.clock, None
        give_up_ns = clock.now_ns() + int(1e9 * (np.max(np.abs(target - goal)) / self.speed_rad_s + SLACK_S))
        while not self.session.ended and clock.now_ns() < give_up_ns:
            now_ns = clock.now_ns()
            start = goal if self._motion is None else self._motion.goal_at(now_ns)
            if np.max(np.abs(target - start)) < STILL_RAD / 2:
                return
            if self.session.held:
                self._motion, goal = None, self._standing()
            else:
                self._motion = line_piece(start, target, self.speed_rad_s, now_ns)
                self._pieces += 1
                self.session.servo.send_chunk(self._motion.chunk(self._pieces))
            await asyncio.sleep(PIECE_S)

    def _standing(self) -> Float64:
        """Where the arm was told to be last, float64 [D] rad."""
        return self.session.measured if self.session.goal is None else self.session.goal

    async def _take(self) -> bool:
        """One view, once the arm stands still; whether the board was in it."""
        joints = await self._still()
        if joints is None:
            logger.warning("no view: the arm does not come to rest")
            return False
        frame = await self._frame_after(self.session.log.clock.now_ns())
        again = self.session.measured
        if np.max(np.abs(again - joints)) > STILL_RAD:
            logger.warning("no view: the arm moved while the picture was taken")
            return False
        found = await asyncio.to_thread(self.accept, frame.image, joints)
        self.taken += found
        return found

    async def _still(self) -> Float64 | None:
        """The mean of the joints over a while in which they stood, float64 [D] rad; None if they do not."""
        seen: list[Float64] = []
        for _ in range(int(SETTLE_S / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            seen = [*seen, self.session.measured][-int(STILL_S / LOOK_S) :]
            if len(seen) == int(STILL_S / LOOK_S) and float(np.max(np.ptp(seen, axis=0))) <= STILL_RAD:
                mean: Float64 = np.mean(seen, axis=0)
                return mean
        return None

    async def _frame_after(self, since_ns: int) -> Frame:
        """The first picture captured after a time. Raises CameraError if there is none."""
        patience_ns = since_ns + int(PICTURE_S * 1e9)
        while True:
            frame = await asyncio.to_thread(self.camera.read, PICTURE_S)
            if frame.captured_ns >= since_ns:
                return frame
            if self.session.log.clock.now_ns() > patience_ns:
                raise CameraError(self.camera.name, f"sends only pictures that are older than {PICTURE_S:g} s")
