"""The soak's bookkeeping: delays in the terms of lock-step, results that outlive a broken-off call, the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.real_time.trace_log import ChunkTrace, PlanTrace
from benchmarks.soak.episode_file import EpisodeFile, fingerprint
from benchmarks.soak.measured_delays import Delays, measured_delays
from benchmarks.soak.realtime_success import judge
from libra_edge.messages import ActionChunk
from libra_edge.runtime.run_log import RefineTimes

STEP_NS, TICK_NS, MS = 100_000_000, 10_000_000, 1_000_000


def a_chunk(number: int, captured_ns: int, plan_id: int = 0) -> ChunkTrace:
    chunk = ActionChunk(number, np.zeros((5, 6)), 5 * number, captured_ns, STEP_NS, plan_id, 2, captured_ns)
    return ChunkTrace(chunk, RefineTimes(captured_ns - 12 * MS, captured_ns, 12.0))


def an_episode(lockstep: bool, real_time: bool, seed: int = 700_000) -> dict[str, Any]:
    return {
        "seed": seed,
        "lockstep": {"success": lockstep, "plan_age_steps": 2},
        "real_time": {"success": real_time, "plan_age_steps": 2, "chunk_picture_ms": 55.0, "limits_violated": 0},
    }


def test_delays_are_medians_over_followed_chunks_without_the_first() -> None:
    plans = {0: PlanTrace(3.0, 0, 1), 1: PlanTrace(3.0, 420 * MS, 1)}
    chunks = [a_chunk(0, 0), a_chunk(1, 500 * MS, 1), a_chunk(2, 1000 * MS, 7), a_chunk(3, 1500 * MS, 1)]
    commands = {0: 900 * MS, 1: 555 * MS, 2: 2000 * MS}
    delays = measured_delays(plans, chunks, commands)
    assert delays == Delays(55 * MS, 135 * MS, 2)
    assert measured_delays(plans, chunks[:1], commands) is None


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        (Delays(54 * MS, 134 * MS, 2), (1, 30 * MS, 50 * MS)),
        (Delays(56 * MS, 103 * MS, 2), (1, 10 * MS, 60 * MS)),  # from the step before, if only just
        (Delays(130 * MS, 90 * MS, 1), (1, 0, STEP_NS)),
        (Delays(56 * MS, 234 * MS, 3), (2, 30 * MS, 60 * MS)),
    ],
)
def test_delays_in_the_terms_of_lockstep(delays: Delays, expected: tuple[int, int, int]) -> None:
    given = delays.as_lockstep(STEP_NS, TICK_NS)
    assert (given["plan_delay_steps"], given["plan_picture_age_ns"], given["chunk_picture_age_ns"]) == expected
    assert given["plan_every_steps"] == given["plan_delay_steps"]


def test_results_are_gone_on_with_and_a_torn_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "results.jsonl"
    EpisodeFile(path).append({"seed": 1})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"seed": 2, "su')
    kept = EpisodeFile(path)
    assert kept.episodes == [{"seed": 1}]
    kept.append({"seed": 2})
    assert EpisodeFile(path).episodes == [{"seed": 1}, {"seed": 2}]


def test_a_first_line_that_was_torn_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"se', encoding="utf-8")
    assert EpisodeFile(path).episodes == []
    assert path.read_bytes() == b""


def test_other_facts_have_another_fingerprint() -> None:
    assert fingerprint("a") == fingerprint("a")
    assert fingerprint("a") != fingerprint("b")


def test_every_episode_counts_and_a_run_that_broke_is_a_failure() -> None:
    broken = {**an_episode(True, False), "real_time": {"success": False, "fault": "the bus failed"}}
    verdict = judge([an_episode(True, True)] * 397 + [broken, an_episode(True, False), an_episode(False, True)])
    assert (verdict["only_lockstep"], verdict["only_real_time"], verdict["runs_with_a_fault"]) == (2, 1, 1)
    assert verdict["difference_points"] == 0.25
    low, high = verdict["interval_points"]
    assert low < 0.25 < high
    assert verdict["difference_under_4_points"]
    assert verdict["interval_under_4_points"]


def test_four_points_are_too_many() -> None:
    verdict = judge([an_episode(True, True)] * 96 + [an_episode(True, False)] * 4)
    assert verdict["difference_points"] == 4.0
    assert not verdict["difference_under_4_points"]
