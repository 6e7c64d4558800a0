"""The camera over librealsense's own software device: pixels, stamps, and what a broken stream looks like."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import numpy as np
import pytest

from libra_edge.drivers.realsense.camera import IDENTICAL_LIMIT
from libra_edge.drivers.realsense.capture_time import SETTLING, StampDomain
from libra_edge.drivers.realsense.mapping_spread import GROUP
from libra_edge.errors import CameraError, ConfigError, MissingHardwareError
from libra_edge.protocols import Camera
from tests.realsense.software_stream import STREAM, Bench, noise

MS = 1_000_000
SOON_S = 0.02
LATEST_S = 5.0


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    bench.camera.open()
    yield bench
    bench.camera.close()


def test_same_pixels_number_and_capture_time(bench: Bench) -> None:
    for number, age in ((1, 0), (2, 5 * MS), (7, 40 * MS)):
        sent = bench.inject(number, age_ns=age)
        got = bench.camera.read(LATEST_S)
        np.testing.assert_array_equal(got.image, sent.image)
        assert (got.camera, got.number) == ("front", number)
        assert got.captured_ns == pytest.approx(sent.captured_ns, abs=MS)
        assert not got.image.flags.writeable


def test_newest_frame_wins(bench: Bench) -> None:
    for number in (1, 2, 3):
        bench.inject(number)
    assert bench.camera.read(LATEST_S).number == 3


def test_frames_keep_nothing_of_the_librealsense_pool(bench: Bench) -> None:
    bench.inject(1)
    assert bench.camera.read(LATEST_S).image.flags.owndata


def test_stalled_stream_is_a_fault(bench: Bench) -> None:
    with pytest.raises(CameraError, match="sent no frame"):
        bench.camera.read(SOON_S)


def test_repeated_frame_number_is_never_handed_out(bench: Bench) -> None:
    bench.inject(5)
    bench.camera.read(LATEST_S)
    bench.inject(5)
    with pytest.raises(CameraError, match="the same frame again"):
        bench.camera.read(SOON_S)
    bench.inject(6)
    assert bench.camera.read(LATEST_S).number == 6


def test_hanging_sensor_with_fresh_numbers_is_a_fault_and_none_of_its_pictures_is_new(bench: Bench) -> None:
    bench.inject(0, image=noise(0))
    assert bench.camera.read(LATEST_S).number == 0
    for number in range(1, IDENTICAL_LIMIT):
        bench.inject(number, image=noise(0))
        with pytest.raises(CameraError, match="equal to the last bit"):
            bench.camera.read(SOON_S)
    bench.inject(IDENTICAL_LIMIT, image=noise(0))
    with pytest.raises(CameraError, match="equal to the last bit; replug"):
        bench.camera.read(LATEST_S)
    assert (bench.camera.counts.handed_out, bench.camera.counts.repeated) == (1, IDENTICAL_LIMIT)
    bench.inject(IDENTICAL_LIMIT + 1)
    assert bench.camera.read(LATEST_S).number == IDENTICAL_LIMIT + 1


def test_stream_without_noise_may_stand_still() -> None:
    bench = Bench(identical_limit=None)
    bench.camera.open()
    for number in range(2 * IDENTICAL_LIMIT):
        bench.inject(number, image=noise(0))
        assert bench.camera.read(LATEST_S).number == number
    bench.camera.close()


def test_missing_capture_times_are_announced_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(StampDomain.SYSTEM)
    bench.camera.open()
    for number in (1, 2, 3):
        bench.inject(number)
        bench.camera.read(LATEST_S)
    bench.camera.close()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "no capture times" in caplog.text


@pytest.mark.parametrize(
    ("domain", "way"), [(StampDomain.GLOBAL, "dated by the camera +- "), (StampDomain.SYSTEM, "dated on arrival")]
)
def test_how_pictures_were_dated_is_said_at_the_end(
    caplog: pytest.LogCaptureFixture, domain: StampDomain, way: str
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(domain)
    assert bench.camera.counts.dated == "undated"
    bench.camera.open()
    for number in range(2 * GROUP):
        bench.inject(number)
        bench.camera.read(LATEST_S)
    bench.camera.close()
    assert f"camera 'front': {2 * GROUP} pictures, {way}" in caplog.text


def test_camera_clock_is_mapped() -> None:
    bench = Bench(StampDomain.HARDWARE)
    bench.camera.open()
    for number in (1, 2, 3):
        sent = bench.inject(number)
        got = bench.camera.read(LATEST_S)
        assert sent.captured_ns - MS <= got.captured_ns <= time.monotonic_ns()
    bench.camera.close()


@pytest.mark.parametrize("step_ns", [10_000 * MS, -10_000 * MS])
def test_a_camera_clock_that_is_set_is_said_once_and_mapped_anew(step_ns: int) -> None:
    bench = Bench(StampDomain.HARDWARE)
    bench.camera.open()
    complaints = []
    for number in range(20):
        sent = bench.inject(number, age_ns=-step_ns if number >= 10 else 0)
        try:
            got = bench.camera.read(SOON_S)
        except CameraError as error:
            complaints.append(error.problem)
            continue
        assert got.captured_ns <= time.monotonic_ns()
        if number >= 10:
            assert got.captured_ns >= sent.captured_ns - step_ns - MS
    bench.camera.close()
    assert "set to another time" in complaints[0]
    assert set(complaints[1:]) == {"sent only pictures that cannot be dated for 0.0 s; check cable and power"}
    assert len(complaints) == SETTLING - 1


def test_closes_twice_and_opens_again() -> None:
    bench = Bench()
    for number in (1, 2):
        bench.camera.open()
        bench.inject(number)
        assert bench.camera.read(LATEST_S).number == number
        bench.camera.close()
        bench.camera.close()
    with pytest.raises(CameraError, match="not open"):
        bench.camera.read(SOON_S)


def test_profile_that_the_device_lacks_lists_what_it_has() -> None:
    bench = Bench()
    bench.camera._stream = STREAM.model_copy(update={"fps": 60})
    with pytest.raises(ConfigError, match=r"32x18@60; it offers: 32x18@15"):
        bench.camera.open()


def test_device_in_use_is_said_so(bench: Bench) -> None:
    other = Bench()
    other.software = bench.software
    with pytest.raises(MissingHardwareError, match="another program"):
        other.camera.open()


def test_satisfies_the_protocol(bench: Bench) -> None:
    assert isinstance(bench.camera, Camera)
