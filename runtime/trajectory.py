"""The chunks in use as one continuous line of goal positions over time.

A chunk's knots are: where the line stood when the chunk began, then its rows, each at the end of its control step. The
line passes through them, and from chunk to chunk, without a jump in position or velocity (smooth_line.py); where chunks
run out it comes to rest at the last knot within one control step. Pure with regard to time: every instant is passed in,
in nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from libra_edge.messages import ActionChunk, Float64
from libra_edge.runtime.smooth_line import PathPoint, between, faded, slopes_through

MAX_TRACKS = 8
"""One in use and a few announced for the future; a policy that announces more is talking nonsense."""


@dataclass(frozen=True, slots=True, eq=False)
class TrajectoryPoint:
    """What the trajectory asks for at one instant.

    Attributes:
        goal: float64 [D] rad.
        chunk_id, captured_ns: of the chunk in use; None before the first one.
        plan_age_steps: age of the plan behind it in the control step of this instant; None before the first chunk.
        exhausted: the last knot has passed (or there never was one): the goal stands.
    """

    goal: Float64
    chunk_id: int | None
    plan_age_steps: int | None
    captured_ns: int | None
    exhausted: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """One chunk's line, in force from `from_ns` on.

    `offset` is what separated the line from the commanded goal, in position and slope, when a late chunk was joined; it
    fades to zero within one control step. Slopes are float64 [D] rad a control step.
    """

    chunk: ActionChunk | None
    knots: Float64
    slopes: Float64
    start_ns: int
    step_ns: int
    from_ns: int
    offset: PathPoint | None

    def step_at(self, time_ns: int) -> int:
        return (time_ns - self.start_ns) // self.step_ns

    def path_at(self, time_ns: int) -> PathPoint:
        line = self.line_at(time_ns)
        passed_ns = time_ns - self.from_ns
        if self.offset is None or passed_ns >= self.step_ns:
            return line
        left = faded(self.offset, passed_ns / self.step_ns)
        return PathPoint(line.position + left.position, line.slope + left.slope)

    def line_at(self, time_ns: int) -> PathPoint:
        """The chunk's own line; a knot's very instant gives that knot bit for bit."""
        step, within_ns = divmod(time_ns - self.start_ns, self.step_ns)
        last = len(self.knots) - 1
        if step < 0 or (within_ns == 0 and step <= last):
            return self._knot(max(step, 0))
        if step < last:
            return between(self._knot(step), self._knot(step + 1), within_ns / self.step_ns)
        rest = faded(
            PathPoint(np.zeros_like(self.knots[last]), self.slopes[last]), (time_ns - self.end_ns) / self.step_ns
        )
        return PathPoint(self.knots[last] + rest.position, rest.slope)

    @property
    def end_ns(self) -> int:
        return self.start_ns + (len(self.knots) - 1) * self.step_ns

    def _knot(self, number: int) -> PathPoint:
        return PathPoint(self.knots[number], self.slopes[number])

    def point_at(self, time_ns: int) -> TrajectoryPoint:
        goal = self.path_at(time_ns).position
        if self.chunk is None:
            return TrajectoryPoint(goal, None, None, None, exhausted=True)
        chunk = self.chunk
        row = min(max(self.step_at(time_ns), 0), len(chunk.positions) - 1)
        return TrajectoryPoint(
            goal, chunk.chunk_id, chunk.plan_age_steps + row, chunk.captured_ns, exhausted=time_ns > chunk.end_ns
        )


class Trajectory:
    """The goal line of `joints` joints. Call `start` first, then `accept` and `sample`, in the order of time."""

    def __init__(self, joints: int) -> None:
        self._joints = joints
        self._tracks: list[_Track] = []

    def start(self, pose: Float64, now_ns: int) -> None:
        """Forget every chunk and stand at `pose`, float64 [D] rad, from which the next chunk will ramp."""
        knots = self._checked(pose[np.newaxis])
        slopes = np.zeros_like(knots)
        self._tracks = [_Track(None, knots, slopes, start_ns=now_ns, step_ns=1, from_ns=now_ns, offset=None)]

    def accept(self, chunk: ActionChunk, now_ns: int) -> bool:
        """Follow `chunk` from its start on, or from now if that has passed; whatever it overlaps gives way.

        False if there is nothing left to draw from it (its end has passed) or too many lie ahead of it.
        Raises ValueError for wrong shapes, non-finite goals or a step that is not positive.
        """
        if not self._tracks:
            raise ValueError("the trajectory must be started before it accepts a chunk")
        if chunk.step_ns <= 0:
            raise ValueError(f"chunk {chunk.chunk_id}: a control step of {chunk.step_ns} ns")
        rows = self._checked(chunk.positions)
        earlier = [track for track in self._tracks if track.from_ns < chunk.start_ns]
        if chunk.end_ns <= now_ns or len(earlier) >= MAX_TRACKS:
            return False
        from_ns = max(chunk.start_ns, now_ns)
        track = self._track_of(chunk, rows, from_ns)
        self._tracks = [kept for kept in self._tracks if kept.from_ns < from_ns]
        self._tracks.append(track)
        return True

    def sample(self, now_ns: int) -> TrajectoryPoint:
        """The goal at `now_ns`, and what it rests on. Raises ValueError before `start`."""
        if not self._tracks:
            raise ValueError("the trajectory has not been started")
        current = self._track_at(now_ns)
        self._tracks = self._tracks[self._tracks.index(current) :]
        return current.point_at(now_ns)

    def _track_of(self, chunk: ActionChunk, rows: Float64, from_ns: int) -> _Track:
        before = self._path_at(chunk.start_ns, chunk.step_ns)
        knots = np.concatenate([before.position[np.newaxis], rows])
        slopes = slopes_through(knots, before.slope)
        track = _Track(chunk, knots, slopes, chunk.start_ns, chunk.step_ns, from_ns, offset=None)
        if from_ns == chunk.start_ns:
            return track
        commanded, line = self._path_at(from_ns, chunk.step_ns), track.line_at(from_ns)
        offset = PathPoint(commanded.position - line.position, commanded.slope - line.slope)
        return replace(track, offset=offset)

    def _path_at(self, time_ns: int, step_ns: int) -> PathPoint:
        """The line as it is now; its slope in rad a step of `step_ns`."""
        track = self._track_at(time_ns)
        point = track.path_at(time_ns)
        return PathPoint(point.position, point.slope * (step_ns / track.step_ns))

    def _track_at(self, time_ns: int) -> _Track:
        return next((track for track in reversed(self._tracks) if track.from_ns <= time_ns), self._tracks[0])

    def _checked(self, positions: Float64) -> Float64:
        """A private read-only copy, float64 [rows, D]."""
        knots = np.array(positions, dtype=np.float64)
        if knots.ndim != 2 or knots.shape[1] != self._joints or len(knots) == 0:
            raise ValueError(f"goals of shape {positions.shape}, expected [rows, {self._joints}]")
        if not np.all(np.isfinite(knots)):
            raise ValueError("goals that are not finite")
        knots.setflags(write=False)
        return knots
