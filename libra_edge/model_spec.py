"""`model.toml`: everything about a policy that the runtime must not guess.

The same record travels inside `bundle.json`, so that a bundle stands alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libra_edge.action_space import ActionSpace

Finite = Annotated[float, Field(allow_inf_nan=False)]
Angle = Annotated[float, Field(ge=-10_000, le=10_000)]
NARROWEST = 1e-6
"""Radians between a joint's `low` and `high`; dividing by less makes numbers that are not finite."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


class Section(BaseModel):
    """A frozen table that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicySection(Section):
    """Time and tokens.

    Attributes:
        rate_hz: control steps a second.
        bins: N, tokens per action dimension.
        chunk_steps: H_chunk, control steps in one action chunk.
        plan_chunks: M, chunks that one plan covers; L_macro = M * H_chunk.
        denoising_steps: refiner step calls per chunk.
        max_plan_delay_steps: oldest plan (in steps, at a chunk's start) that the refiner was trained with.
    """

    rate_hz: Annotated[float, Field(ge=0.1, le=200)]
    bins: Annotated[int, Field(ge=2, le=1024)]
    chunk_steps: Annotated[int, Field(ge=1, le=100)]
    plan_chunks: Annotated[int, Field(ge=1, le=16)]
    denoising_steps: Annotated[int, Field(ge=1, le=100)]
    max_plan_delay_steps: Annotated[int, Field(ge=0, le=1000)]

    @property
    def plan_steps(self) -> int:
        """L_macro, control steps in one plan."""
        return self.chunk_steps * self.plan_chunks

    @property
    def step_ns(self) -> int:
        """Length of a control step, nanoseconds."""
        return round(1e9 / self.rate_hz)


class ActionSection(Section):
    """Joint order, unit and normalisation of actions; `low`/`high` are the normalised -1 and +1."""

    convention: Literal["absolute_joint_position"]
    unit: Literal["rad"]
    joints: Annotated[tuple[Name, ...], Field(min_length=1, max_length=32)]
    low: tuple[Angle, ...]
    high: tuple[Angle, ...]

    @model_validator(mode="after")
    def _same_length(self) -> ActionSection:
        if not len(self.joints) == len(self.low) == len(self.high):
            raise ValueError(
                f"{len(self.joints)} joints need as many low ({len(self.low)}) and high ({len(self.high)})"
            )
        if any(high - low < NARROWEST for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("every low must be below its high")
        if len(set(self.joints)) != len(self.joints):
            raise ValueError("joint names must differ")
        return self


class CameraSection(Section):
    """A camera the policy looks through, and which of the two systems use it."""

    name: Name
    width: Annotated[int, Field(ge=8, le=4096)]
    height: Annotated[int, Field(ge=8, le=4096)]
    used_by: Annotated[tuple[Literal["planner", "refiner"], ...], Field(min_length=1)]


class InstructionSection(Section):
    """Instructions are lower-cased words; `max_tokens` is T of the planner's `instruction` input."""

    max_tokens: Annotated[int, Field(ge=1, le=512)]
    examples: tuple[str, ...] = ()


class InputsSection(Section):
    """Optional inputs a graph declares beyond the required ones."""

    planner: tuple[Literal["state"], ...] = ()
    refiner: tuple[Literal["plan_age"], ...] = ()


class ProvenanceSection(Section):
    """Where the weights come from."""

    license: str
    author: str
    data: str
    training: str


class ModelSpec(Section):
    """The whole of `model.toml`."""

    schema_version: Literal[1]
    name: Name
    policy: PolicySection
    action: ActionSection
    camera: Annotated[tuple[CameraSection, ...], Field(min_length=1, max_length=8)]
    instruction: InstructionSection
    inputs: InputsSection = InputsSection()
    provenance: ProvenanceSection

    @model_validator(mode="after")
    def _cameras_differ(self) -> ModelSpec:
        names = [camera.name for camera in self.camera]
        if len(set(names)) != len(names):
            raise ValueError("camera names must differ")
        return self

    @property
    def action_space(self) -> ActionSpace:
        """Normalisation and bins as arrays."""
        return ActionSpace(np.array(self.action.low), np.array(self.action.high), self.policy.bins)

    def cameras_of(self, system: Literal["planner", "refiner"]) -> tuple[CameraSection, ...]:
        """The cameras that one of the two systems looks through, in file order."""
        return tuple(camera for camera in self.camera if system in camera.used_by)

    def planner_inputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name -> (dtype, shape) of every input of the planner graph."""
        inputs = _image_inputs(self.cameras_of("planner"))
        inputs["instruction"] = ("int64", (1, self.instruction.max_tokens))
        if "state" in self.inputs.planner:
            inputs["state"] = ("float32", (1, len(self.action.joints)))
        return inputs

    def planner_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name -> (dtype, shape) of every output of the planner graph."""
        return {"logits": ("float32", (1, self.policy.plan_steps, len(self.action.joints), self.policy.bins))}

    def refiner_encoder_inputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name -> (dtype, shape) of every input of the refiner's encoder graph; its one output is `features`."""
        inputs = _image_inputs(self.cameras_of("refiner"))
        joints = len(self.action.joints)
        inputs["state"] = ("float32", (1, joints))
        inputs["tokens"] = ("int64", (1, self.policy.chunk_steps, joints))
        if "plan_age" in self.inputs.refiner:
            inputs["plan_age"] = ("int64", (1,))
        return inputs

    def refiner_step_inputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name -> (dtype, shape) of the refiner step's inputs but `features`; its one output is the next `sample`."""
        sample = (1, self.policy.chunk_steps, len(self.action.joints))
        return {"sample": ("float32", sample), "step": ("int64", (1,))}


def _image_inputs(cameras: tuple[CameraSection, ...]) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {f"image_{camera.name}": ("uint8", (1, camera.height, camera.width, 3)) for camera in cameras}
