"""What a verb prints for machines: one JSON object, last line of stdout; all else goes to stderr."""

from __future__ import annotations

import json
import sys

import click


def print_json(result: dict[str, object]) -> None:
    """One JSON object as the last line of stdout."""
    sys.stdout.flush()
    click.echo(json.dumps(result, allow_nan=False))
