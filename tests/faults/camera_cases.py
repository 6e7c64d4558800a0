"""What can go wrong with a camera, each as a scenario for the policy side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from libra_edge.messages import Frame
from tests.faults.failing_camera import CameraRig
from tests.faults.policy_side import PolicySide, until


@dataclass(frozen=True)
class CameraCase:
    """One fault.

    Attributes:
        word: in the line that announces it.
        blinding: the arm must hold while it lasts; otherwise it must go on.
        break_it, mend_it: what happens to the camera.
        wire_only: seen by the driver over librealsense; frames that are handed over directly cannot break like this.
        tried: how often somebody must have tried to open the camera before it is mended.
        mended: False leaves it broken until the run ends.
    """

    name: str
    word: str
    blinding: bool
    break_it: Callable[[CameraRig], None]
    mend_it: Callable[[CameraRig], None]
    wire_only: bool = False
    tried: int = 1
    mended: bool = True

    async def scenario(self, side: PolicySide) -> None:
        """Break the front camera, see what happens, mend it, and wait for chunks made from new pictures."""
        rig = side.cameras[0]
        side.inject()
        self.break_it(rig)
        if self.blinding:
            await side.holding()
            await until(lambda: side.stood_ms() is not None and rig.opened >= self.tried)
        else:
            await until(lambda: any(self.word in fault.kind for fault in side.faults))
            await side.chunks(2)
        await until(lambda: self.mended)
        side.heal()
        self.mend_it(rig)
        await until(lambda: side.moved_after_ms() is not None)
        await side.chunks(2)


def _feed(feed: Callable[[], Callable[[Frame], Frame | None]]) -> Callable[[CameraRig], None]:
    def put(rig: CameraRig) -> None:
        rig.fault = feed()

    return put


def _all_well() -> Callable[[Frame], Frame | None]:
    return lambda frame: frame


def _lost() -> Callable[[Frame], Frame | None]:
    return lambda _frame: None


def _frozen() -> Callable[[Frame], Frame | None]:
    kept: list[Frame] = []

    def feed(frame: Frame) -> Frame:
        kept.append(frame) if not kept else None
        return replace(frame, image=kept[0].image)

    return feed


def _repeated_number() -> Callable[[Frame], Frame | None]:
    kept: list[Frame] = []

    def feed(frame: Frame) -> Frame:
        kept.append(frame) if not kept else None
        return replace(frame, number=kept[0].number)

    return feed


def _black() -> Callable[[Frame], Frame | None]:
    return lambda frame: replace(frame, image=frame.image % np.uint8(8))


def _half() -> Callable[[Frame], Frame | None]:
    return lambda frame: replace(frame, number=frame.number // 2) if frame.number % 2 == 0 else None


def _skipping() -> Callable[[Frame], Frame | None]:
    return lambda frame: None if frame.number % 5 == 0 else frame


def _stamps_moved(by_s: float) -> Callable[[CameraRig], None]:
    moved_ns = round(by_s * 1e9)
    return _feed(lambda: lambda frame: replace(frame, captured_ns=frame.captured_ns + moved_ns))


def _unplug(rig: CameraRig) -> None:
    rig.plugged, rig.lost = False, True


def _plug(rig: CameraRig) -> None:
    rig.plugged = True


def _set_back_again(rig: CameraRig) -> None:
    """A clock stays where it was set: there is nothing to mend."""


MEND = _feed(_all_well)

CASES = (
    CameraCase("stalled", "sent no frame", True, _feed(_lost), MEND),
    CameraCase("frozen picture, fresh stamps", "equal to the last bit", True, _feed(_frozen), MEND, wire_only=True),
    CameraCase("repeated frame numbers", "same frame again", True, _feed(_repeated_number), MEND, wire_only=True),
    CameraCase("skipped frame numbers", "skips pictures", False, _feed(_skipping), MEND),
    CameraCase("black", "black only", True, _feed(_black), MEND),
    CameraCase("half rate", "its profile says", False, _feed(_half), MEND),
    CameraCase("unplugged and back", "sent no frame", True, _unplug, _plug, wire_only=True, tried=3),
    CameraCase("clock set forward", "clock set", False, _stamps_moved(10.0), _set_back_again, wire_only=True),
    CameraCase("clock set back", "clock set", False, _stamps_moved(-10.0), _set_back_again, wire_only=True),
)
BLIND_FOR_GOOD = CameraCase("stalled for good", "sent no frame", True, _feed(_lost), MEND, mended=False)
