"""What `libra-edge doctor` asks the servos: emulated ones on a pseudo-terminal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from libra_edge.cli import main
from libra_edge.cli.servo_checks import servos
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.instruction_set import Opcode
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.simulation.servos.servo_spec import specs_of
from libra_edge.robot import open_robot
from tests.dynamixel.bench import emulated

KOCH = open_robot("koch")
SPECS = specs_of(KOCH)
ANSWER_MARGIN_S = 0.2


def test_every_servo_with_firmware_voltage_and_temperature() -> None:
    with emulated(specs=SPECS) as emulator:
        checks = servos(KOCH, emulator.port, answer_margin_s=5.0)
    assert [check.name for check in checks] == [f"servo {joint.id} {joint.name}" for joint in KOCH.joint]
    assert all(check.ok for check in checks), checks
    assert checks[0].found == "xl430-w250, firmware 52, 12.0 V, 35 C"


def test_the_servos_are_only_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    send = SerialPort.send

    def noted(port: SerialPort, packet: bytes) -> None:
        sent.append(packet[7])
        send(port, packet)

    monkeypatch.setattr(SerialPort, "send", noted)
    with emulated(specs=SPECS) as emulator:
        servos(KOCH, emulator.port, answer_margin_s=5.0)
    assert set(sent) == {Opcode.PING, Opcode.READ}


def test_a_silent_servo_is_named_and_the_others_are_told() -> None:
    with emulated(specs=[spec for spec in SPECS if spec.servo_id != 3]) as emulator:
        checks = servos(KOCH, emulator.port, answer_margin_s=ANSWER_MARGIN_S)
    lacking = [check for check in checks if not check.ok]
    assert [(check.name, check.found) for check in lacking] == [("servo 3 elbow_flex", "no answer")]


def test_a_chain_without_power() -> None:
    with emulated(specs=[]) as emulator:
        (check,) = servos(KOCH, emulator.port, answer_margin_s=0.01)
    assert check.needed
    assert "none of 1, 2, 3, 4, 5, 6 answers" in check.found
    assert "supply" in check.advice


def test_old_firmware_is_no_fault_but_said() -> None:
    with emulated(specs=[replace(SPECS[0], firmware=40), *SPECS[1:]]) as emulator:
        check = servos(KOCH, emulator.port, answer_margin_s=5.0)[0]
    assert (check.ok, check.needed) == (False, False)
    assert "fast sync read" in check.advice


def test_another_model_than_the_robot_file_says() -> None:
    with emulated(specs=[replace(SPECS[0], model=SPECS[5].model), *SPECS[1:]]) as emulator:
        check = servos(KOCH, emulator.port, answer_margin_s=5.0)[0]
    assert check.needed
    assert "xl430-w250" in check.advice


def test_a_servo_that_is_almost_too_hot() -> None:
    with emulated(specs=[replace(SPECS[0], eeprom={r.TEMPERATURE_LIMIT: 40}), *SPECS[1:]]) as emulator:
        check = servos(KOCH, emulator.port, answer_margin_s=5.0)[0]
    assert "let it cool" in check.advice


def test_a_supply_out_of_range() -> None:
    with emulated(specs=[replace(SPECS[0], eeprom={r.MAX_VOLTAGE: 110}), *SPECS[1:]]) as emulator:
        check = servos(KOCH, emulator.port, answer_margin_s=5.0)[0]
    assert "it reports supply voltage out of range, and it wants 6.0 to 11.0 V: check the supply" in check.advice
    assert check.advice.endswith("switch the arm's power off and on")


def test_a_port_that_is_not_there() -> None:
    (check,) = servos(KOCH, "/dev/ttyACM-of-nowhere")
    assert "no port" in check.advice


def test_the_command_takes_a_port(capsys: pytest.CaptureFixture[str]) -> None:
    with emulated(specs=SPECS) as emulator:
        main.run_command(["doctor", "--robot", "koch", "--port", emulator.port, "--json"])
    checks = json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]
    assert sum(check["ok"] and check["name"].startswith("servo ") for check in checks) == len(SPECS)
