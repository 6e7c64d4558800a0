"""The whole control table of an emulated servo: every register that the e-Manual lists, with its bytes.

`drivers/dynamixel` knows the registers that this package uses; other people's programs use the others too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.register import EEPROM_END, INT32_MAX, Register
from libra_edge.drivers.dynamixel.servo_model import ServoModel

BAUDS = (9_600, 57_600, 115_200, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 4_500_000)
"""What register 8 means."""
FACTORY_BAUD = 1

SECONDARY_ID = Register("secondary id", 12, 1, initial=255)
MOVING_THRESHOLD = Register("moving threshold", 24, 4, high=1023, initial=10)
REGISTERED = Register("registered instruction", 69, 1, writable=False)
VELOCITY_I = Register("velocity I gain", 76, 2, high=16_383, initial=1000)
VELOCITY_P = Register("velocity P gain", 78, 2, high=16_383, initial=100)
FEEDFORWARD_2 = Register("feedforward 2nd gain", 88, 2, high=16_383)
FEEDFORWARD_1 = Register("feedforward 1st gain", 90, 2, high=16_383)
REALTIME_TICK = Register("realtime tick", 120, 2, high=32_767, writable=False)
MOVING = Register("moving", 122, 1, writable=False)
MOVING_STATUS = Register("moving status", 123, 1, writable=False)
PRESENT_PWM = Register("present PWM", 124, 2, low=-885, high=885, writable=False)
VELOCITY_TRAJECTORY = Register("velocity trajectory", 136, 4, low=-INT32_MAX, high=INT32_MAX, writable=False)
POSITION_TRAJECTORY = Register("position trajectory", 140, 4, low=-INT32_MAX, high=INT32_MAX, writable=False)

COMMON = (
    Register("model information", 2, 4, high=INT32_MAX, writable=False),
    SECONDARY_ID,
    MOVING_THRESHOLD,
    REGISTERED,
    FEEDFORWARD_2,
    FEEDFORWARD_1,
    REALTIME_TICK,
    MOVING,
    MOVING_STATUS,
    PRESENT_PWM,
    VELOCITY_TRAJECTORY,
    POSITION_TRAJECTORY,
    Register("backup ready", 147, 1, writable=False),
)
OF_XL430 = (Register("protocol type", 13, 1, low=1, high=2, initial=2), VELOCITY_I, VELOCITY_P)
OF_XL330 = (
    Register("protocol type", 13, 1, low=2, high=22, initial=2),
    Register("PWM slope", 62, 1, low=1, initial=140),
    replace(VELOCITY_I, initial=1600),
    replace(VELOCITY_P, initial=180),
    replace(r.BAUD, high=6),
)


@dataclass(frozen=True, slots=True)
class IndirectBlock:
    """`count` indirect addresses (2 bytes each) from `address` on, and the bytes from `data` on that they lead to."""

    address: int
    data: int
    count: int


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Where everything is. Nothing lies at `size` or behind it."""

    registers: tuple[Register, ...]
    indirect: tuple[IndirectBlock, ...]
    size: int


def layout_of(model: ServoModel) -> TableLayout:
    """The table of a model of the XL330 family (those with current registers) or of the XL430."""
    small = model.has(r.GOAL_CURRENT)
    blocks = (IndirectBlock(168, 208, 20),) if small else (IndirectBlock(168, 224, 28), IndirectBlock(578, 634, 28))
    size = max(block.data + block.count for block in blocks)
    own = {register.address: register for register in model.registers}
    own |= {register.address: register for register in (*COMMON, *(OF_XL330 if small else OF_XL430))}
    for block in blocks:
        for index in range(block.count):
            at = block.address + 2 * index
            own[at] = Register("indirect address", at, 2, EEPROM_END, size - 1, block.data + index)
            own[block.data + index] = Register("indirect data", block.data + index, 1)
    return TableLayout(tuple(own[address] for address in sorted(own)), blocks, size)


class ControlTable:
    """Registers and the bytes in them; numbers are kept beside their bytes, a cycle asks for some hundred of them."""

    def __init__(self, model: ServoModel) -> None:
        self._layout = layout_of(model)
        self._memory = bytearray(self._layout.size)
        self._values: dict[int, int] = {}
        self._at = {byte: item for item in self._layout.registers for byte in range(item.address, item.end)}
        self.reset(self._layout.registers)

    @property
    def registers(self) -> tuple[Register, ...]:
        """All of them, by address."""
        return self._layout.registers

    def __getitem__(self, register: Register) -> int:
        value = self._values.get(register.address)
        if value is None:
            value = register.decode(bytes(self._memory[register.address : register.end]))
        return value

    def __setitem__(self, register: Register, value: int) -> None:
        if self._values.get(register.address) != value:
            self._memory[register.address : register.end] = register.encode(value)
            self._values[register.address] = value

    def at(self, address: int) -> Register | None:
        """The register that holds the byte at `address`; its range and initial value are the model's."""
        return self._at.get(address)

    def reset(self, registers: Iterator[Register] | tuple[Register, ...]) -> None:
        """Their initial values, be it as shipped or as after power-on."""
        for register in registers:
            self[register] = register.initial

    def read(self, address: int, size: int) -> bytes | None:
        """`size` bytes; gaps between registers read 0. None beyond the table, or where no register is touched."""
        end = address + size
        if end > self._layout.size or not any(byte in self._at for byte in range(address, end)):
            return None
        if not any(address < block.data + block.count and block.data < end for block in self._layout.indirect):
            return bytes(self._memory[address:end])
        return bytes(self._memory[self.resolve(byte)] for byte in range(address, end))

    def resolve(self, address: int) -> int:
        """Where the byte at `address` really is: indirect data are found at their indirect addresses."""
        for block in self._layout.indirect:
            index = address - block.data
            if 0 <= index < block.count:
                start = block.address + 2 * index
                return int.from_bytes(self._memory[start : start + 2], "little")
        return address
