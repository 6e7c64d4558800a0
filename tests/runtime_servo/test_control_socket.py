"""The control socket: requests, nonsense, and peers that are not there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from libra_edge.errors import ProcessError
from libra_edge.runtime.control_socket import MAX_LINE, Reply, Request, ask, control_socket
from libra_edge.runtime.supervisor import State


async def refuse_start(request: Request) -> Reply:
    """Holding, whatever one asks for."""
    return Reply(State.HOLDING, request is not Request.START, f"asked for {request.value}")


def served(path: Path, body: Coroutine[Any, Any, Any]) -> Any:
    """Run `body` while the socket is served."""

    async def run() -> Any:
        async with control_socket(path, refuse_start):
            return await body

    return asyncio.run(run())


async def exchange(path: Path, *lines: bytes) -> list[bytes]:
    """Send lines over one connection; what came back until it ended, or for each line."""
    reader, writer = await asyncio.open_unix_connection(path)
    answers = []
    for line in lines:
        writer.write(line)
        answers.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answers


def test_a_request_is_answered_with_the_state_that_follows(runtime_directory: Path) -> None:
    path = runtime_directory / "control"
    assert served(path, ask(path, Request.STOP)) == Reply(State.HOLDING, True, "asked for stop")
    assert served(path, ask(path, Request.START)) == Reply(State.HOLDING, False, "asked for start")


@pytest.mark.parametrize("line", [b"\n", b"stop\n", b"[]\n", b'{"request": "explode"}\n', b'{"request": ["stop"]}\n'])
def test_nonsense_is_refused_and_the_connection_lives_on(runtime_directory: Path, line: bytes) -> None:
    path = runtime_directory / "control"
    refused, answered = served(path, exchange(path, line, b'{"request": "hold"}\n'))
    assert json.loads(refused)["accepted"] is False
    assert "start, stop, hold, task, status" in json.loads(refused)["problem"]
    assert json.loads(answered) == {"state": "holding", "accepted": True, "problem": "asked for hold"}


def test_an_endless_line_ends_only_its_own_connection(runtime_directory: Path) -> None:
    path = runtime_directory / "control"

    async def both() -> tuple[list[bytes], Reply]:
        return await exchange(path, b"x" * (2 * MAX_LINE)), await ask(path, Request.STATUS)

    answers, reply = served(path, both())
    assert answers == [b""]
    assert reply.state is State.HOLDING


def test_without_a_servo_process_it_says_so(runtime_directory: Path) -> None:
    with pytest.raises(ProcessError, match="no servo process answers"):
        asyncio.run(ask(runtime_directory / "control", Request.STOP))


def test_a_servo_process_that_does_not_answer_is_not_waited_for_long(runtime_directory: Path) -> None:
    path, hung_up = runtime_directory / "control", asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        hung_up.set()

    async def run() -> None:
        async with await asyncio.start_unix_server(silent, path):
            try:
                await ask(path, Request.STOP, patience_s=0.05)
            finally:
                await hung_up.wait()

    with pytest.raises(ProcessError, match="did not answer 'stop'"):
        asyncio.run(run())
