"""A cube put elsewhere by an unseen hand, in the middle of an episode: the order for it, as one line of JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libra_edge.drivers.simulation.scene import CUBES

LONGEST_LINE = 1000
"""Bytes; an order takes a tenth of that."""

Metres = Annotated[float, Field(ge=-0.5, le=0.5, allow_inf_nan=False)]


class CubeMove(BaseModel):
    """Put cube `cube` (0 is the one that the task names) on the table at (`x_m`, `y_m`), world frame, as it is turned.

    `number` counts the orders of an episode from 1; the status of the episode says which was carried out last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Annotated[int, Field(ge=1, le=1_000_000)]
    cube: Annotated[int, Field(ge=0, lt=len(CUBES))]
    x_m: Metres
    y_m: Metres
