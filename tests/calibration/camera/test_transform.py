"""Turns and places, for any turn there is."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.calibration.camera.transform import (
    Transform,
    angle_between,
    mean_transform,
    rotation_nearest,
    rotation_of_quaternion,
    rotation_of_vector,
    vector_of_rotation,
)
from libra_edge.messages import Float64

PARTS = st.floats(-3.0, 3.0)
VECTORS = st.tuples(PARTS, PARTS, PARTS).map(lambda parts: np.array(parts, np.float64))


def short(vector: Float64) -> Float64:
    """The same turn by less than half a turn."""
    length = float(np.linalg.norm(vector))
    return vector if length < math.pi - 1e-3 else vector * ((math.pi - 1e-3) / length)


@given(VECTORS)
def test_a_turn_survives_as_vector_and_as_quaternion(vector: Float64) -> None:
    rotation = rotation_of_vector(vector)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    quaternion = Transform(rotation, np.zeros(3)).quaternion
    assert quaternion[0] >= 0
    np.testing.assert_allclose(rotation_of_quaternion(quaternion.tolist()), rotation, atol=1e-12)
    np.testing.assert_allclose(rotation_of_vector(vector_of_rotation(rotation)), rotation, atol=1e-7)


@given(VECTORS)
def test_the_angle_of_a_turn_is_its_vectors_length(vector: Float64) -> None:
    turn = short(vector)
    assert math.isclose(angle_between(np.eye(3), rotation_of_vector(turn)), float(np.linalg.norm(turn)), abs_tol=1e-7)


@given(VECTORS, VECTORS, VECTORS)
def test_the_inverse_undoes_and_products_apply_in_turn(turn: Float64, shift: Float64, point: Float64) -> None:
    frame = Transform(rotation_of_vector(turn), shift)
    np.testing.assert_allclose(frame.inverse.apply(frame.apply(point)), point, atol=1e-12)
    np.testing.assert_allclose((frame @ frame).apply(point), frame.apply(frame.apply(point)), atol=1e-12)


def test_half_turns_have_a_quaternion() -> None:
    for axis in np.eye(3):
        rotation = rotation_of_vector(math.pi * axis)
        np.testing.assert_allclose(
            rotation_of_quaternion(Transform(rotation, np.zeros(3)).quaternion.tolist()), rotation, atol=1e-12
        )


@given(VECTORS)
def test_the_mean_of_turns_either_way_is_the_turn_between(vector: Float64) -> None:
    middle = rotation_of_vector(vector)
    around = [
        Transform(middle @ rotation_of_vector(0.2 * sign * axis), np.full(3, sign))
        for axis in np.eye(3)
        for sign in (-1.0, 1.0)
    ]
    mean = mean_transform(around)
    np.testing.assert_allclose(mean.rotation, middle, atol=1e-9)
    np.testing.assert_allclose(mean.translation, 0.0, atol=1e-12)


def test_the_nearest_rotation_never_mirrors() -> None:
    assert np.linalg.det(rotation_nearest(np.diag([1.0, 1.0, -0.1]))) > 0
