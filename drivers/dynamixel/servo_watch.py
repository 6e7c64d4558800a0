"""Looks at one servo every few cycles, the servos in turn: at its watchdog, and at its voltage and temperature."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED
from libra_edge.drivers.dynamixel.servo_settings import ServoSettings
from libra_edge.drivers.dynamixel.units import VOLTAGE
from libra_edge.errors import BusError, CorruptPacketError, NoAnswerError

logger = logging.getLogger(__name__)

WATCHDOG_POLL_CYCLES = 2
SUPPLY_POLL_CYCLES = 50
SUPPLY_POLL_PHASE = 25
"""Odd, so that no cycle looks twice."""
NEAR_LIMIT_C = 5
COOLED_C = 2
"""A servo that was near its temperature limit is no longer when it is so much cooler."""
LIMITS = (r.TEMPERATURE_LIMIT.address, r.MIN_VOLTAGE.end - r.TEMPERATURE_LIMIT.address)
SUPPLY = (r.PRESENT_VOLTAGE.address, r.PRESENT_TEMPERATURE.end - r.PRESENT_VOLTAGE.address)


@dataclass(frozen=True, slots=True)
class Supply:
    """Input voltage (V) and temperature (degrees C) of a servo."""

    volts: float
    celsius: int


@dataclass(frozen=True, slots=True)
class SupplyLimits:
    """Beyond these a servo raises its hardware alert: V, degrees C."""

    low_v: float
    high_v: float
    celsius: int


class ServoWatch:
    """Goals are lost without a word once a watchdog has tripped or its servo has restarted: this notices it.

    Attributes:
        supplies: servo id -> what was read last.
    """

    def __init__(self, bus: Bus, servos: Sequence[ServoSettings], watchdog: int) -> None:
        """`watchdog`: what stands in an armed one."""
        self.supplies: dict[int, Supply] = {}
        self._bus, self._servos, self._watchdog = bus, servos, watchdog
        self._limits: dict[int, SupplyLimits] = {}
        self._warned: dict[int, str] = {}
        self._cycle = 0

    def learn_limits(self) -> None:
        """Read what the servos bear. Raises BusError."""
        for servo in self._servos:
            block = self._bus.read_block(servo.servo_id, *LIMITS).parameters
            low_v, high_v = (VOLTAGE.scale * _value(block, LIMITS[0], item) for item in (r.MIN_VOLTAGE, r.MAX_VOLTAGE))
            celsius = _value(block, LIMITS[0], r.TEMPERATURE_LIMIT)
            self._limits[servo.servo_id] = SupplyLimits(low_v, high_v, celsius)

    def begin(self) -> None:
        """The watchdogs have just been armed: look at all of them anew."""
        self._cycle = 0

    def look(self, *, armed: bool) -> None:
        """What this cycle's turn is. Raises BusError for a watchdog that should be `armed` and is not."""
        looks, rest = divmod(self._cycle, WATCHDOG_POLL_CYCLES)
        try:
            if rest == 0 and armed:
                self._look_at_watchdog(self._servos[looks % len(self._servos)])
            turn, rest = divmod(self._cycle, SUPPLY_POLL_CYCLES)
            if rest == SUPPLY_POLL_PHASE:
                self._look_at_supply(self._servos[turn % len(self._servos)])
        except (NoAnswerError, CorruptPacketError) as fault:
            logger.debug("looked at in the next cycle: %s", fault)
            return
        self._cycle += 1

    def _look_at_watchdog(self, servo: ServoSettings) -> None:
        found = self._bus.read(servo.servo_id, r.BUS_WATCHDOG)
        if found == WATCHDOG_TRIPPED:
            raise BusError(f"the bus watchdog of {servo.label} has tripped: goals are refused until it is set up again")
        if found != self._watchdog:
            raise BusError(f"{servo.label} restarted (did the supply dip?): the torque there is off")

    def _look_at_supply(self, servo: ServoSettings) -> None:
        block = self._bus.read_block(servo.servo_id, *SUPPLY).parameters
        volts = VOLTAGE.scale * _value(block, SUPPLY[0], r.PRESENT_VOLTAGE)
        supply = Supply(volts, _value(block, SUPPLY[0], r.PRESENT_TEMPERATURE))
        self.supplies[servo.servo_id] = supply
        warned = self._warned.get(servo.servo_id, "")
        problem = self._problem(supply, self._limits[servo.servo_id], COOLED_C if "hot" in warned else 0)
        if problem and problem != warned:
            logger.warning("%s is %s (%.1f V, %d C)", servo.label, problem, supply.volts, supply.celsius)
        self._warned[servo.servo_id] = problem

    def _problem(self, supply: Supply, limits: SupplyLimits, band_c: int) -> str:
        if supply.celsius >= limits.celsius - NEAR_LIMIT_C - band_c:
            return f"nearly too hot, it shuts down at {limits.celsius} C"
        if not limits.low_v <= supply.volts <= limits.high_v:
            return f"fed with a voltage outside its {limits.low_v:.1f} .. {limits.high_v:.1f} V"
        return ""


def _value(block: bytes, address: int, register: Register) -> int:
    start = register.address - address
    return register.decode(block[start : start + register.size])
