"""Two systems on one GPU: work is neither made nor lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.timed.shared_gpu import SharedGpu

WORK = st.integers(1_000, 1_000_000_000)
CONTENTION = st.floats(0.0, 1.0)


def ends(contention: float, first_ns: int, second_ns: int, second_begins_ns: int) -> tuple[int, int]:
    """When two pieces of work are done, the first one begun at 0."""
    gpu, work = SharedGpu(contention), {"first": first_ns, "second": second_ns}
    gpu.begin("first", first_ns, 0)
    if gpu.left_ns("first", 0) <= second_begins_ns:
        gpu.end("first", first_ns)
        gpu.begin("second", second_ns, second_begins_ns)
        return first_ns, second_begins_ns + gpu.left_ns("second", second_begins_ns)
    gpu.begin("second", second_ns, second_begins_ns)
    left = {name: gpu.left_ns(name, second_begins_ns) for name in work}
    sooner, later = sorted(left, key=lambda name: left[name])
    now_ns = second_begins_ns + left[sooner]
    gpu.end(sooner, now_ns)
    done = {sooner: now_ns, later: now_ns + gpu.left_ns(later, now_ns)}
    return done["first"], done["second"]


@given(WORK, WORK, st.integers(0, 1_000_000_000))
def test_without_contention_neither_feels_the_other(first: int, second: int, begins: int) -> None:
    assert ends(0.0, first, second, begins) == pytest.approx((first, begins + second), abs=4)


@given(WORK, WORK, st.floats(0.0, 0.999))
def test_one_gpus_work_is_conserved(first: int, second: int, share: float) -> None:
    begins = int(share * first)
    assert max(ends(1.0, first, second, begins)) == pytest.approx(first + second, abs=4)


@given(CONTENTION, WORK, WORK, st.floats(0.0, 0.999))
def test_between_the_two_nobody_is_faster_than_alone_or_slower_than_one_after_the_other(
    contention: float, first: int, second: int, share: float
) -> None:
    begins = int(share * first)
    first_end, second_end = ends(contention, first, second, begins)
    assert first - 4 <= first_end <= first + second + 4
    assert begins + second - 4 <= second_end <= first + second + 4


@given(CONTENTION, WORK)
def test_two_equal_pieces_begun_together_take_as_much_longer_as_the_contention_says(
    contention: float, work: int
) -> None:
    assert ends(contention, work, work, 0) == pytest.approx((work * (1 + contention),) * 2, abs=4)


def test_a_refinement_beside_a_plan_on_one_gpu() -> None:
    """Both begun at 0: 60 ms and 92 ms of work; the plan is done after 120 ms, the chunk after 152 ms."""
    assert ends(1.0, 60_000_000, 92_000_000, 0) == (120_000_000, 152_000_000)


@pytest.mark.parametrize("contention", [-0.1, 1.1, float("nan")])
def test_a_contention_beyond_its_range_is_refused(contention: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        SharedGpu(contention)


def test_a_system_does_one_thing_at_a_time() -> None:
    gpu = SharedGpu(0.5)
    gpu.begin("planner", 10, 0)
    with pytest.raises(ValueError, match="planner is still at work"):
        gpu.begin("planner", 10, 5)
