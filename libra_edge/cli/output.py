"""What a verb prints: one JSON object as the last line of stdout for machines; all else goes to stderr."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def json_option(function: Decorated) -> Decorated:
    """Give a verb its `--json` flag, which arrives as the argument `as_json`."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout.")
    return option(function)


def print_json(result: Mapping[str, object]) -> None:
    """One JSON object as the last line of stdout. Raises ValueError on NaN and infinity, which JSON does not have."""
    click.echo(json.dumps(result, allow_nan=False))
    sys.stdout.flush()


@functools.cache
def stderr_console() -> Console:
    """The one rich console: log lines, progress and live views share it, so that none writes through another."""
    from rich.console import Console  # noqa: PLC0415 - `--help` does without it

    return Console(stderr=True)
