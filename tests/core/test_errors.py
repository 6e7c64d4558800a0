"""The tree of errors, and the exit code of each branch."""

from __future__ import annotations

import copy
import inspect
import re
from pathlib import Path

from libra_edge import errors
from libra_edge.errors import (
    BundleError,
    CheckFailed,
    InputError,
    InstructionError,
    LibraEdgeError,
    RuntimeFault,
    ServoError,
)

CLASSES = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LibraEdgeError)}


def test_the_drawing_shows_exactly_the_errors_there_are() -> None:
    drawn = set(re.findall(r"^    [│├└─ ]*(\w+)", errors.__doc__ or "", flags=re.MULTILINE))
    assert drawn == set(CLASSES)


def test_exit_codes_follow_the_branch() -> None:
    for kind in CLASSES.values():
        if issubclass(kind, InputError):
            assert kind.exit_code == 2
        elif issubclass(kind, RuntimeFault):
            assert kind.exit_code == 3


def test_facts_stand_on_the_error() -> None:
    error = ServoError(3, 0x20, "overload")
    assert (error.servo_id, error.code, error.meaning) == (3, 0x20, "overload")
    refusal = InstructionError("grab it", ["grab", "it"], ["touch"])
    assert refusal.unknown == ("grab", "it")
    assert "'grab'" in str(refusal)
    assert "touch" in str(refusal)


def test_a_copy_is_whole_so_that_an_error_can_cross_from_one_process_to_another() -> None:
    for error in (
        ServoError(3, 0x20, "overload"),
        InstructionError("grab it", ["grab"], ["touch"]),
        BundleError(Path("b"), "torn"),
        CheckFailed("no"),
    ):
        copied = copy.copy(error)
        assert type(copied) is type(error)
        assert str(copied) == str(error)
        assert vars(copied) == vars(error)


def test_only_this_module_defines_package_errors() -> None:
    root = Path(errors.__file__).parent
    modules = [path for path in root.rglob("*.py") if path.name != "errors.py"]
    offenders = [
        str(path)
        for path in modules
        if re.search(r"^class \w+\((LibraEdgeError|InputError|RuntimeFault)\)", path.read_text(), flags=re.MULTILINE)
    ]
    assert not offenders
