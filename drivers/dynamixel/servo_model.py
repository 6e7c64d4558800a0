"""The servo models of the Koch arms: which registers they have, and what is in them as shipped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.register import Register

VELOCITY_UNIT_RPM = 0.229
WATCHDOG_UNIT_MS = 20
WATCHDOG_TRIPPED = 255


@dataclass(frozen=True, slots=True)
class ServoModel:
    """A control table.

    Attributes:
        number: what the servo answers to a ping.
        modes: operating modes it knows.
        fast_sync_read_since: firmware version that brought the fast sync read.
        registers: by address.
    """

    name: str
    number: int
    modes: frozenset[int]
    fast_sync_read_since: int
    registers: tuple[Register, ...]

    def at(self, address: int) -> Register | None:
        """The register that holds the byte at `address`."""
        return next((item for item in self.registers if item.address <= address < item.end), None)

    def within(self, address: int, size: int) -> Iterator[Register]:
        """The registers touched by `size` bytes from `address` on."""
        return (item for item in self.registers if item.address < address + size and address < item.end)

    def has(self, wanted: Register) -> bool:
        """Whether the servo has a register at that address."""
        return self.at(wanted.address) is not None

    def initial(self, wanted: Register) -> int:
        """Value as shipped or after power-on."""
        found = self.at(wanted.address)
        if found is None:
            raise KeyError(f"{self.name} has no register {wanted.address} ({wanted.name})")
        return found.initial


COMMON = (
    r.FIRMWARE,
    r.SERVO_ID,
    r.BAUD,
    r.RETURN_DELAY,
    r.DRIVE_MODE,
    r.OPERATING_MODE,
    r.HOMING_OFFSET,
    r.PWM_LIMIT,
    r.MAX_POSITION,
    r.MIN_POSITION,
    r.STARTUP,
    r.TORQUE_ENABLE,
    r.LED,
    r.STATUS_RETURN_LEVEL,
    r.HARDWARE_ERROR,
    r.POSITION_I,
    r.BUS_WATCHDOG,
    r.GOAL_PWM,
    r.PROFILE_ACCELERATION,
    r.PROFILE_VELOCITY,
    r.GOAL_POSITION,
    r.PRESENT_CURRENT,
    r.PRESENT_VELOCITY,
    r.PRESENT_POSITION,
    r.PRESENT_TEMPERATURE,
)

XL430_W250 = ServoModel(
    name="xl430-w250",
    number=1060,
    modes=frozenset({1, 3, 4, 16}),
    fast_sync_read_since=45,
    registers=(
        *COMMON,
        replace(r.MODEL_NUMBER, initial=1060),
        r.TEMPERATURE_LIMIT,
        r.MAX_VOLTAGE,
        r.MIN_VOLTAGE,
        r.VELOCITY_LIMIT,
        r.SHUTDOWN,
        r.POSITION_D,
        r.POSITION_P,
        r.GOAL_VELOCITY,
        r.PRESENT_VOLTAGE,
    ),
)

XL330_M288 = ServoModel(
    name="xl330-m288",
    number=1200,
    modes=frozenset({0, 1, 3, 4, 5, 16}),
    fast_sync_read_since=46,
    registers=(
        *COMMON,
        replace(r.MODEL_NUMBER, initial=1200),
        replace(r.TEMPERATURE_LIMIT, initial=70),
        replace(r.MAX_VOLTAGE, low=31, high=70, initial=70),
        replace(r.MIN_VOLTAGE, low=31, high=70, initial=35),
        r.CURRENT_LIMIT,
        replace(r.VELOCITY_LIMIT, high=2047, initial=445),
        replace(r.SHUTDOWN, initial=53),
        replace(r.POSITION_D, initial=0),
        replace(r.POSITION_P, initial=400),
        r.GOAL_CURRENT,
        replace(r.GOAL_VELOCITY, low=-2047, high=2047),
        replace(r.PRESENT_VOLTAGE, initial=50),
    ),
)

OF_M077 = {
    r.MODEL_NUMBER.address: replace(r.MODEL_NUMBER, initial=1190),
    r.VELOCITY_LIMIT.address: replace(r.VELOCITY_LIMIT, high=2047, initial=1620),
    r.POSITION_I.address: replace(r.POSITION_I, initial=400),
}
XL330_M077 = replace(
    XL330_M288,
    name="xl330-m077",
    number=1190,
    registers=tuple(OF_M077.get(register.address, register) for register in XL330_M288.registers),
)
"""The same servo with a gear of 77 instead of 288: faster, weaker."""

MODELS = {model.name: model for model in (XL430_W250, XL330_M288, XL330_M077)}
NAME_OF_NUMBER = {model.number: model.name for model in MODELS.values()}
