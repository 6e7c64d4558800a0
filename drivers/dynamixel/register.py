"""The registers of the X series that this package touches (ROBOTIS e-Manual, "Control Table").

Ranges and initial values are those of the XL430-W250; servo_model.py replaces what differs in the XL330-M288.
Units: position 4096 ticks a turn; velocity 0.229 rpm; current 1 mA; PWM 885 = 100 %; watchdog 20 ms; voltage 0.1 V.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EEPROM_END = 64
"""Below this address a register survives power-off, and is locked while torque is on."""

INT32_MAX = 2**31 - 1
MULTI_TURN_TICKS = 1_048_575
"""Goal positions in the modes 4 and 5 lie within plus and minus this."""


@dataclass(frozen=True, slots=True)
class Register:
    """`size` bytes at `address`, little endian, two's complement if `low` is negative. Equal if at the same address.

    Attributes:
        low, high: what may be written, both ends included.
        initial: value after power-on (RAM) or as shipped (EEPROM).
    """

    name: str = field(compare=False)
    address: int
    size: int = field(compare=False)
    low: int = field(default=0, compare=False)
    high: int = field(default=255, compare=False)
    initial: int = field(default=0, compare=False)
    writable: bool = field(default=True, compare=False)

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.size

    @property
    def signed(self) -> bool:
        """Whether its bytes are two's complement."""
        return self.low < 0

    def encode(self, value: int) -> bytes:
        """`size` bytes. Raises OverflowError for a value they cannot hold."""
        return value.to_bytes(self.size, "little", signed=self.signed)

    def decode(self, data: bytes) -> int:
        """The number in `size` bytes."""
        return int.from_bytes(data, "little", signed=self.signed)


MODEL_NUMBER = Register("model number", 0, 2, writable=False)
FIRMWARE = Register("firmware version", 6, 1, writable=False)
SERVO_ID = Register("id", 7, 1, high=252, initial=1)
BAUD = Register("baud rate", 8, 1, high=7, initial=3)
RETURN_DELAY = Register("return delay time", 9, 1, high=254, initial=250)
DRIVE_MODE = Register("drive mode", 10, 1, high=13)
OPERATING_MODE = Register("operating mode", 11, 1, high=16, initial=3)
HOMING_OFFSET = Register("homing offset", 20, 4, low=-1_044_479, high=1_044_479)
TEMPERATURE_LIMIT = Register("temperature limit", 31, 1, high=100, initial=72)
MAX_VOLTAGE = Register("max voltage limit", 32, 2, low=60, high=140, initial=140)
MIN_VOLTAGE = Register("min voltage limit", 34, 2, low=60, high=140, initial=60)
PWM_LIMIT = Register("PWM limit", 36, 2, high=885, initial=885)
CURRENT_LIMIT = Register("current limit", 38, 2, high=1750, initial=1750)
VELOCITY_LIMIT = Register("velocity limit", 44, 4, high=1023, initial=265)
MAX_POSITION = Register("max position limit", 48, 4, high=4095, initial=4095)
MIN_POSITION = Register("min position limit", 52, 4, high=4095)
STARTUP = Register("startup configuration", 60, 1, high=3)
SHUTDOWN = Register("shutdown", 63, 1, initial=52)
TORQUE_ENABLE = Register("torque enable", 64, 1, high=1)
LED = Register("LED", 65, 1, high=1)
STATUS_RETURN_LEVEL = Register("status return level", 68, 1, high=2, initial=2)
HARDWARE_ERROR = Register("hardware error status", 70, 1, writable=False)
POSITION_D = Register("position D gain", 80, 2, high=16_383, initial=4000)
POSITION_I = Register("position I gain", 82, 2, high=16_383)
POSITION_P = Register("position P gain", 84, 2, high=16_383, initial=640)
BUS_WATCHDOG = Register("bus watchdog", 98, 1, high=127)
GOAL_PWM = Register("goal PWM", 100, 2, low=-885, high=885, initial=885)
GOAL_CURRENT = Register("goal current", 102, 2, low=-1750, high=1750, initial=1750)
GOAL_VELOCITY = Register("goal velocity", 104, 4, low=-1023, high=1023)
PROFILE_ACCELERATION = Register("profile acceleration", 108, 4, high=32_767)
PROFILE_VELOCITY = Register("profile velocity", 112, 4, high=32_767)
GOAL_POSITION = Register("goal position", 116, 4, low=-MULTI_TURN_TICKS, high=MULTI_TURN_TICKS)
PRESENT_CURRENT = Register("present current or load", 126, 2, low=-32_768, high=32_767, writable=False)
PRESENT_VELOCITY = Register("present velocity", 128, 4, low=-INT32_MAX, high=INT32_MAX, writable=False)
PRESENT_POSITION = Register("present position", 132, 4, low=-INT32_MAX, high=INT32_MAX, writable=False)
PRESENT_VOLTAGE = Register("present input voltage", 144, 2, high=65_535, initial=120, writable=False)
PRESENT_TEMPERATURE = Register("present temperature", 146, 1, initial=35, writable=False)
