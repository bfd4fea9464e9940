"""The embedded model's process, as its parent keeps it: started in a folder of its own, listened to, and ended.

Knows processes and folders. Knows nothing of what is said over the socket, nor when the child is wanted.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from llm_router.domain.errors import UpstreamFailed

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
_END_SECONDS = 2.0
_FOLDER_PREFIX = "llm-router-"
_SOCKET_NAME = "model.sock"
_SOCKET_PATH_BYTES = 103
"""What the address of a Unix socket holds on macOS; Linux has 107."""
_LOG_TAIL_BYTES = 2000
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "LC_ALL")
"""All that is handed down to the child: above all, no key."""


class Child:
    """A child that has said it is ready."""

    def __init__(self, process: Process, socket_path: Path) -> None:
        self._process = process
        self.socket_path = socket_path

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    async def exit_text(self) -> str | None:
        """How it ended, None where it runs. Asked of a broken connection, which is seen a moment before the exit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        return None if self.is_running else _exit_text(self._process)


@contextlib.asynccontextmanager
async def started_child(weights_path: Path, directory: Path) -> AsyncIterator[Child]:
    """A child that answers, in a folder that only we can enter; both are gone afterwards. Raises UpstreamFailed."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=directory))  # made with mode 0700
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            socket_path = folder / _SOCKET_NAME
            process = await _spawn(weights_path, socket_path)
        except OSError as error:
            raise UpstreamFailed(f"local: the embedded model could not start: {error.strerror or error}") from error
        stack.push_async_callback(_end, process)
        child_log = _ChildLog(process)
        stack.push_async_callback(child_log.close)
        try:
            async with asyncio.timeout(_START_SECONDS):
                is_ready = await _says_ready(process)
        except TimeoutError:
            raise UpstreamFailed(f"local: the embedded model did not start within {_START_SECONDS:g} s") from None
        if not is_ready:
            await process.wait()
            raise UpstreamFailed(
                f"local: the embedded model could not start ({_exit_text(process)}): {await child_log.last_line()}"
            )
        yield Child(process, socket_path)


def runtime_directory(environ: Mapping[str, str]) -> Path:
    """Where the child's folder goes: the first writable place whose path is short enough. Raises UpstreamFailed."""
    longest = _SOCKET_PATH_BYTES - len(f"/{_FOLDER_PREFIX}12345678/{_SOCKET_NAME}")
    for place in (environ.get("XDG_RUNTIME_DIR"), environ.get("TMPDIR"), "/tmp"):  # noqa: S108
        if place and len(os.fsencode(place)) <= longest and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    raise UpstreamFailed("local: the embedded model could not start: it needs a writable folder; set TMPDIR to one")


async def _spawn(weights_path: Path, socket_path: Path) -> Process:
    # Linux ends the child with the *thread* that started it; here that is the event loop's, which lasts.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "llm_router.providers.local_server"),
        *("--weights", str(weights_path), "--socket", str(socket_path)),
        stdin=PIPE,  # its end is the child's sign to end
        stdout=PIPE,
        stderr=PIPE,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        start_new_session=True,  # a Ctrl-C in the terminal is for us; we end the child
    )


async def _says_ready(process: Process) -> bool:
    """Waits for the child's word; False where it ended without it."""
    assert process.stdout is not None
    async for line in process.stdout:
        if line == b"ready\n":
            return True
    return False


async def _end(process: Process) -> None:
    """Asks the child to end, then makes it."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _exit_text(process: Process) -> str:
    code = process.returncode
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


class _ChildLog:
    """What the child writes, passed to our log at DEBUG; its end is kept, to say why a start failed."""

    def __init__(self, process: Process) -> None:
        assert process.stderr is not None
        self._tail = b""
        self._task = asyncio.create_task(self._follow(process.stderr))

    async def last_line(self) -> str:
        """Of a child that has ended."""
        await self._task
        lines = self._tail.decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it gave no reason")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _follow(self, stderr: asyncio.StreamReader) -> None:
        # In pieces, not lines: a line of any length is read, so the child never waits for us to read it.
        while data := await stderr.read(4096):
            self._tail = (self._tail + data)[-_LOG_TAIL_BYTES:]
            log.debug("embedded model: %s", data.decode(errors="replace").rstrip())
