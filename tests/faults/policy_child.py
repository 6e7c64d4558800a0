"""The policy side in a process of its own, to be killed and paused: `python -m tests.faults.policy_child PORT`.

Says `moving` on stdout once it drives the arm. When it has noticed a standstill of itself and made three chunks since,
it ends, with a line of JSON: what it said, and time, chunk and capture time of each command.
"""

from __future__ import annotations

import json
import sys

from tests.faults.policy_side import PolicySide, until


async def live(side: PolicySide) -> None:
    """Wait for a standstill, then for chunks."""
    print("moving", flush=True)
    await until(lambda: any("stood still" in fault.kind for fault in side.faults))
    await side.chunks(3)


def main() -> None:
    """Play one run and tell of it."""
    side = PolicySide(sys.argv[1])
    session = side.play(live)
    commands = [(command.time_ns, command.chunk_id, command.captured_ns) for command in side.check.commands]
    told = [(fault.kind, fault.reaction) for fault in side.faults]
    print(json.dumps({"ended": session.ended, "faults": told, "commands": commands, "violated": side.check.violated}))


if __name__ == "__main__":
    main()
