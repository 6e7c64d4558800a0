"""CRC-16 of Dynamixel Protocol 2.0: polynomial 0x8005, start value 0, no reflection (ROBOTIS e-Manual, "CRC")."""

from __future__ import annotations

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


def crc16(data: bytes, start: int = 0) -> int:
    """CRC of `data`; `start` continues from the CRC of the bytes before it."""
    remainder = start
    for byte in data:
        remainder = (remainder << 8 & 0xFF00) ^ REMAINDERS[remainder >> 8 ^ byte]
    return remainder
