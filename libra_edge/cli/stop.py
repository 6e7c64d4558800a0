"""`libra-edge stop`: talks to the servo process itself, past everything else."""

from __future__ import annotations

import asyncio

import click

from libra_edge.cli.output import json_option, print_json
from libra_edge.errors import InputError, ProcessError
from libra_edge.runtime.control_socket import Reply, Request, ask
from libra_edge.runtime.servo_directory import ServoDirectory, running_servos


@click.command()
@click.option("--hold", is_flag=True, help="Hold the arm where it stands and keep its servo process running.")
@json_option
def command(hold: bool, as_json: bool) -> None:
    """Stop the arm: slow down to a standstill, then leave it as its run was told to (`--on-exit`).

    \b
    Example:
      libra-edge stop
      libra-edge stop --hold
    """  # noqa: D301 - click reads the \b
    request = Request.HOLD if hold else Request.STOP
    replies = asyncio.run(_ask_all(request))
    if not replies:
        raise InputError("no arm is running: there is no servo process to stop")
    for directory, reply in replies.items():
        click.echo(f"{directory.path.name}: {reply.state.value}", err=True)
    if as_json:
        states = {directory.path.name: reply.state.value for directory, reply in replies.items()}
        print_json({"state": next(iter(states.values())), "arms": states})


async def _ask_all(request: Request) -> dict[ServoDirectory, Reply]:
    """Every running servo process's reply. Raises ProcessError if one does not answer, after asking all of them."""
    running = running_servos()
    replies = await asyncio.gather(*(ask(directory.socket, request) for directory in running), return_exceptions=True)
    answered: dict[ServoDirectory, Reply] = {}
    for directory, reply in zip(running, replies, strict=True):
        if isinstance(reply, BaseException):
            raise ProcessError(f"{reply}; cut the arm's power, then end process {directory.owner()}") from reply
        answered[directory] = reply
    return answered
