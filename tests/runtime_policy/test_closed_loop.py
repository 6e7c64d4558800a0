"""The closed loop: the same episodes for two policies, a drop where there is one, a sentence where none can be had."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from libra_edge.cli.closed_loop import CLOSED_LOOP_SEEDS_FROM, closed_loop_orders, measure_drop
from libra_edge.cli.eval import EVALUATION_SEEDS_FROM
from libra_edge.drivers.simulation.scene import PALETTE
from libra_edge.drivers.simulation.tasks import VERBS
from libra_edge.errors import ConfigError, PolicyFilesError
from libra_edge.locate import MODELS
from libra_edge.model_directory import open_model_directory
from libra_edge.model_spec import ModelSpec
from libra_edge.policy_files import PolicyFiles
from tests.models import write_tiny_model_directory

EPISODES = 4


@dataclass
class Steps:
    """Progress as it was told."""

    stages: list[tuple[str, int]] = field(default_factory=list)
    pieces: int = 0

    def begin(self, stage: str, pieces: int) -> None:
        self.stages.append((stage, pieces))

    def advance(self, pieces: int = 1) -> None:
        self.pieces += pieces


@pytest.fixture(scope="module")
def trained() -> PolicyFiles:
    return open_model_directory(MODELS / "libra_base").policy_files()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> PolicyFiles:
    return open_model_directory(write_tiny_model_directory(tmp_path_factory.mktemp("models") / "tiny")).policy_files()


def changed(files: PolicyFiles, change: Any) -> PolicyFiles:
    """The same files with another record."""
    model = files.spec.model_dump()
    change(model)
    return replace(files, spec=ModelSpec.model_validate(model))


def frozen(files: PolicyFiles) -> PolicyFiles:
    """A policy that can hardly move: all its actions lie within a tenth of a degree of one pose."""

    def narrow(model: dict[str, Any]) -> None:
        middles = [(low + high) / 2 for low, high in zip(model["action"]["low"], model["action"]["high"], strict=True)]
        model["action"].update(low=[m - 1e-3 for m in middles], high=[m + 1e-3 for m in middles])

    return changed(files, narrow)


def test_every_episode_has_a_seed_of_its_own_and_tasks_come_by_turns() -> None:
    orders = closed_loop_orders(900, CLOSED_LOOP_SEEDS_FROM)
    assert [order.seed for order in orders] == list(range(600_000, 600_900))
    assert orders[0].seed >= EVALUATION_SEEDS_FROM + 100_000
    counts = Counter(order.task for order in orders)
    assert counts == {f"{verb} the {colour} cube": 300 // len(PALETTE) for verb in VERBS for colour in PALETTE}


def test_a_policy_that_cannot_move_shows_as_a_drop(trained: PolicyFiles) -> None:
    steps = Steps()
    outcome = measure_drop(trained, frozen(trained), steps, episodes=EPISODES)
    assert steps.stages == [("Playing with FP32 and as exported", EPISODES)]
    assert steps.pieces == EPISODES
    assert outcome.successes_fp32 >= EPISODES - 1
    assert outcome.successes_exported == 0
    assert (outcome.only_fp32, outcome.only_exported) == (outcome.successes_fp32, 0)
    assert outcome.drop_points == pytest.approx(100 * outcome.successes_fp32 / EPISODES)
    assert 0 < outcome.low_points < outcome.drop_points <= outcome.high_points <= 100
    assert (outcome.robot, outcome.episodes) == ("koch-sim", EPISODES)
    assert (outcome.first_seed, outcome.last_seed) == (600_000, 600_000 + EPISODES - 1)


def test_a_policy_beside_itself_drops_nothing_yet_nothing_is_certain(trained: PolicyFiles) -> None:
    outcome = measure_drop(trained, trained, Steps(), episodes=3, first_seed=700_000, workers=1)
    assert (outcome.only_fp32, outcome.only_exported, outcome.drop_points) == (0, 0, 0.0)
    assert outcome.low_points < 0 < outcome.high_points
    assert outcome.successes_fp32 == outcome.successes_exported > 0
    assert (outcome.first_seed, outcome.last_seed) == (700_000, 700_002)


def test_a_graph_that_cannot_be_loaded_is_named_though_a_worker_loads_it(tiny: PolicyFiles, tmp_path: Path) -> None:
    gone = tmp_path / "gone.onnx"
    exported = replace(tiny, graphs={**tiny.graphs, "planner": gone})
    with pytest.raises(PolicyFilesError, match=f"policy {gone}: ONNX Runtime cannot load it") as caught:
        measure_drop(tiny, exported, Steps(), episodes=1)
    assert caught.value.path == gone


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda model: model["action"].update(joints=tuple("abcdef")), "moves the joints a, b, c, d, e, f"),
        (lambda model: model["camera"][0].update(width=640), "camera 'front' of robot 'koch-sim' gives 320x180"),
        (lambda model: model["camera"][0].update(name="top"), "looks through a camera 'top'"),
        (lambda model: model["instruction"].update(max_tokens=2), "model 'tiny' cannot do what robot 'koch-sim'"),
    ],
)
def test_a_model_that_does_not_fit_the_simulation_is_refused_before_it_is_played(
    tiny: PolicyFiles, change: Any, complaint: str
) -> None:
    steps = Steps()
    with pytest.raises(ConfigError, match=complaint):
        measure_drop(changed(tiny, change), changed(tiny, change), steps, episodes=3)
    assert steps.stages == []


def test_a_model_that_was_taught_other_words_is_refused(tiny: PolicyFiles, tmp_path: Path) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(tiny.tokenizer.read_text().replace('"yellow"', '"purple"'))
    with pytest.raises(ConfigError, match="does not know: 'yellow'"):
        measure_drop(tiny, replace(tiny, tokenizer=tokenizer), Steps(), episodes=12)


def test_a_real_robot_is_refused(tiny: PolicyFiles) -> None:
    with pytest.raises(ConfigError, match="is no simulation"):
        measure_drop(tiny, tiny, Steps(), robot_name="koch", episodes=3)
