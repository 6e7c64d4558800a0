"""The local socket of the servo process: one JSON object a line, one answer a request.

    {"request": "stop"}  ->  {"state": "stopping", "accepted": true, "problem": ""}

It works when everything else hangs: the servo process serves it beside its loop, whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from libra_edge.errors import ProcessError
from libra_edge.runtime.supervisor import State

MAX_LINE = 1024
PATIENCE_S = 2.0


class Request(str, enum.Enum):
    """What one can ask for. `TASK` says that the task has changed: chunks made for the old one are dropped."""

    START = "start"
    STOP = "stop"
    HOLD = "hold"
    TASK = "task"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Reply:
    """The state after the request; `problem` says in one sentence why it was not accepted."""

    state: State
    accepted: bool = True
    problem: str = ""


Answer = Callable[[Request], Awaitable[Reply]]


@contextlib.asynccontextmanager
async def control_socket(path: Path, answer: Answer) -> AsyncIterator[None]:
    """Serve requests at `path` while the context lasts."""
    connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections[writer] = asyncio.current_task()
        try:
            await _serve(reader, writer, answer)
        finally:
            del connections[writer]
            await _close(writer)

    server = await asyncio.start_unix_server(serve, path, limit=MAX_LINE)
    try:
        yield
    finally:
        server.close()
        serving = [task for task in connections.values() if task is not None]
        for writer in connections:
            writer.close()
        await asyncio.gather(*serving)


async def ask(path: Path, request: Request, patience_s: float = PATIENCE_S) -> Reply:
    """Ask the servo process at `path` once. Raises ProcessError if there is none or it does not answer."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(path, limit=MAX_LINE), patience_s)
    except (OSError, asyncio.TimeoutError) as error:
        raise ProcessError(f"no servo process answers at {path}") from error
    try:
        writer.write(json.dumps({"request": request.value}).encode() + b"\n")
        line = await asyncio.wait_for(reader.readline(), patience_s)
        return _decode_reply(json.loads(line))
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise ProcessError(f"the servo process at {path} did not answer {request.value!r}") from error
    finally:
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    """Answer line by line; the connection ends at the first that is too long, or when the peer has gone."""
    with contextlib.suppress(ConnectionError, ValueError):
        while line := await reader.readline():
            writer.write(json.dumps(await _answer(line, answer)).encode() + b"\n")
            await writer.drain()


async def _answer(line: bytes, answer: Answer) -> dict[str, Any]:
    try:
        request = Request(json.loads(line)["request"])
    except (ValueError, KeyError, TypeError):
        known = ", ".join(known.value for known in Request)
        reply = await answer(Request.STATUS)
        return {**asdict(reply), "accepted": False, "problem": f'not a request; one is {{"request": one of {known}}}'}
    return asdict(await answer(request))


def _decode_reply(reply: Any) -> Reply:
    if not isinstance(reply, dict):
        raise ValueError("a reply is a JSON object")  # noqa: TRY004 - the caller treats all nonsense alike
    return Reply(State(reply.get("state")), bool(reply.get("accepted")), str(reply.get("problem", "")))
