"""Checks: what each instruction does."""

from __future__ import annotations

import dynamixel_sdk as sdk  # type: ignore[import-untyped]

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import Refusal
from libra_edge.drivers.simulation.servos import control_table as t
from tests.dynamixel.conformance.client import IDS, OLD_FIRMWARE, OLD_FIRMWARE_ID, START_TICK, Client
from tests.dynamixel.conformance.rule import PROTOCOL, XL430, Chapter

ABSENT_ID = 42
BROADCAST = 0xFE
BARE_ANSWER_BYTES = 11
"""A status packet without data. (What the SDK returns as the data of such a one is its checksum.)"""

single = Chapter("Instructions to one servo")


def error_of_action(client: Client, servo_id: int) -> int:
    """The SDK does not wait for the answer to an Action: it is looked for after that to a ping."""
    client.answers.clear()
    assert client.packets.action(client.port, servo_id) == sdk.COMM_SUCCESS
    client.error_of_ping(1)
    answer, _ = client.answers
    assert answer[4] == servo_id
    return answer[8]


@single.rule("a ping tells model number and firmware version", PROTOCOL, "Ping (0x01)")
def _(client: Client) -> None:
    model, result, error = client.packets.ping(client.port, 1)
    assert (model, result, error) == (1060, sdk.COMM_SUCCESS, 0)
    assert client.packets.ping(client.port, 3)[0] == 1200
    assert client.answers[-1][9:12] == bytes([0xB0, 0x04, 52])


@single.rule("a ping to an id that nobody has is not answered", PROTOCOL, "Packet ID")
def _(client: Client) -> None:
    assert client.is_silent(lambda: client.packets.ping(client.port, ABSENT_ID))


@single.rule("a ping to the broadcast id is answered by every servo", PROTOCOL, "Ping (0x01)")
def _(client: Client) -> None:
    found, result = client.packets.broadcastPing(client.port)
    assert result == sdk.COMM_SUCCESS
    assert {key: tuple(value) for key, value in found.items()} == {
        **dict.fromkeys((1, 2), (1060, 52)),
        **dict.fromkeys((3, 4, 5), (1200, 52)),
        OLD_FIRMWARE_ID: (1200, OLD_FIRMWARE),
    }


@single.rule("a read returns the bytes asked for, low byte first", PROTOCOL, "Read (0x02)")
def _(client: Client) -> None:
    assert client.read_raw(1, r.MODEL_NUMBER.address, 2) == ([0x24, 0x04], 0)
    assert client.read_raw(1, r.PRESENT_POSITION.address, 4) == ([0x00, 0x08, 0, 0], 0)


@single.rule("a read may span several items of the table", PROTOCOL, "Read (0x02)")
def _(client: Client) -> None:
    data, _ = client.read_raw(1, r.POSITION_D.address, 6)
    assert bytes(data) == b"".join(value.to_bytes(2, "little") for value in (4000, 0, 640))


@single.rule("a read beyond the table is an Access Error without data", PROTOCOL, "Read (0x02)")
def _(client: Client) -> None:
    assert client.read_raw(3, 700, 4)[1] == Refusal.ACCESS
    assert len(client.answers[-1]) == BARE_ANSWER_BYTES


@single.rule("a read sent to the broadcast id is not executed", PROTOCOL, "Read (0x02)")
def _(client: Client) -> None:
    packet = [0] * 14
    packet[4:12] = [BROADCAST, 7, 0, 2, 132, 0, 4, 0]
    assert client.is_silent(lambda: client.packets.txRxPacket(client.port, packet))


@single.rule("a write changes the table and is answered", PROTOCOL, "Write (0x03)")
def _(client: Client) -> None:
    client.set(3, (r.POSITION_P, 1500))
    assert client.read(3, r.POSITION_P) == 1500


@single.rule("one write may cover several items", PROTOCOL, "Write (0x03)")
def _(client: Client) -> None:
    assert client.write_raw(3, r.POSITION_D.address, bytes([1, 0, 2, 0, 3, 0])) == 0
    assert [client.read(3, gain) for gain in (r.POSITION_D, r.POSITION_I, r.POSITION_P)] == [1, 2, 3]


@single.rule("a write sent to the broadcast id is executed by all, answered by none", PROTOCOL, "Packet ID")
def _(client: Client) -> None:
    assert client.is_silent(lambda: client.packets.write1ByteTxOnly(client.port, BROADCAST, r.LED.address, 1))
    assert [client.read(servo_id, r.LED) for servo_id in IDS] == [1] * 6


@single.rule("a registered write waits for Action and shows in Registered Instruction", PROTOCOL, "Reg Write (0x04)")
def _(client: Client) -> None:
    assert client.packets.regWriteTxRx(client.port, 3, r.LED.address, 1, [1]) == (sdk.COMM_SUCCESS, 0)
    assert (client.read(3, r.LED), client.read(3, t.REGISTERED)) == (0, 1)


@single.rule("Action executes the registered write and clears Registered Instruction", PROTOCOL, "Action (0x05)")
def _(client: Client) -> None:
    client.packets.regWriteTxRx(client.port, 3, r.LED.address, 1, [1])
    assert error_of_action(client, 3) == 0
    assert (client.read(3, r.LED), client.read(3, t.REGISTERED)) == (1, 0)


