"""Waits for a system's answer with a limited patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from libra_edge.errors import ModelHangsError

PATIENCE_S = 10.0
"""A call that takes longer hangs. Nothing can end it, for it sits in a library; but the run can end."""

Answer = TypeVar("Answer")


async def answer_of(
    call: Coroutine[Any, Any, Answer], system: str, *, slow_after_s: float, on_slow: Callable[[str], None]
) -> Answer:
    """What `call` returns or raises; `on_slow` is told if that takes longer than `slow_after_s`.

    Raises ModelHangsError if it takes longer than PATIENCE_S.
    """
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=slow_after_s)
        if not done:
            on_slow(f"the {system} has given no answer for {slow_after_s:.1f} s")
            done, _ = await asyncio.wait({task}, timeout=PATIENCE_S - slow_after_s)
        if not done:
            raise ModelHangsError(system, PATIENCE_S)
        return task.result()
    finally:
        task.cancel()
