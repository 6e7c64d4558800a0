"""ROBOTIS' own SDK as an independent peer: what it sends we understand, what we answer it understands."""

from __future__ import annotations

from collections.abc import Iterator

import dynamixel_sdk as sdk  # type: ignore[import-untyped]
import pytest

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import ALERT_BIT, Refusal
from libra_edge.drivers.simulation.servos.plant import ServoMeasurement
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from tests.dynamixel.bench import IDS, ROBOT, StillPlant, emulated

DISTINCT = ServoMeasurement(position_tick=3333, velocity_raw=-258, current_raw=-77)


@pytest.fixture
def emulator() -> Iterator[ServoBusEmulator]:
    with emulated(plant=StillPlant(DISTINCT, [])) as running:
        yield running


@pytest.fixture
def port(emulator: ServoBusEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[sdk.PortHandler]:
    """The SDK waits 34 ms for an answer; a busy test machine may need longer."""
    monkeypatch.setattr("dynamixel_sdk.port_handler.LATENCY_TIMER", 20_000)
    handler = sdk.PortHandler(emulator.port)
    assert handler.openPort()
    yield handler
    handler.closePort()


PACKETS = sdk.PacketHandler(2.0)


def test_ping(port: sdk.PortHandler) -> None:
    for joint in ROBOT.joint:
        model, result, error = PACKETS.ping(port, joint.id)
        assert (model, result, error) == ({"xl430-w250": 1060, "xl330-m288": 1200}[joint.servo], sdk.COMM_SUCCESS, 0)


def test_ping_of_a_servo_that_is_not_there(port: sdk.PortHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynamixel_sdk.port_handler.LATENCY_TIMER", 16)
    assert PACKETS.ping(port, 99)[1] == sdk.COMM_RX_TIMEOUT


def test_broadcast_ping(port: sdk.PortHandler) -> None:
    found, result = PACKETS.broadcastPing(port)
    assert result == sdk.COMM_SUCCESS
    assert sorted(found) == IDS


def test_write_and_read_back(port: sdk.PortHandler) -> None:
    assert PACKETS.write2ByteTxRx(port, 3, r.POSITION_P.address, 1500) == (sdk.COMM_SUCCESS, 0)
    assert PACKETS.read2ByteTxRx(port, 3, r.POSITION_P.address) == (1500, sdk.COMM_SUCCESS, 0)
    assert PACKETS.read1ByteTxRx(port, 3, r.RETURN_DELAY.address) == (0, sdk.COMM_SUCCESS, 0)


def test_refusals(port: sdk.PortHandler) -> None:
    assert PACKETS.write1ByteTxRx(port, 3, r.BUS_WATCHDOG.address, 200)[1] == Refusal.RANGE
    assert PACKETS.write2ByteTxRx(port, 3, r.MODEL_NUMBER.address, 1)[1] == Refusal.ACCESS
    assert PACKETS.readTxRx(port, 3, 254, 4)[2] == Refusal.ACCESS
    assert PACKETS.factoryReset(port, 3, 7)[1] == Refusal.RANGE


@pytest.mark.parametrize("fast", [False, True])
def test_sync_read(port: sdk.PortHandler, fast: bool) -> None:
    group = sdk.GroupSyncRead(port, PACKETS, r.PRESENT_CURRENT.address, 10)
    for servo_id in IDS:
        assert group.addParam(servo_id)
    assert (group.fastSyncRead() if fast else group.txRxPacket()) == sdk.COMM_SUCCESS
    for servo_id in IDS:
        position = group.getData(servo_id, r.PRESENT_POSITION.address, 4)
        velocity = group.getData(servo_id, r.PRESENT_VELOCITY.address, 4)
        current = group.getData(servo_id, r.PRESENT_CURRENT.address, 2)
        assert (position, velocity, current) == (3333, 2**32 - 258, 2**16 - 77)


def test_sync_write_reaches_the_ledger(port: sdk.PortHandler, emulator: ServoBusEmulator) -> None:
    group = sdk.GroupSyncWrite(port, PACKETS, r.GOAL_POSITION.address, 4)
    for servo_id in IDS:
        assert group.addParam(servo_id, list((1000 + servo_id).to_bytes(4, "little")))
    assert group.txPacket() == sdk.COMM_SUCCESS
    assert PACKETS.ping(port, 1)[1] == sdk.COMM_SUCCESS
    assert [(goal.servo_id, goal.tick) for goal in emulator.ledger.goals] == [(i, 1000 + i) for i in IDS]


def test_reboot(port: sdk.PortHandler) -> None:
    PACKETS.write1ByteTxRx(port, 2, r.LED.address, 1)
    assert PACKETS.reboot(port, 2) == (sdk.COMM_SUCCESS, 0)
    assert PACKETS.read1ByteTxRx(port, 2, r.LED.address)[0] == 0


def test_the_sdk_sees_the_alert_bit(port: sdk.PortHandler, emulator: ServoBusEmulator) -> None:
    emulator.raise_hardware_error(4, 0b100000)
    assert PACKETS.ping(port, 4)[2] == ALERT_BIT
    assert PACKETS.ping(port, 5)[2] == 0