@single.rule("Action sent to the broadcast id moves several servos at once", PROTOCOL, "Action (0x05)")
def _(client: Client) -> None:
    for servo_id in (1, 2):
        client.packets.regWriteTxRx(client.port, servo_id, r.LED.address, 1, [1])
    assert client.is_silent(lambda: client.packets.action(client.port, BROADCAST))
    assert [client.read(servo_id, r.LED) for servo_id in (1, 2, 3)] == [1, 1, 0]


@single.rule("Action without a registered write is an Instruction Error", PROTOCOL, "Error")
def _(client: Client) -> None:
    assert error_of_action(client, 3) == Refusal.INSTRUCTION


@single.rule("an unknown instruction is an Instruction Error", PROTOCOL, "Error")
def _(client: Client) -> None:
    packet = [0] * 10
    packet[4:8] = [3, 3, 0, 0x7E]
    assert client.packets.txRxPacket(client.port, packet)[1:] == (sdk.COMM_SUCCESS, Refusal.INSTRUCTION)


@single.rule("Reboot puts RAM items back and keeps EEPROM items", PROTOCOL, "Reboot (0x08)")
def _(client: Client) -> None:
    client.set(3, (r.RETURN_DELAY, 7), (r.LED, 1), (r.POSITION_P, 9), (r.TORQUE_ENABLE, 1))
    assert client.packets.reboot(client.port, 3) == (sdk.COMM_SUCCESS, 0)
    after = [client.read(3, item) for item in (r.RETURN_DELAY, r.LED, r.POSITION_P, r.TORQUE_ENABLE)]
    assert after == [7, 0, 400, 0]


@single.rule("Factory Reset with option 2 keeps id and baud rate, nothing else", PROTOCOL, "Factory Reset (0x06)")
def _(client: Client) -> None:
    client.set(3, (r.OPERATING_MODE, 4), (r.HOMING_OFFSET, -77), (r.RETURN_DELAY, 0))
    assert client.packets.factoryReset(client.port, 3, 2) == (sdk.COMM_SUCCESS, 0)
    after = [client.read(3, item) for item in (r.OPERATING_MODE, r.HOMING_OFFSET, r.RETURN_DELAY, r.SERVO_ID)]
    assert after == [3, 0, 250, 3]


@single.rule("Factory Reset with option 1 keeps the id; the speed is 57,600 again", PROTOCOL, "Factory Reset (0x06)")
def _(client: Client) -> None:
    assert client.packets.factoryReset(client.port, 3, 1) == (sdk.COMM_SUCCESS, 0)
    assert client.is_silent(lambda: client.packets.ping(client.port, 3))
    assert client.port.setBaudRate(57_600)
    assert client.read(3, r.SERVO_ID) == 3


@single.rule("Factory Reset with option 0xFF makes it servo 1 at 57,600", PROTOCOL, "Factory Reset (0x06)")
def _(client: Client) -> None:
    assert client.packets.factoryReset(client.port, 3, 0xFF) == (sdk.COMM_SUCCESS, 0)
    assert client.port.setBaudRate(57_600)
    assert client.packets.ping(client.port, 1)[:2] == (1200, sdk.COMM_SUCCESS)


@single.rule("Factory Reset 0xFF to the broadcast id is not executed", PROTOCOL, "Factory Reset (0x06)")
def _(client: Client) -> None:
    client.set(3, (r.OPERATING_MODE, 4))
    assert client.is_silent(lambda: client.packets.factoryReset(client.port, BROADCAST, 0xFF))
    assert client.read(3, r.OPERATING_MODE) == 4


@single.rule("Clear brings the position back into one turn", PROTOCOL, "Clear (0x10)")
def _(client: Client) -> None:
    client.set(3, (r.OPERATING_MODE, 4), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 10_000))
    client.pass_time(30.0)
    assert client.read(3, r.PRESENT_POSITION) == 10_000
    assert client.packets.clearMultiTurn(client.port, 3) == (sdk.COMM_SUCCESS, 0)
    assert client.read(3, r.PRESENT_POSITION) == 10_000 % 4096


@single.rule("Clear while the servo moves is Result Fail", PROTOCOL, "Clear (0x10)")
def _(client: Client) -> None:
    client.set(3, (r.OPERATING_MODE, 4), (r.TORQUE_ENABLE, 1), (r.GOAL_POSITION, 100_000))
    client.pass_time(0.5)
    assert client.packets.clearMultiTurn(client.port, 3) == (sdk.COMM_SUCCESS, Refusal.RESULT)
    assert client.read(3, r.PRESENT_POSITION) > START_TICK


@single.rule("a header within the data of an answer is stuffed", PROTOCOL, "Processing Order of Transmission")
def _(client: Client) -> None:
    """Written in two pieces: the SDK (4.1.0) does not stuff what it sends itself."""
    pattern = bytes([0xFF, 0xFF, 0xFD, 0x00])
    assert client.write_raw(1, 224, pattern[:2]) == client.write_raw(1, 226, pattern[2:]) == 0
    assert bytes(client.read_raw(1, 224, 4)[0]) == pattern
    assert pattern[:3] + b"\xfd" in client.answers[-1]


@single.rule("servos that listen at another speed hear nothing", XL430, "Baud Rate(8)")
def _(client: Client) -> None:
    assert client.port.setBaudRate(2_000_000)
    with client.impatient():
        assert client.packets.ping(client.port, 1)[1] == sdk.COMM_RX_TIMEOUT
    assert client.port.setBaudRate(1_000_000)
    client.error_of_ping(1)
    assert client.emulator.ledger.packets == 1
