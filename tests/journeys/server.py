"""LLM Router as its owner runs it: a process of its own, with a folder of its own, ended by signals.

Knows how to start, wait for and end it; not what is asked of it.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

PATIENCE_SECONDS = 30.0
"""How long anything is waited for before the test fails. Generous: the machine may be busy."""

_ADDRESS = re.compile(r"running on (http://\S+)")


class RunningServer:
    """`llm-router serve` in `folder`. It takes a free port and says which; each start may find another."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.url = ""
        self.log: list[str] = []
        """Every line of every run so far."""
        self._environ = {"PATH": os.environ["PATH"], "PORT": "0", "LOCAL_MODEL": "off", **environ}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()

    @property
    def database_path(self) -> Path:
        return self.folder / "data" / "llm-router.db"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns when it listens."""
        first = len(self.log)
        self._process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("llm-router"),
            "serve",
            cwd=self.folder,
            env=self._environ,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read_log(self._process))
        self.url = (await self.logged(_ADDRESS, first)).group(1)

    async def logged(self, pattern: re.Pattern[str], first: int = 0) -> re.Match[str]:
        """Waits for a line of the log that matches, from line `first` on."""
        assert self._reading is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                grown, is_over = self._grown, self._reading.done()
                for line in self.log[first:]:
                    if match := pattern.search(line):
                        return match
                assert not is_over, "the server ended:\n" + "\n".join(self.log[first:])
                await grown.wait()

    async def terminate(self) -> int:
        """Asks it to end, as an operator would, and returns its exit status."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Takes it away between two instructions."""
        await self._end(signal.SIGKILL)

    async def close(self) -> None:
        """Nothing of it is left afterwards, whatever state it was in."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    async def _end(self, with_signal: signal.Signals) -> int:
        assert self._process is not None
        assert self._reading is not None
        self._process.send_signal(with_signal)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reading
            return await self._process.wait()

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.log.append(line.decode().rstrip())
            self._wake()
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
