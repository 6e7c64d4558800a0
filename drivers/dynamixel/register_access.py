"""Whether a servo has a register, and takes a value: asked of its model's table before the servo is asked."""

from __future__ import annotations

from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import MODELS, ServoModel
from libra_edge.errors import RegisterError

TABLES = {model.name: {register.address: register for register in model.registers} for model in MODELS.values()}
"""Looked up for every servo in every cycle."""


def check_readable(model: ServoModel | None, register: Register) -> None:
    """Raises RegisterError if the model has no such register. Of an unknown model (None) nothing is known."""
    if model is not None and register.address not in TABLES[model.name]:
        raise _no_such_register(model, register)


def checked_bytes(model: ServoModel | None, register: Register, value: int) -> bytes:
    """`value` for the wire. Raises RegisterError if the model has no such register, or would refuse the value."""
    if model is not None:
        found = TABLES[model.name].get(register.address)
        if found is None:
            raise _no_such_register(model, register)
        if not found.writable:
            raise RegisterError(model.name, f"cannot be told its {found.name} (register {found.address})")
        if not found.low <= value <= found.high:
            raise RegisterError(model.name, f"takes a {found.name} of {found.low} .. {found.high}, not {value}")
    try:
        return register.encode(value)
    except OverflowError as error:
        size = register.size
        raise RegisterError("a servo", f"takes a {register.name} of {size} bytes, which {value} is not") from error


def _no_such_register(model: ServoModel, register: Register) -> RegisterError:
    return RegisterError(model.name, f"has no {register.name} (register {register.address})")
