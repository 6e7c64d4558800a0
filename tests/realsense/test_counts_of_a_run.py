"""What a camera's driver counted stands among the figures of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libra_edge.cli.camera_counts import add_counts
from libra_edge.drivers.realsense.mapping_spread import GROUP
from libra_edge.drivers.simulation.direct_camera import DirectCamera
from libra_edge.errors import CameraError
from tests.realsense.software_stream import Bench


def test_withheld_pictures_and_dating_are_told() -> None:
    bench, figures = Bench(), {"cameras": {"front": {"pictures": 20}, "wrist": {"pictures": 3}}}
    bench.camera.open()
    for number in range(2 * GROUP):
        bench.inject(number)
        bench.camera.read(5.0)
    bench.inject(2 * GROUP - 1)
    with pytest.raises(CameraError):
        bench.camera.read(0.02)
    bench.camera.close()
    add_counts(figures, [bench.camera, DirectCamera("wrist")])
    front: dict[str, Any] = json.loads(json.dumps(figures))["cameras"]["front"]
    assert 0 <= front.pop("stamps_uncertain_ms") < 1000
    assert front == {"pictures": 20, "repeated": 1, "undated": 0, "clock_steps": 0, "stamps": "global_time"}
    assert figures["cameras"]["wrist"] == {"pictures": 3}


def test_a_camera_that_gave_nothing_has_nulls() -> None:
    figures: dict[str, Any] = {"cameras": {}}
    add_counts(figures, [Bench().camera])
    assert figures["cameras"]["front"]["stamps"] is None
    assert figures["cameras"]["front"]["stamps_uncertain_ms"] is None
