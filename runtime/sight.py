"""What the policy may look at: the newest frame of each camera and the newest joint state, none of them too old."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from libra_edge.errors import CameraError
from libra_edge.messages import Frame, JointState, Observation
from libra_edge.protocols import Camera, Clock

logger = logging.getLogger(__name__)

READ_TIMEOUT_S = 0.5
RETRY_S = 0.1
MAX_JOINTS_AGE_NS = 200_000_000
PAST_JOINTS = 64


class Sight:
    """Filled by `show` on the event loop, looked through by `look` on the event loop."""

    def __init__(
        self, max_frame_age_ns: Mapping[str, int], joint_state: Callable[[], JointState | None], clock: Clock
    ) -> None:
        """`max_frame_age_ns` names the cameras that must be seen, and how old their newest frame may be."""
        self._max_frame_age_ns = dict(max_frame_age_ns)
        self._joint_state = joint_state
        self._clock = clock
        self._frames: dict[str, Frame] = {}
        self._past_joints: deque[JointState] = deque(maxlen=PAST_JOINTS)

    def show(self, frame: Frame) -> None:
        """`frame` is now the newest one of its camera."""
        self._frames[frame.camera] = frame

    def remember(self, joints: JointState) -> None:
        """Joints as they were at an earlier tick, in the order of time."""
        self._past_joints.append(joints)

    def look(self) -> Observation | str:
        """What there is to see now; or, as a clause for the log, why that is not good enough to act on.

        The joints are those of the instant at which the oldest picture was taken, as far back as they are remembered:
        pictures are tens of milliseconds old, and an arm that has moved since would contradict them.
        """
        now_ns = self._clock.now_ns()
        for camera, max_age_ns in self._max_frame_age_ns.items():
            if camera not in self._frames:
                return f"camera {camera!r} has shown nothing yet"
            age_ns = now_ns - self._frames[camera].captured_ns
            if age_ns > max_age_ns:
                return f"camera {camera!r} shows nothing newer than {age_ns / 1e6:.0f} ms ago"
        joints = self._joint_state()
        if joints is None:
            return "no joint state has come yet"
        if now_ns - joints.measured_ns > MAX_JOINTS_AGE_NS:
            return f"the newest joint state is {(now_ns - joints.measured_ns) / 1e6:.0f} ms old"
        seen = Observation({name: self._frames[name] for name in self._max_frame_age_ns}, joints)
        then = min([joints, *self._past_joints], key=lambda past: abs(past.measured_ns - seen.captured_ns))
        return Observation(seen.frames, then)


@contextmanager
def camera_threads(cameras: Sequence[Camera], on_frame: Callable[[Frame], None]) -> Iterator[None]:
    """A thread a camera, each handing over every new frame; `on_frame` is called in those threads."""
    stopping = threading.Event()
    threads = [
        threading.Thread(target=_read, args=(camera, on_frame, stopping), name=f"camera {camera.name}", daemon=True)
        for camera in cameras
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(timeout=2 * READ_TIMEOUT_S)


def _read(camera: Camera, on_frame: Callable[[Frame], None], stopping: threading.Event) -> None:
    troubled = False
    while not stopping.is_set():
        try:
            frame = camera.read(READ_TIMEOUT_S)
        except CameraError as error:
            if not troubled:
                logger.warning("%s; trying on", error)
            troubled = True
            stopping.wait(RETRY_S)
            continue
        if troubled:
            logger.warning("camera %r is back", camera.name)
        troubled = False
        on_frame(frame)
