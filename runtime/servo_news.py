"""What the run's log is told of the servo process: an arm that was lost and found, a hold that somebody asked for."""

from __future__ import annotations

from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import Event, State

ASKED_FOR = {
    Event.HOLD: "somebody asked the arm to hold",
    Event.PRESSED: "the hardware stop was pressed",
}


class ServoNews:
    """Compares each telemetry with the one before."""

    def __init__(self, telemetry: ServoTelemetry) -> None:
        """What is told is what happens after `telemetry`."""
        self._last = telemetry

    def tell(self, telemetry: ServoTelemetry, log: RunLog) -> None:
        """Log what is new."""
        last, self._last = self._last, telemetry
        if telemetry.recoveries > last.recoveries:
            log.fault(telemetry.trouble, "the arm is held and looked for")
        if (telemetry.state, telemetry.cause) == (last.state, last.cause):
            return
        if last.state is State.RECOVERING and telemetry.state not in {State.RECOVERING, State.FAULT, State.OFF}:
            log.note(f"the arm is back, {telemetry.state.value}")
        if telemetry.state is State.HOLDING and telemetry.cause in ASKED_FOR:
            log.fault(ASKED_FOR[telemetry.cause], "hold, until start")
