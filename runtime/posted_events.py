"""Events that other threads post to the servo loop, each with a future for what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from libra_edge.runtime.control_socket import Reply
from libra_edge.runtime.supervisor import Event


class PostedEvents:
    """`post` may be called from any thread, the rest from the servo loop's alone."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Event, Future[Reply]]] = deque()

    def post(self, event: Event) -> Future[Reply]:
        """Leave `event` for the next tick."""
        reply: Future[Reply] = Future()
        self._waiting.append((event, reply))
        return reply

    def settle(self, happen: Callable[[Event], Reply]) -> None:
        """Let everything that waits happen, in its order, and answer it."""
        while self._waiting:
            event, future = self._waiting.popleft()
            reply = happen(event)
            # Whoever asked may have given up waiting; what was asked for has been done all the same.
            if future.set_running_or_notify_cancel():
                future.set_result(reply)
