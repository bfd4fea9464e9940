"""A real uvicorn on a loopback port, and a client that sends exactly the bytes it is given."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp

LIMIT_SECONDS = 10
"""After which a server that does not answer counts as broken."""


@dataclass
class Loopback:
    port: int
    server: uvicorn.Server

    async def send(self, *pieces: bytes) -> "Answer":
        """As `send_raw`, taken apart."""
        return _parsed(await self.send_raw(*pieces))

    async def send_raw(self, *pieces: bytes) -> bytes:
        """Sends the pieces, then reads until the server closes: the request has to say `Connection: close`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(LIMIT_SECONDS):
                return await reader.read()
        finally:
            writer.close()

    async def request(
        self,
        method: str,
        path: str,
        *headers: tuple[str, str],
        body: bytes | None = None,
        host: str | None = "",
    ) -> "Answer":
        """One request with these header lines and no other than Host, Content-Length and Connection."""
        lines = [f"{method} {path} HTTP/1.1", "Connection: close"]
        if host is not None:
            lines.append(f"Host: {host or f'127.0.0.1:{self.port}'}")
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return await self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    cookies: Sequence[str] = ()

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json["error"]
        return error


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[Loopback]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http="httptools", log_config=None, lifespan="off", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        # The socket listens already: a connection made before the server is up waits in its queue.
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield Loopback(listener.getsockname()[1], server)
        finally:
            server.should_exit = True
            await task


def _parsed(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    headers = dict(pairs)
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(body))
    return Answer(int(status_line.split()[1]), headers, body, [value for name, value in pairs if name == "set-cookie"])


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, rest = body.partition(b"\r\n")
        yield rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
