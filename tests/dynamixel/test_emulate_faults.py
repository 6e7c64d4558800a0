"""`libra-edge emulate --faults` and `--limits`: another program meets a faulty bus, and a judge who looks on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from libra_edge.cli.emulate import command
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.frame import Status
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import MODELS, WATCHDOG_TRIPPED
from libra_edge.drivers.simulation.servos.fault_file import open_faults
from libra_edge.drivers.simulation.servos.fault_injector import FaultInjector
from libra_edge.drivers.simulation.servos.packet_faults import PACKET_FAULTS
from libra_edge.errors import BusError, ConfigError, CorruptPacketError, NoAnswerError
from tests.dynamixel import bench
from tests.dynamixel.bench import IDS, PATIENCE_S
from tests.faults.servo_side import LIMITS

SECOND_CHAIN = IDS[2:]
DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"


class Emulated:
    """A running command and a host on its port, with much patience and with little."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running
        self.port = SerialPort(json.loads(self._line())["port"], 1_000_000)
        self.port.open()
        self.bus = Bus(self.port, PATIENCE_S)
        self.hasty = Bus(self.port, answer_margin_s=0.3, attempts=1)

    def end(self) -> tuple[int, dict[str, Any]]:
        """Exit code and ledger."""
        self._running.send_signal(signal.SIGTERM)
        ledger = json.loads(self._line())
        return self._running.wait(), ledger

    def silent(self) -> list[int]:
        """Who does not answer a ping."""
        return [servo_id for servo_id in IDS if raised(lambda: self.hasty.ping(servo_id))]  # noqa: B023

    def _line(self) -> str:
        assert self._running.stdout is not None
        return self._running.stdout.readline()


@contextmanager
def emulated(*options: str) -> Iterator[Emulated]:
    command_line = [sys.executable, "-m", "libra_edge.cli.main", "emulate", "koch-sim", "--dynamics", "ideal", *options]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True) as running:
        try:
            arm = Emulated(running)
            yield arm
            arm.port.close()
        finally:
            running.kill()


def raised(ask: Callable[[], object]) -> BusError | None:
    try:
        ask()
    except BusError as error:
        return error
    return None


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "faults.toml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("lost", NoAnswerError),
        ("corrupt", CorruptPacketError),
        ("truncated", BusError),
        ("wrong-id", NoAnswerError),
        ("late", NoAnswerError),
    ],
)
def test_status_packets_are_spoilt_for_a_while_and_then_pass(
    faulty: Callable[[str], str], kind: str, error: type[BusError]
) -> None:
    late = "by_ms = 600" if kind == "late" else ""
    file = faulty(f'[[fault]]\nkind = "{kind}"\nat_s = 0.1\nfor_s = 0.5\n{late}')
    with (
        bench.emulated() as emulator,
        FaultInjector(emulator, open_faults(Path(file), IDS)),
        bench.bus_on(emulator, answer_margin_s=0.3) as bus,
    ):
        wait_until(lambda: isinstance(raised(lambda: bus.ping(3)), error))
        wait_until(lambda: raised(lambda: bus.ping(3)) is None)
        assert bus.ping(3).model_number == MODELS["xl330-m288"].number


def test_the_command_lets_packets_be_lost_and_ends_well(faulty: Callable[[str], str]) -> None:
    with emulated("--faults", faulty('[[fault]]\nkind = "lost"\nat_s = 0.1\nfor_s = 0.5')) as arm:
        wait_until(lambda: isinstance(raised(lambda: arm.hasty.ping(3)), NoAnswerError))
        wait_until(lambda: raised(lambda: arm.hasty.ping(3)) is None)
        assert arm.end()[0] == 0


def test_every_packet_fault_is_another_one() -> None:
    packet = Status(3, 0, bytes(10)).encode()
    spoilt = {kind: fault(packet) for kind, fault in PACKET_FAULTS.items()}
    assert len({*spoilt.values(), packet}) == len(spoilt) + 1
    assert spoilt["duplicated"] == packet + packet


def test_servos_go_missing_and_come_back_as_they_were(faulty: Callable[[str], str]) -> None:
    file = faulty('[[fault]]\nkind = "missing"\nservos = [5]\nat_s = 0.3\nfor_s = 0.8')
    with emulated("--faults", file) as arm:
        arm.bus.write(5, r.TORQUE_ENABLE, 1)
        wait_until(lambda: arm.silent() == [5])
        wait_until(lambda: arm.silent() == [])
        assert arm.bus.read(5, r.TORQUE_ENABLE) == 1


