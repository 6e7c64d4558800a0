"""CRC-16 of Dynamixel Protocol 2.0: polynomial 0x8005, start value 0, no reflection (ROBOTIS e-Manual, "CRC")."""

from __future__ import annotations

import struct

POLYNOMIAL = 0x8005


def _remainder_of(byte: int) -> int:
    remainder = byte << 8
    for _ in range(8):
        carry = remainder & 0x8000
        remainder = (remainder << 1) & 0xFFFF
        if carry:
            remainder ^= POLYNOMIAL
    return remainder


REMAINDERS = tuple(_remainder_of(byte) for byte in range(256))
WORD_REMAINDERS = tuple(
    (REMAINDERS[high] << 8 & 0xFF00) ^ REMAINDERS[REMAINDERS[high] >> 8 ^ low]
    for high in range(256)
    for low in range(256)
)
"""Of every two bytes: a remainder has 16 bits, so one look-up does for both, in half the time."""


def crc16(data: bytes, start: int = 0) -> int:
    """CRC of `data`; `start` continues from the CRC of the bytes before it."""
    remainder, words = start, len(data) // 2
    for word in struct.unpack_from(f">{words}H", data):
        remainder = WORD_REMAINDERS[remainder ^ word]
    if len(data) % 2:
        remainder = (remainder << 8 & 0xFF00) ^ REMAINDERS[remainder >> 8 ^ data[-1]]
    return remainder
