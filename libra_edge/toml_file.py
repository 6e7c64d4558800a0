"""Reads a TOML file into a validated record, and says in one sentence what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from libra_edge.errors import one_line

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 200_000
MAX_DOTS = 500
"""On one line. A key of n dotted parts costs the parser time and memory in n squared: 8000 parts take 250 MB."""

Record = TypeVar("Record", bound=BaseModel)


def read_toml(path: Path, record: type[Record]) -> Record:
    """Parse and validate `path`. Raises ValueError whose text is one clause naming the first fault, or OSError."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_BYTES} bytes")
    if any(line.count(b".") > MAX_DOTS for line in raw.splitlines()):
        raise ValueError(f"{path.name} has a line with more than {MAX_DOTS} dots; break the line")
    try:
        table = tomllib.loads(raw.decode())
    except ValueError as error:  # not TOML, not UTF-8, or a number of thousands of digits
        raise ValueError(one_line(f"{path.name} is not TOML: {error}")) from error
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
    try:
        return record.model_validate(table)
    except ValidationError as error:
        raise ValueError(f"{path.name}: {first_fault(error)}") from error


def first_fault(error: ValidationError) -> str:
    """`policy.bins: Input should be ...` for the first of pydantic's findings and a count of the rest, on one line."""
    findings = error.errors(include_url=False, include_context=False, include_input=False)
    place = ".".join(str(part) for part in findings[0]["loc"]) or "the file"
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return one_line(f"{place}: {findings[0]['msg']}{more}")
