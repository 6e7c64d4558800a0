"""What the policy may look at: the newest frame of each camera and the newest joint state, none of them too old."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from libra_edge.messages import Frame, JointState, Observation
from libra_edge.protocols import Clock

MAX_JOINTS_AGE_NS = 200_000_000
PAST_JOINTS = 64


class Sight:
    """Filled by `show` on the event loop, looked through by `look` on the event loop.

    Attributes:
        not_before_ns: pictures taken before this are not looked at, however fresh: the process was paused since.
    """

    def __init__(
        self, max_frame_age_ns: Mapping[str, int], joint_state: Callable[[], JointState | None], clock: Clock
    ) -> None:
        """`max_frame_age_ns` names the cameras that must be seen, and how old their newest frame may be."""
        self._max_frame_age_ns = dict(max_frame_age_ns)
        self._joint_state = joint_state
        self._clock = clock
        self._frames: dict[str, Frame] = {}
        self._past_joints: deque[JointState] = deque(maxlen=PAST_JOINTS)
        self.not_before_ns = 0

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
        if (blind := self.blind_camera(now_ns)) is not None:
            camera, clause = blind
            return f"camera {camera!r} {clause}"
        joints = self._joint_state()
        if joints is None:
            return "no joint state has come yet"
        if now_ns - joints.measured_ns > MAX_JOINTS_AGE_NS:
            return f"the newest joint state is {(now_ns - joints.measured_ns) / 1e6:.0f} ms old"
        seen = Observation({name: self._frames[name] for name in self._max_frame_age_ns}, joints)
        then = min([joints, *self._past_joints], key=lambda past: abs(past.measured_ns - seen.captured_ns))
        return Observation(seen.frames, then)

    def blind_camera(self, now_ns: int) -> tuple[str, str] | None:
        """A camera whose newest picture must not be acted on, and why, as a clause; None if there is none."""
        for camera, max_age_ns in self._max_frame_age_ns.items():
            if camera not in self._frames:
                return camera, "has shown nothing yet"
            captured_ns = self._frames[camera].captured_ns
            if captured_ns < self.not_before_ns:
                return camera, "has shown nothing since the policy process stood still"
            if captured_ns > now_ns:
                return camera, "shows the future; its time stamps are wrong"
            if now_ns - captured_ns > max_age_ns:
                return camera, f"shows nothing newer than {(now_ns - captured_ns) / 1e6:.0f} ms ago"
        return None
