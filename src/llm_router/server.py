"""Serves the application on a socket and shuts it down so that nobody waits: not the answers, not their readers."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from llm_router.app import build_app
from llm_router.domain.errors import RouterError, redact
from llm_router.providers.http import ECHO_CHARACTERS
from llm_router.settings import Secret, Settings

SHUTDOWN_SECONDS = 20
"""Longest wait for requests in flight. Streams and waiting submits end by themselves before."""

KEEP_ALIVE_SECONDS = 30

MAX_HEAD_BYTES = 64 * 1024
"""Must stay above the limit of `HeaderLimit` in `web/middleware.py`, which says what is wrong in better words."""


def run_server(settings: Settings) -> int:
    """Serves until SIGTERM or Ctrl-C; returns the exit status: 1 where it could not start."""
    log = logging.StreamHandler()
    log.setFormatter(RedactingFormatter([each.api_key for each in settings.connections if each.api_key]))
    logging.basicConfig(level=logging.INFO, handlers=[log])
    # At INFO it names every request that goes upstream.
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    closing = asyncio.Event()
    config = uvicorn.Config(
        _plain_start(build_app(settings, closing)),
        host=settings.host,
        port=settings.port,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=_BoundedHttp,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    # uvicorn raises the signal once more after it has shut down; then it means no more than the end.
    signal.signal(signal.SIGTERM, _exit)
    try:
        server = _Server(config, closing)
        server.run()
    except KeyboardInterrupt:
        return 0
    except SystemExit as end:
        return 1 if end.code else 0
    return 0 if server.started else 1


class RedactingFormatter(logging.Formatter):
    """Keeps keys out of the log, whoever writes: tracebacks quote what libraries and upstreams said."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        super().__init__("%(levelname)s:     %(message)s")
        keys = (secret.reveal() for secret in secrets)
        # Shorter ones are words that anyone may use, as in `providers/http.py`.
        self._keys = [key for key in keys if len(key) >= ECHO_CHARACTERS]

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for key in self._keys:
            text = text.replace(key, "[redacted]")
        return redact(text)


def _plain_start(app: ASGIApp) -> ASGIApp:
    """What the start failed of, in its own one sentence where it has one: Starlette would show the whole stack."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return await app(scope, receive, send)
        failure: list[Message] = []

        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                failure.append(message)
            else:
                await send(message)

        try:
            await app(scope, receive, told)
        except BaseException as error:
            for message in failure:
                await send({**message, "message": error.message} if isinstance(error, RouterError) else message)
            raise

    return served


class _BoundedHttp(HttpToolsProtocol):
    """Gives up on a request whose address and headers never end, before its body or (as trailers) behind it.

    The parser would gather them for as long as they come, and copy a long one anew with each piece of it, while nobody
    else is served.
    """

    _head_bytes: int | None = None
    """So much of a head has come that has not ended yet; None elsewhere."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The address and headers of this request are too long.")

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self._head_bytes = 0  # behind the last chunk, which is empty, stand the trailers

    def on_body(self, body: bytes) -> None:
        self._head_bytes = None
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes = None
        super().on_message_complete()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            # A signal comes at any moment, also inside the loop's own code.
            self._loop.call_soon_threadsafe(self._closing.set)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
