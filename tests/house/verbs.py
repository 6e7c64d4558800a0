"""Every command that a user can give, such as `run` and `calibrate arm`."""

from __future__ import annotations

import importlib

import click

from libra_edge.cli.main import VERBS


def all_commands() -> dict[str, click.Command]:
    """By the words that call it."""
    found: dict[str, click.Command] = {}
    for verb in sorted(VERBS):
        command: click.Command = importlib.import_module(f"libra_edge.cli.{verb}").command
        if not isinstance(command, click.Group):
            found[verb] = command
            continue
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found[f"{verb} {name}"] = inner
    return found
