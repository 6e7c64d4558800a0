"""The three engines of a policy, held against what its record says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from libra_edge.errors import PolicyFilesError
from libra_edge.policy_files import PolicyFiles
from libra_edge.protocols import Engine

Signature = dict[str, tuple[str, tuple[int, ...]]]


class Signed(Protocol):
    """Something compiled that knows what it takes and what it gives: name -> (numpy dtype name, shape)."""

    name: str
    inputs: Mapping[str, tuple[str, tuple[int, ...]]]
    outputs: Mapping[str, tuple[str, tuple[int, ...]]]


class LoadedEngine(Engine, Signed, Protocol):
    """An engine that also knows what it gives."""


class Engines:
    """Planner, refiner encoder and refiner step of one policy.

    Raises PolicyFilesError if an input or output is missing, unknown, or of another dtype or shape than recorded.
    """

    def __init__(
        self, files: PolicyFiles, planner: LoadedEngine, refiner_encoder: LoadedEngine, refiner_step: LoadedEngine
    ) -> None:
        self.planner: Engine = planner
        self.refiner_encoder: Engine = refiner_encoder
        self.refiner_step: Engine = refiner_step
        check_signatures(files, planner, refiner_encoder, refiner_step)


def check_signatures(files: PolicyFiles, planner: Signed, refiner_encoder: Signed, refiner_step: Signed) -> None:
    """Raises PolicyFilesError if an input or output is missing, unknown, or of another dtype or shape than recorded."""
    spec = files.spec
    features = {name: tensor for name, tensor in refiner_encoder.outputs.items() if name == "features"}
    if not features:
        raise PolicyFilesError(files.path, "refiner_encoder has no output 'features'; export it again")
    step_inputs = spec.refiner_step_inputs()
    for engine, inputs, outputs in (
        (planner, spec.planner_inputs(), spec.planner_outputs()),
        (refiner_encoder, spec.refiner_encoder_inputs(), features),
        (refiner_step, {**features, **step_inputs}, {"sample_next": step_inputs["sample"]}),
    ):
        _compare(files, f"{engine.name} input", inputs, engine.inputs)
        _compare(files, f"{engine.name} output", outputs, engine.outputs)


def _compare(
    files: PolicyFiles, what: str, expected: Signature, found: Mapping[str, tuple[str, tuple[int, ...]]]
) -> None:
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            says, has = (_spelled(tensors.get(name)) for tensors in (expected, found))
            raise PolicyFilesError(files.path, f"{what} {name!r} should be {says} but is {has}; export it again")


def _spelled(tensor: tuple[str, tuple[int, ...]] | None) -> str:
    return "absent" if tensor is None else f"{tensor[0]} {list(tensor[1])}"
