"""A layer of an engine as it was executed, and those of one stage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer takes and asks for in one plan or one chunk; each denoising step of it counts.

    Attributes:
        stage: `planner_engine`, `refiner_encoder` or `refiner_step`.
        type: operator or, of TensorRT, layer type.
        precision: `int8`, `fp16`, `bf16`, `fp32`, or another type's name.
        ms: None where the backend does not tell.
        flops, bytes: of all its calls; None where the graph does not tell.
    """

    stage: str
    name: str
    type: str
    precision: str
    ms: float | None
    flops: float | None
    bytes: float | None


@dataclass(frozen=True, slots=True)
class StageLayers:
    """The layers of one stage.

    Attributes:
        calls: how often a plan or chunk runs it: the steps of the denoising, else 1.
        run_ms: what the stage takes in one plan or chunk when nobody looks at its layers, measured in turns with them.
        profiler_us: what looking at it added to each layer, taken off again.
        part_of: the stage of the profile that its engine is, or is a part of; the same name unless given.
    """

    stage: str
    layers: tuple[Layer, ...]
    calls: int
    run_ms: float
    profiler_us: float
    part_of: str = ""

    @property
    def measured_as(self) -> str:
        """The stage whose time its layers explain, alone or with those of others."""
        return self.part_of or self.stage

    @property
    def layers_ms(self) -> float:
        """Their sum."""
        return sum(layer.ms or 0.0 for layer in self.layers)
