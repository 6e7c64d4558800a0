"""Where a run's messages go."""

from __future__ import annotations

from typing import Protocol

from libra_edge.runtime.recording_messages import Entry


class EntrySink(Protocol):
    """A recording, a view."""

    def put(self, entry: Entry) -> None:
        """Take one message, from any thread, without keeping the caller waiting; drop it where there is no room."""
