"""Messages cannot change behind their holder's back."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.clock import SimulatedClock
from libra_edge.messages import ActionChunk, Frame, JointState, Observation, Plan

JOINTS = JointState(np.zeros(2), np.zeros(2), measured_ns=70)


def test_arrays_are_read_only() -> None:
    frame = Frame("front", np.zeros((2, 2, 3), dtype=np.uint8), 0, 0)
    plan = Plan(0, np.zeros((4, 2), dtype=np.int64), 0, 0, 0, 0)
    chunk = ActionChunk(0, np.zeros((2, 2)), 0, 100, 10, 0, 0, 0)
    for array in (frame.image, plan.tokens, chunk.positions, JOINTS.position, JOINTS.velocity):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


def test_an_observation_is_as_old_as_its_oldest_frame() -> None:
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    frames = {name: Frame(name, image, 0, captured) for name, captured in (("front", 50), ("wrist", 40))}
    assert Observation(frames, JOINTS).captured_ns == 40
    assert Observation({}, JOINTS).captured_ns == 70


def test_an_observation_keeps_its_frames_when_the_caller_s_dict_changes() -> None:
    frames = {"front": Frame("front", np.zeros((2, 2, 3), dtype=np.uint8), 0, 5)}
    observation = Observation(frames, JOINTS)
    frames.clear()
    assert list(observation.frames) == ["front"]


def test_a_chunk_ends_with_its_last_goal() -> None:
    assert ActionChunk(0, np.zeros((5, 2)), 3, 1000, 100, 0, 0, 0).end_ns == 1500


def test_a_simulated_clock_never_runs_backwards() -> None:
    clock = SimulatedClock()
    clock.advance(5)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
    assert clock.now_ns() == 5
