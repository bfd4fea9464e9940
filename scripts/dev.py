"""`make dev`: the server and Vite side by side, both reloading.

Knows only how to start the two and to stop them: on Ctrl-C, and when one of them ends by itself.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 10.0


async def run_both() -> int:
    """Runs the two until one ends or Ctrl-C is pressed; returns the exit status."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    # Each in a process group of its own: Ctrl-C reaches this process only, and what
    # npm and the reloader start is ended with them.
    server = await asyncio.create_subprocess_exec(
        str(PROJECT / ".venv/bin/llm-router"), "serve", "--reload", cwd=PROJECT, start_new_session=True
    )
    vite = await asyncio.create_subprocess_exec(
        "npm", "run", "--silent", "dev", cwd=PROJECT / "frontend", start_new_session=True
    )
    ends = [asyncio.create_task(server.wait()), asyncio.create_task(vite.wait())]
    stop = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([*ends, stop], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(_end(server), _end(vite))
    stop.cancel()
    return 0 if stop in done else max(process.returncode or 0 for process in (server, vite)) or 1


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        try:
            os.killpg(process.pid, number)
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except (TimeoutError, ProcessLookupError):
            continue


if __name__ == "__main__":
    sys.exit(asyncio.run(run_both()))
