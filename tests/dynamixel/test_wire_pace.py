"""Pacing is real: by its own clock the SDK's client never gets an answer sooner than a wire could carry it."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

import dynamixel_sdk as sdk  # type: ignore[import-untyped]
import pytest

from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.frame import decode_frame
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import specs_of
from libra_edge.drivers.simulation.servos.wire_pace import WirePace
from tests.dynamixel.bench import IDS, PATIENCE_S, ROBOT, kinematic_plant

ROUNDS = 20
SIZE = r.PRESENT_POSITION.end - r.PRESENT_CURRENT.address
ASKED = 14 + len(IDS)
ANSWERED = {False: len(IDS) * (11 + SIZE), True: 8 + len(IDS) * (4 + SIZE)}
BARE_ANSWER, READ = 11, 14
AT_LEAST = 0.99
"""Of the wire's time; there is no upper bound, the machine may be busy."""
DELAY = 250


def fastest_s(ask: Callable[[], int]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert ask() == sdk.COMM_SUCCESS
        times.append(time.perf_counter() - began)
    return min(times)


def opened(emulator: ServoBusEmulator, baud: int) -> sdk.PortHandler:
    port = sdk.PortHandler(emulator.port)
    assert port.setBaudRate(baud)
    return port


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynamixel_sdk.port_handler.LATENCY_TIMER", 20_000)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("baud", [57_600, 1_000_000, 2_000_000, 3_000_000, 4_000_000])
def test_a_sync_read_takes_at_least_the_time_of_its_bytes(baud: int, fast: bool) -> None:
    with ServoBusEmulator(specs_of(ROBOT), kinematic_plant(), baud=baud, pace=WirePace()) as emulator:
        port, packets = opened(emulator, baud), sdk.PacketHandler(2.0)
        group = sdk.GroupSyncRead(port, packets, r.PRESENT_CURRENT.address, SIZE)
        for servo_id in IDS:
            assert group.addParam(servo_id)
        found = fastest_s(group.fastSyncRead if fast else group.txRxPacket)
        port.closePort()
    assert found >= AT_LEAST * (ASKED + ANSWERED[fast]) * 10 / baud


def test_servos_wait_for_their_return_delay() -> None:
    with ServoBusEmulator(specs_of(ROBOT), kinematic_plant(), pace=WirePace()) as emulator:
        port, packets = opened(emulator, 1_000_000), sdk.PacketHandler(2.0)
        assert packets.write1ByteTxRx(port, 3, r.RETURN_DELAY.address, DELAY) == (sdk.COMM_SUCCESS, 0)
        found = fastest_s(lambda: packets.read1ByteTxRx(port, 3, r.LED.address)[1])
        port.closePort()
    assert found >= AT_LEAST * (DELAY * 2e-6 + (READ + BARE_ANSWER + 1) * 10e-6)


class NotingPace(WirePace):
    """Takes no time, and lets something happen while bytes are on the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[int] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def wait(self, size: int, baud: int, delay_us: int) -> None:
        self.waited.append(size)
        self.meanwhile()


def test_a_fast_answer_arrives_as_its_servos_speak_with_nothing_in_between() -> None:
    pace, came = NotingPace(), b""
    emulator = ServoBusEmulator(specs_of(ROBOT), kinematic_plant(), pace=pace)
    port = SerialPort(emulator.port, ROBOT.bus.baud)
    port.open()
    pace.meanwhile = lambda: emulator.send_later(b"late", 0.0)
    port.send(instructions.fast_sync_read(IDS, r.PRESENT_CURRENT.address, SIZE).encode())
    while not pace.waited:
        emulator.serve(PATIENCE_S)
    emulator.send(b"end")
    while not came.endswith(b"end") and select.select([port.fileno()], [], [], PATIENCE_S)[0]:
        came += port.take()
    port.close()
    emulator.stop()
    assert pace.waited == [8 + 4 + SIZE, *[4 + SIZE] * (len(IDS) - 1)]
    packet = came.removesuffix(b"end").replace(b"late", b"")
    assert came.count(b"late") == len(IDS)
    assert packet in came
    assert decode_frame(packet).servo_id == BROADCAST_ID
