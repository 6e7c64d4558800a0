"""The servo process with its governor taken out: what the judge must see."""

from __future__ import annotations

import numpy as np

from libra_edge.cli import servo
from libra_edge.messages import Float64, JointState
from libra_edge.runtime import servo_loop
from libra_edge.runtime.governor import GovernorDecision, GovernorLimits, GovernorState, Verdict


def let_through(
    limits: GovernorLimits, state: GovernorState, goal: Float64, dt_s: float, measured: JointState | None = None
) -> GovernorDecision:
    passed = Verdict(np.zeros(len(goal), np.uint8))
    return GovernorDecision(goal, GovernorState(goal, (goal - state.goal) / dt_s, goal), passed)


if __name__ == "__main__":
    servo_loop.govern = let_through  # type: ignore[attr-defined]
    servo.main()
