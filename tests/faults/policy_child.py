"""The policy side in a process of its own, to be killed, paused or troubled from within.

`python -m tests.faults.policy_child PORT TROUBLE` says `moving` on stdout once it drives the arm. When the trouble is
over and some chunks have been made since, it ends, with a line of JSON: what it said, and its commands.
"""

from __future__ import annotations

import json
import logging
import sys

from tests.faults.policy_side import PolicySide
from tests.faults.policy_troubles import BY_NAME


class Kept(logging.Handler):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    """Play one run and tell of it."""
    port, name = sys.argv[1:]
    side, said = PolicySide(port), Kept()
    logging.getLogger().addHandler(said)

    async def live(side: PolicySide) -> None:
        print("moving", flush=True)
        await BY_NAME[name].scenario(side)

    session = side.play(live)
    report = {
        "ended": session.ended,
        "faults": [(fault.kind, fault.reaction) for fault in side.faults],
        "said": said.lines,
        "commands": [(command.time_ns, command.chunk_id, command.captured_ns) for command in side.check.commands],
        "violated": side.check.violated,
        "moved_ms": side.moved_after_ms() if side.healed_ns else None,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
