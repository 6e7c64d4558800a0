"""Instruction and error codes of Protocol 2.0, with ROBOTIS' own numbers."""

from __future__ import annotations

from enum import IntEnum

from dynamixel_sdk import protocol2_packet_handler as sdk_errors  # type: ignore[import-untyped]
from dynamixel_sdk import robotis_def as sdk

BROADCAST_ID: int = sdk.BROADCAST_ID
HIGHEST_ID: int = sdk.MAX_ID
ALERT_BIT: int = sdk_errors.ERRBIT_ALERT


class Opcode(IntEnum):
    """What a packet asks for; STATUS marks an answer."""

    PING = sdk.INST_PING
    READ = sdk.INST_READ
    WRITE = sdk.INST_WRITE
    REG_WRITE = sdk.INST_REG_WRITE
    ACTION = sdk.INST_ACTION
    FACTORY_RESET = sdk.INST_FACTORY_RESET
    REBOOT = sdk.INST_REBOOT
    CLEAR = sdk.INST_CLEAR
    STATUS = sdk.INST_STATUS
    SYNC_READ = sdk.INST_SYNC_READ
    SYNC_WRITE = sdk.INST_SYNC_WRITE
    FAST_SYNC_READ = sdk.INST_FAST_SYNC_READ
    BULK_READ = sdk.INST_BULK_READ
    BULK_WRITE = sdk.INST_BULK_WRITE
    FAST_BULK_READ = sdk.INST_FAST_BULK_READ


class Refusal(IntEnum):
    """Why a servo did not do what it was told (low seven bits of the error byte)."""

    NONE = 0
    RESULT = sdk_errors.ERRNUM_RESULT_FAIL
    INSTRUCTION = sdk_errors.ERRNUM_INSTRUCTION
    CRC = sdk_errors.ERRNUM_CRC
    RANGE = sdk_errors.ERRNUM_DATA_RANGE
    LENGTH = sdk_errors.ERRNUM_DATA_LENGTH
    LIMIT = sdk_errors.ERRNUM_DATA_LIMIT
    ACCESS = sdk_errors.ERRNUM_ACCESS


REFUSAL_MEANINGS = {
    Refusal.RESULT: "it could not carry the instruction out",
    Refusal.INSTRUCTION: "it does not know the instruction",
    Refusal.CRC: "the packet reached it damaged",
    Refusal.RANGE: "the value is out of range, or its bus watchdog has tripped",
    Refusal.LENGTH: "the data have the wrong length",
    Refusal.LIMIT: "the value is beyond a limit set in it",
    Refusal.ACCESS: "the address is read-only, or locked while torque is on",
}


def meaning_of(refusal: int) -> str:
    """One clause for the low seven bits of an error byte."""
    return REFUSAL_MEANINGS.get(Refusal(refusal), "unknown") if refusal in set(Refusal) else f"unknown code {refusal}"