def test_a_brown_out_takes_the_second_chain_and_its_torque(faulty: Callable[[str], str]) -> None:
    with emulated("--faults", faulty('[[fault]]\nkind = "brown-out"\nat_s = 1.0\nfor_s = 2.0')) as arm:
        for servo_id in IDS:
            arm.bus.write(servo_id, r.TORQUE_ENABLE, 1)
        wait_until(lambda: arm.silent() == SECOND_CHAIN)
        wait_until(lambda: arm.silent() == [])
        assert [arm.bus.read(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1, 1, 0, 0, 0, 0]


def test_servos_reboot_trip_and_report_an_error(faulty: Callable[[str], str]) -> None:
    file = faulty(
        '[[fault]]\nkind = "hardware-error"\nservos = [3]\nerror = "overload"\nat_s = 1.0\n'
        '[[fault]]\nkind = "rebooted"\nservos = [4]\nat_s = 1.0\n'
        '[[fault]]\nkind = "watchdog"\nservos = [1, 2]\nat_s = 1.0\n'
    )
    with emulated("--faults", file) as arm:
        for servo_id in IDS:
            arm.bus.write(servo_id, r.TORQUE_ENABLE, 1)
        wait_until(lambda: arm.bus.read(2, r.BUS_WATCHDOG) == WATCHDOG_TRIPPED)
        assert arm.bus.read(1, r.BUS_WATCHDOG) == WATCHDOG_TRIPPED
        assert arm.bus.read(4, r.TORQUE_ENABLE) == 0
        assert arm.bus.read(5, r.TORQUE_ENABLE) == 1
        assert arm.bus.read_block(3, r.HARDWARE_ERROR.address, 1).parameters == bytes([0x20])
        assert arm.bus.read_block(3, r.HARDWARE_ERROR.address, 1).alert


def move(arm: Emulated, tick: int, profile_velocity: int) -> None:
    """Servo 1, without asking anybody."""
    arm.bus.write(1, r.PROFILE_VELOCITY, profile_velocity)
    arm.bus.write(1, r.TORQUE_ENABLE, 1)
    arm.bus.write(1, r.GOAL_POSITION, tick)


def test_the_judge_counts_what_its_own_file_forbids_and_the_exit_code_says_so() -> None:
    with emulated("--limits", str(LIMITS)) as arm:
        move(arm, 3500, 160)
        wait_until(lambda: arm.bus.read(1, r.PRESENT_POSITION) >= 3495)
        code, ledger = arm.end()
    told, stood, leapt = 1, 1, 0
    assert (code, ledger["limits_violated"]) == (1, told + stood + leapt)


def test_the_judge_sees_a_servo_that_is_too_fast_on_a_goal_that_is_allowed() -> None:
    with emulated("--limits", str(LIMITS)) as arm:
        move(arm, 3000, 265)
        wait_until(lambda: arm.bus.read(1, r.PRESENT_POSITION) >= 2995)
        code, ledger = arm.end()
    assert (code, ledger["limits_violated"]) == (1, 1)


def test_within_its_limits_it_counts_nothing() -> None:
    with emulated("--limits", str(LIMITS)) as arm:
        move(arm, arm.bus.read(1, r.PRESENT_POSITION) + 30, 40)
        wait_until(lambda: arm.bus.read(1, r.PRESENT_VELOCITY) == 0)
        code, ledger = arm.end()
    assert (code, ledger["limits_violated"]) == (0, 0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"faults\.toml: fault: Field required"),
        ('[[fault]]\nkind = "gremlins"\nat_s = 1', r"does not match any of the expected tags"),
        ('[[fault]]\nkind = "lost"\nat_s = 1', r"fault\.0\.lost\.for_s: Field required"),
        ('[[fault]]\nkind = "lost"\nat_s = nan\nfor_s = 1', r"fault\.0\.lost\.at_s"),
        ('[[fault]]\nkind = "rebooted"\nat_s = 1\nservos = [9]', r"fault\.0\.servos: the robot has no servo 9"),
        ("[[fault", "is not TOML"),
    ],
)
def test_a_file_of_faults_that_cannot_be_used_is_refused_in_a_sentence(
    faulty: Callable[[str], str], text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        CliRunner().invoke(command, ["koch", "--faults", faulty(text)], catch_exceptions=False)


def test_limits_must_be_those_of_the_robot(tmp_path: Path) -> None:
    for text, sentence in (
        (LIMITS.read_text().replace("[servo.6]", "[servo.7]"), "it has servos 1, 2, 3, 4, 5, 7, the robot has 1, 2"),
        (LIMITS.read_text().replace("low = 608", "low = 4000"), r"servo\.1: Value error, low must be below high"),
        ("jitter_ms = -1", "Input should be greater than 0"),
    ):
        path = tmp_path / "limits.toml"
        path.write_text(text)
        with pytest.raises(ConfigError, match=sentence):
            CliRunner().invoke(command, ["koch", "--limits", str(path)], catch_exceptions=False)
    with pytest.raises(ConfigError, match="No such file"):
        CliRunner().invoke(command, ["koch", "--limits", str(tmp_path / "none.toml")], catch_exceptions=False)


def test_the_file_of_faults_in_the_document_is_one(faulty: Callable[[str], str]) -> None:
    (text,) = re.findall(r"```toml\n(\[\[fault.*?)```", DOCUMENT.read_text(), re.DOTALL)
    options = ["koch", "--seconds", "0", "--faults", faulty(text)]
    assert CliRunner().invoke(command, options, catch_exceptions=False).exit_code == 0
