"""Finds the servos of an arm on its bus, and how they can be read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from libra_edge.drivers.dynamixel.async_bus import Identity
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.servo_settings import ServoSettings
from libra_edge.drivers.dynamixel.servo_setup import check_model
from libra_edge.drivers.dynamixel.state_reader import StateReader
from libra_edge.errors import MissingHardwareError, NoAnswerError

logger = logging.getLogger(__name__)


def find_servos(bus: Bus, servos: Sequence[ServoSettings]) -> dict[int, Identity]:
    """What each answers to a ping, by id. Raises MissingHardwareError, ConfigError for another model than expected."""
    found, silent = {}, []
    for servo in servos:
        try:
            found[servo.servo_id] = check_model(bus, servo)
        except NoAnswerError:
            silent.append(servo.label)
    if silent:
        raise MissingHardwareError(
            f"no answer from {', '.join(silent)} on {bus.port.path} at {bus.port.baud} baud: "
            "check the cable before the first of them, the power of its chain, and the servos' baud rate"
        )
    return found


def agree_on_reading(state: StateReader, servos: Sequence[ServoSettings], found: Mapping[int, Identity]) -> None:
    """Fast sync read if every servo's firmware knows it and the adapter lets it pass, else sync read."""
    old = [
        f"{servo.label} has firmware {found[servo.servo_id].firmware}, {servo.model.fast_sync_read_since} knows it"
        for servo in servos
        if found[servo.servo_id].firmware < servo.model.fast_sync_read_since
    ]
    state.fast = False
    if old:
        logger.warning("no fast sync read, reading takes 0.3 ms longer at 1 Mbaud: %s", "; ".join(old))
    elif not state.probe():
        logger.warning("no answer to a fast sync read: reading takes 0.3 ms longer at 1 Mbaud")
