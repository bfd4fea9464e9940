"""From the command to the first healthy answer, and what the process weighs then. Prints medians of several starts.

Beside it, in the same run, the time and memory of a bare interpreter: what Python itself costs on this machine.
The embedded model's process is not counted: it is not there before the first prompt for it.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

STARTS = 7
GIVE_UP_SECONDS = 30.0
CLAIM_SECONDS = 1.0
CLAIM_MEGABYTES = 90.0


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        new = [start_server(Path(folder, str(number))) for number in range(STARTS)]
        again = [start_server(Path(folder, "0")) for _ in range(STARTS)]
    bare = [start_interpreter() for _ in range(STARTS)]
    print(f"{'start':<34}{'seconds':>10}{'worst':>10}{'RSS MB':>10}")
    for label, runs in (("new database", new), ("existing database", again), ("bare interpreter, exit at once", bare)):
        seconds = [run[0] for run in runs]
        megabytes = statistics.median(run[1] for run in runs)
        print(f"{label:<34}{statistics.median(seconds):>10.2f}{max(seconds):>10.2f}{megabytes:>10.1f}")
    print(f"claimed: at most {CLAIM_SECONDS:.0f} s to the first /health, at most {CLAIM_MEGABYTES:.0f} MB")
    return 0


def start_server(folder: Path) -> tuple[float, float]:
    """Seconds to the first 200 of /health, and the resident megabytes then."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [str(Path(sys.executable).with_name("llm-router")), "serve", "--port", str(port)]
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    try:
        until(lambda: is_healthy(port), begin)
        return time.perf_counter() - begin, resident_megabytes(process.pid)
    finally:
        process.terminate()
        process.wait(GIVE_UP_SECONDS)


def start_interpreter() -> tuple[float, float]:
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "print(); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    seconds, megabytes = time.perf_counter() - begin, resident_megabytes(process.pid)
    process.communicate(b"\n")
    return seconds, megabytes


def until(condition: Callable[[], bool], begin: float) -> None:
    while not condition():
        if time.perf_counter() - begin > GIVE_UP_SECONDS:
            raise TimeoutError("the server did not become healthy")
        time.sleep(0.005)


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def resident_megabytes(process_id: int) -> float:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1_000_000  # the kernel writes kB for 1,024 bytes
    raise ValueError("the process is gone")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main())
