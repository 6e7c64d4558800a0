"""A place to stand between the systems and their engines, for whoever wants to know what an engine takes."""

from __future__ import annotations

from typing import Protocol

from libra_edge.protocols import Engine
from libra_edge.runtime.denoiser import Denoiser


class EngineWatch(Protocol):
    """Gives what the systems are to call in an engine's place, once, when they are loaded."""

    def engine(self, engine: Engine) -> Engine:
        """`engine`, or something that calls it."""
        ...

    def denoiser(self, denoiser: Denoiser) -> Denoiser:
        """`denoiser`, or something that calls it."""
        ...


class Unwatched:
    """Nobody wants to know: the engines themselves."""

    def engine(self, engine: Engine) -> Engine:
        """The engine."""
        return engine

    def denoiser(self, denoiser: Denoiser) -> Denoiser:
        """The denoiser."""
        return denoiser


UNWATCHED = Unwatched()
