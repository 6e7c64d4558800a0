"""The profile of a servo: never too fast, never too sudden, and at its goal at rest."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.drivers.simulation.servos.set_point import advance_set_point, timed_profile

DT_S = 0.001
MARGIN = 1e-6


@settings(max_examples=30)
@given(
    goal=st.floats(-2000, 2000),
    top_speed=st.floats(100, 5000),
    acceleration=st.one_of(st.just(math.inf), st.floats(100, 50_000)),
)
def test_it_keeps_to_speed_and_acceleration_and_ends_at_the_goal(
    goal: float, top_speed: float, acceleration: float
) -> None:
    position = velocity = 0.0
    longest_s = abs(goal) / top_speed + (0.0 if math.isinf(acceleration) else 2.0 * top_speed / acceleration)
    beyond = MARGIN + (0.0 if math.isinf(acceleration) else acceleration * DT_S**2)
    for _ in range(round(longest_s / DT_S) + 10):
        before, speed_before = position, velocity
        position, velocity = advance_set_point(
            position, velocity, goal, top_speed=top_speed, acceleration=acceleration, dt_s=DT_S
        )
        assert abs(position - before) <= top_speed * DT_S + MARGIN
        assert abs(velocity - speed_before) <= acceleration * DT_S * (1.0 + MARGIN)
        assert min(0.0, goal) - beyond <= position <= max(0.0, goal) + beyond
        if position == goal and velocity == 0.0:
            break
    assert (position, velocity) == (goal, 0.0) or (math.isinf(acceleration) and position == goal)


@given(distance=st.floats(1, 5000), total_s=st.floats(0.1, 10), share=st.floats(0, 0.5))
def test_a_timed_profile_covers_the_way_in_its_time(distance: float, total_s: float, share: float) -> None:
    speed, acceleration = timed_profile(-distance, total_s, share * total_s)
    ramp_s = 0.0 if math.isinf(acceleration) else speed / acceleration
    assert math.isclose(speed * (total_s - ramp_s), distance, rel_tol=1e-6)
