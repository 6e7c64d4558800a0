"""The sensors of a camera that stream: each opened once, whether colour and depth share it (D405) or not (D435)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from libra_edge.drivers.realsense.librealsense import load_librealsense

log = logging.getLogger(__name__)


class Wanted(NamedTuple):
    """A `rs.stream_profile` of a `rs.sensor`, and the `rs.frame_queue` for its pictures."""

    sensor: Any
    profile: Any
    queue: Any


class OpenSensors:
    """Streams until it is closed."""

    def __init__(self, wanted: Sequence[Wanted], *, options: bool) -> None:
        """`options`: whether the device takes any; a recording does not. Raises RuntimeError as librealsense does."""
        self._open: list[Any] = []
        try:
            for sensor, streams in _by_sensor(wanted):
                self._start(sensor, streams, options=options)
        except RuntimeError:
            self.close()
            raise

    def close(self) -> None:
        """Stop what streams. May take for ever on a camera that was unplugged."""
        while self._open:
            sensor = self._open.pop()
            for stop in (sensor.stop, sensor.close):
                try:
                    stop()
                except RuntimeError as error:  # one that was unplugged cannot be stopped, nor one that never started
                    log.warning("a camera's sensor could not be closed properly (%s)", error)

    def _start(self, sensor: Any, streams: Sequence[Wanted], *, options: bool) -> None:
        option = load_librealsense().option.auto_exposure_priority
        if options and sensor.supports(option):
            sensor.set_option(option, 0)  # otherwise the frame rate halves in the dark
        sensor.open([stream.profile for stream in streams])
        self._open.append(sensor)
        if len(streams) == 1:
            sensor.start(streams[0].queue)
            return
        queues = {stream.profile.stream_type(): stream.queue for stream in streams}
        sensor.start(lambda picture: queues[picture.profile.stream_type()].enqueue(picture))


def _by_sensor(wanted: Sequence[Wanted]) -> list[tuple[Any, list[Wanted]]]:
    """As librealsense hands out one sensor as several objects, its name tells whether they are the same."""
    groups: dict[str, list[Wanted]] = {}
    for stream in wanted:
        groups.setdefault(stream.sensor.name, []).append(stream)
    return [(streams[0].sensor, streams) for streams in groups.values()]
