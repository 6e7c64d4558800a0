"""Checks: instructions for several servos at once, through the SDK's group classes."""

from __future__ import annotations

import dynamixel_sdk as sdk  # type: ignore[import-untyped]

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.simulation.servos import control_table as t
from tests.dynamixel.conformance.client import OLD_FIRMWARE_ID, START_TICK, Client
from tests.dynamixel.conformance.rule import PROTOCOL, XL430, Chapter

groups = Chapter("Instructions to several servos")
NEW = (1, 2, 3, 4, 5)
EVERYBODY = (*NEW, OLD_FIRMWARE_ID)
MISSING_ID = 42


def sync_read(client: Client, register: Register, ids: tuple[int, ...]) -> sdk.GroupSyncRead:
    group = sdk.GroupSyncRead(client.port, client.packets, register.address, register.size)
    for servo_id in ids:
        assert group.addParam(servo_id)
    return group


def values(group: sdk.GroupSyncRead, register: Register, ids: tuple[int, ...]) -> list[int]:
    assert all(group.isAvailable(servo_id, register.address, register.size) for servo_id in ids)
    return [group.getData(servo_id, register.address, register.size) for servo_id in ids]


def distinct(client: Client, ids: tuple[int, ...]) -> list[int]:
    for servo_id in ids:
        client.set(servo_id, (r.POSITION_P, 100 + servo_id))
    return [100 + servo_id for servo_id in ids]


def bulk_read(client: Client) -> sdk.GroupBulkRead:
    """Position of servo 1, temperature of servo 3, voltage of servo 5: addresses and lengths differ."""
    group = sdk.GroupBulkRead(client.port, client.packets)
    for servo_id, item in ((1, r.PRESENT_POSITION), (3, r.PRESENT_TEMPERATURE), (5, r.PRESENT_VOLTAGE)):
        assert group.addParam(servo_id, item.address, item.size)
    return group


def bulk_values(group: sdk.GroupBulkRead) -> tuple[int, int, int]:
    return group.getData(1, 132, 4), group.getData(3, 146, 1), group.getData(5, 144, 2)


@groups.rule("Sync Read: every servo answers, in the order asked", PROTOCOL, "Sync Read (0x82)")
def _(client: Client) -> None:
    order = (5, 1, 3, 2, OLD_FIRMWARE_ID, 4)
    expected, group = distinct(client, order), sync_read(client, r.POSITION_P, order)
    client.answers.clear()
    assert group.txRxPacket() == sdk.COMM_SUCCESS
    assert values(group, r.POSITION_P, order) == expected
    assert [packet[4] for packet in client.answers] == list(order)


@groups.rule("Sync Read: a missing servo silences those behind it", PROTOCOL, "Sync Read (0x82)")
def _(client: Client) -> None:
    group = sync_read(client, r.LED, (1, MISSING_ID, 2))
    client.answers.clear()
    with client.impatient():
        assert group.txRxPacket() == sdk.COMM_RX_TIMEOUT
    assert [packet[4] for packet in client.answers] == [1]


@groups.rule("Fast Sync Read: one status packet for all", PROTOCOL, "Fast Sync Read (0x8A)")
def _(client: Client) -> None:
    expected, group = distinct(client, NEW), sync_read(client, r.POSITION_P, NEW)
    client.answers.clear()
    assert group.fastSyncRead() == sdk.COMM_SUCCESS
    assert values(group, r.POSITION_P, NEW) == expected
    assert [len(packet) for packet in client.answers] == [8 + len(NEW) * (2 + 4)]


@groups.rule("Fast Sync Read: an XL330 before firmware 46 does not know it", PROTOCOL, "Fast Sync Read (0x8A)")
def _(client: Client) -> None:
    group = sync_read(client, r.LED, (OLD_FIRMWARE_ID,))
    assert client.is_silent(group.fastSyncRead)


@groups.rule("Sync Write changes each servo and is not answered", PROTOCOL, "Sync Write (0x83)")
def _(client: Client) -> None:
    group = sdk.GroupSyncWrite(client.port, client.packets, r.POSITION_P.address, 2)
    for servo_id in EVERYBODY:
        assert group.addParam(servo_id, [servo_id, 1])
    assert client.is_silent(group.txPacket)
    assert [client.read(servo_id, r.POSITION_P) for servo_id in EVERYBODY] == [256 + key for key in EVERYBODY]


@groups.rule("Sync Write leaves servos alone that it does not name", PROTOCOL, "Sync Write (0x83)")
def _(client: Client) -> None:
    group = sdk.GroupSyncWrite(client.port, client.packets, r.LED.address, 1)
    group.addParam(2, [1])
    assert group.txPacket() == sdk.COMM_SUCCESS
    assert [client.read(servo_id, r.LED) for servo_id in EVERYBODY] == [0, 1, 0, 0, 0, 0]


@groups.rule("Bulk Read: each servo its own address and length", PROTOCOL, "Bulk Read (0x92)")
def _(client: Client) -> None:
    group = bulk_read(client)
    assert group.txRxPacket() == sdk.COMM_SUCCESS
    assert bulk_values(group) == (START_TICK, 35, 50)


@groups.rule("Fast Bulk Read: the same in one status packet", PROTOCOL, "Fast Bulk Read (0x9A)")
def _(client: Client) -> None:
    group = bulk_read(client)
    client.answers.clear()
    assert group.fastBulkRead() == sdk.COMM_SUCCESS
    assert bulk_values(group) == (START_TICK, 35, 50)
    assert [len(packet) for packet in client.answers] == [8 + (4 + 4) + (1 + 4) + (2 + 4)]


@groups.rule("Bulk Write: each servo its own address and length, no answer", PROTOCOL, "Bulk Write (0x93)")
def _(client: Client) -> None:
    group = sdk.GroupBulkWrite(client.port, client.packets)
    assert group.addParam(1, r.LED.address, 1, [1])
    assert group.addParam(3, r.PROFILE_VELOCITY.address, 4, [44, 1, 0, 0])
    assert client.is_silent(group.txPacket)
    assert (client.read(1, r.LED), client.read(3, r.PROFILE_VELOCITY)) == (1, 300)


@groups.rule("a secondary id addresses a group: all obey, none answers", XL430, "Secondary(Shadow) ID(12)")
def _(client: Client) -> None:
    for servo_id in (1, 2):
        client.set(servo_id, (t.SECONDARY_ID, 100))
    assert client.is_silent(lambda: client.packets.write1ByteTxRx(client.port, 100, r.LED.address, 1))
    assert [client.read(servo_id, r.LED) for servo_id in (1, 2, 3)] == [1, 1, 0]


@groups.rule("EEPROM cannot be written through a secondary id", XL430, "Secondary(Shadow) ID(12)")
def _(client: Client) -> None:
    client.set(1, (t.SECONDARY_ID, 100))
    assert client.is_silent(lambda: client.packets.write1ByteTxRx(client.port, 100, r.RETURN_DELAY.address, 9))
    assert client.read(1, r.RETURN_DELAY) == 250


@groups.rule("indirect data lead to the items whose addresses they were given", XL430, "Indirect Address")
def _(client: Client) -> None:
    for index, byte in enumerate((r.LED.address, *range(r.PRESENT_POSITION.address, r.PRESENT_POSITION.end))):
        assert client.write_raw(1, 168 + 2 * index, byte.to_bytes(2, "little")) == 0
    assert client.write_raw(1, 224, b"\x01") == 0
    assert client.read(1, r.LED) == 1
    assert client.read_raw(1, 224, 5) == ([1, 0x00, 0x08, 0, 0], 0)
