"""Stalls, repeats, drops and clock steps in a stream of 60 pictures a second: all are said, none is taken for new."""

from __future__ import annotations

import time

import pytest

from libra_edge.runtime.camera_thread import camera_threads
from tests.realsense.troubled_stream import FPS, MS, STREAM, Trouble, TroubledStream

LONG_S = 600
SHORT_S = 12
LATEST_S = 5.0


@pytest.mark.parametrize(
    "seconds", [SHORT_S, pytest.param(LONG_S, marks=[pytest.mark.soak, pytest.mark.timeout(2 * LONG_S)])]
)
def test_every_trouble_is_said_and_no_old_picture_is_taken_for_new(seconds: int) -> None:
    stream = TroubledStream(seed=seconds)
    stream.camera.open()
    try:
        with camera_threads([stream.camera], {STREAM.name: FPS}, stream.heard) as watches:
            stream.play(seconds * FPS)
            until = time.monotonic() + LATEST_S
            while stream.heard.frames[-1] != stream.number and time.monotonic() < until:
                time.sleep(0.01)
            skipped, said = watches[STREAM.name].skipped, stream.heard.said()
    finally:
        stream.camera.close()
    heard, injected, counts = stream.heard, stream.injected, stream.camera.counts
    print(
        f"{seconds} s: delivered {stream.delivered}, injected {dict(injected)}, dropped {stream.dropped}; "
        f"{counts}, skipped {skipped}, unlooked {stream.unlooked}, said {said}, "
        f"dated {min(heard.misdated_ns) / MS:.2f} to {max(heard.misdated_ns) / MS:.2f} ms off"
    )
    assert all(injected[trouble] > 0 for trouble in Trouble)
    assert heard.frames == sorted(set(heard.frames))
    assert heard.false_pixels == []
    assert stream.missed == 0
    assert counts.repeated + stream.unlooked == injected[Trouble.REPEATED_NUMBER] + injected[Trouble.REPEATED_PIXELS]
    assert said["sent no frame"] == injected[Trouble.STALL]
    assert said["clock set"] == counts.clock_steps == injected[Trouble.CLOCK_STEP]
    never_came = stream.dropped + injected[Trouble.REPEATED_PIXELS]
    assert never_came <= skipped <= never_came + stream.delivered - counts.taken
