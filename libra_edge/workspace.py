"""The part of a robot file that says where the arm's links are, and what they must keep clear of.

Base frame: x forward from the arm's base, y left, z up; metres. Frames of the links are parallel to it while every
joint stands at zero.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from libra_edge.model_spec import Finite, Name, Section

Metres = Annotated[Finite, Field(ge=-5, le=5)]
Vector = tuple[Metres, Metres, Metres]
Ball = tuple[Metres, Metres, Metres, Annotated[Finite, Field(ge=0, le=1)]]


class LinkSection(Section):
    """What one joint turns.

    Attributes:
        joint: its name; links are listed from the base to the tip, each turned by those before it.
        origin_m: where its axis is, in the frame of the link before (for the first: the base frame).
        axis: direction of its axis in that frame; the link turns about it counter-clockwise as the angle grows.
        balls_m: centre x, y, z in the link's own frame, and radius, of balls that stand for the link. Radius 0 is a
            corner.
    """

    joint: Name
    origin_m: Vector
    axis: Vector
    balls_m: tuple[Ball, ...] = ()

    @model_validator(mode="after")
    def _has_a_direction(self) -> LinkSection:
        if sum(part * part for part in self.axis) < 1e-6:
            raise ValueError(f"link of {self.joint}: an axis of no length has no direction")
        return self


class PillarSection(Section):
    """An upright cylinder that stands on the table: a part of the arm's base.

    Attributes:
        middle_m: x, y of its axis in the base frame.
        radius_m, top_m: its radius, and the height of its upper end in the base frame.
    """

    middle_m: tuple[Metres, Metres]
    radius_m: Annotated[Finite, Field(gt=0, le=1)]
    top_m: Metres


class WorkspaceSection(Section):
    """Links and what they keep clear of, as far as goal positions go.

    Attributes:
        lowest_m: height in the base frame that no ball may sink below. A servo gives way under load: a goal somewhat
            inside the table is a firm touch, so this lies a little below the table's top.
        base: what the links may not enter.
    """

    lowest_m: Metres
    base: Annotated[tuple[PillarSection, ...], Field(max_length=16)] = ()
    link: Annotated[tuple[LinkSection, ...], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _has_balls(self) -> WorkspaceSection:
        if not 1 <= sum(len(link.balls_m) for link in self.link) <= 256:
            raise ValueError("the links need between 1 and 256 balls_m in all")
        return self
