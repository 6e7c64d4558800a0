"""Reads a TOML file into a validated record, and says in one sentence what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 1_000_000

Record = TypeVar("Record", bound=BaseModel)


def read_toml(path: Path, record: type[Record]) -> Record:
    """Parse and validate `path`. Raises ValueError whose text is one clause naming the first fault, or OSError."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_BYTES} bytes")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not TOML: {error}") from error
    try:
        return record.model_validate(table)
    except ValidationError as error:
        raise ValueError(f"{path.name}: {first_fault(error)}") from error


def first_fault(error: ValidationError) -> str:
    """`policy.bins: Input should be ...` for the first of pydantic's findings, with a count of the rest."""
    findings = error.errors(include_url=False)
    place = ".".join(str(part) for part in findings[0]["loc"]) or "the file"
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{place}: {findings[0]['msg']}{more}"
