"""The three engines of a bundle, held against what the bundle says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from libra_edge.bundle import Bundle
from libra_edge.errors import BundleError
from libra_edge.protocols import Engine

Signature = dict[str, tuple[str, tuple[int, ...]]]


class LoadedEngine(Engine, Protocol):
    """An engine that also knows what it gives."""

    outputs: Mapping[str, tuple[str, tuple[int, ...]]]


class Engines:
    """Planner, refiner encoder and refiner step of one bundle.

    Raises BundleError if an input or output is missing, unknown, or of another dtype or shape than `model.toml` says.
    """

    def __init__(
        self, bundle: Bundle, planner: LoadedEngine, refiner_encoder: LoadedEngine, refiner_step: LoadedEngine
    ) -> None:
        self.planner: Engine = planner
        self.refiner_encoder: Engine = refiner_encoder
        self.refiner_step: Engine = refiner_step
        spec = bundle.spec
        features = {name: tensor for name, tensor in refiner_encoder.outputs.items() if name == "features"}
        if not features:
            raise BundleError(bundle.path, "refiner_encoder has no output 'features'; export it again")
        step_inputs = spec.refiner_step_inputs()
        for engine, inputs, outputs in (
            (planner, spec.planner_inputs(), spec.planner_outputs()),
            (refiner_encoder, spec.refiner_encoder_inputs(), features),
            (refiner_step, {**features, **step_inputs}, {"sample_next": step_inputs["sample"]}),
        ):
            _compare(bundle, f"{engine.name} input", inputs, engine.inputs)
            _compare(bundle, f"{engine.name} output", outputs, engine.outputs)


def _compare(bundle: Bundle, what: str, expected: Signature, found: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            says, has = (_spelled(tensors.get(name)) for tensors in (expected, found))
            raise BundleError(bundle.path, f"{what} {name!r} should be {says} but is {has}; export it again")


def _spelled(tensor: tuple[str, tuple[int, ...]] | None) -> str:
    return "absent" if tensor is None else f"{tensor[0]} {list(tensor[1])}"
