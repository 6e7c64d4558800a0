"""Two systems on one GPU: how far a piece of work gets while another one runs beside it.

Contention c lies between 0 and 1. At 0 the two do not feel each other, as on two GPUs. At 1 the GPU's work is
conserved: what one gains, the other loses. In between, each of two that run at once progresses at rate 1 / (1 + c).
"""

from __future__ import annotations


class SharedGpu:
    """The work under way, all in nanoseconds; pure, told the time by its caller, which never goes back."""

    def __init__(self, contention: float) -> None:
        """Raises ValueError unless 0 <= contention <= 1."""
        if not 0.0 <= contention <= 1.0:
            raise ValueError(f"contention {contention} is not between 0 and 1")
        self._contention = contention
        self._left: dict[str, float] = {}
        self._now_ns = 0

    @property
    def rate(self) -> float:
        """Work done in a nanosecond by each one that runs: 1 alone, 1 / (1 + c (n - 1)) for n at once."""
        return 1.0 / (1.0 + self._contention * max(0, len(self._left) - 1))

    def begin(self, name: str, work_ns: int, now_ns: int) -> None:
        """`name` begins what takes `work_ns` alone. Raises ValueError if it is still at work."""
        self._advance(now_ns)
        if name in self._left:
            raise ValueError(f"{name} is still at work")
        self._left[name] = float(work_ns)

    def left_ns(self, name: str, now_ns: int) -> int:
        """Nanoseconds until `name` is done if nobody else begins or ends; 0 once it is."""
        self._advance(now_ns)
        return max(0, round(self._left[name] / self.rate))

    def end(self, name: str, now_ns: int) -> None:
        """`name` is done and frees its share."""
        self._advance(now_ns)
        del self._left[name]

    def _advance(self, now_ns: int) -> None:
        done = (now_ns - self._now_ns) * self.rate
        self._now_ns = now_ns
        self._left = {name: max(0.0, left - done) for name, left in self._left.items()}
