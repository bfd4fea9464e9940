"""Serves the application on a socket and shuts it down so that nobody waits: not the answers, not their readers."""

import asyncio
import logging
import signal
import socket
import sys
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_router.app import build_app
from llm_router.domain.errors import RouterError
from llm_router.settings import Settings

SHUTDOWN_SECONDS = 20
"""Longest wait for requests in flight. Streams and waiting submits end by themselves before."""

KEEP_ALIVE_SECONDS = 30


def run_server(settings: Settings) -> int:
    """Serves until SIGTERM or Ctrl-C; returns the exit status: 1 where it could not start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s:     %(message)s")
    # At INFO it names every request that goes upstream.
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    closing = asyncio.Event()
    config = uvicorn.Config(
        _plain_start(build_app(settings, closing)),
        host=settings.host,
        port=settings.port,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http="httptools",
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
