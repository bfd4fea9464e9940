"""The child process that carries the embedded model: llama.cpp's own server, listening on a Unix socket.

    python -m llm_router.providers.local_server --weights FILE.gguf --socket FOLDER/x.sock

It says `ready` on stdout once it listens, logs to stderr, and ends when its stdin does: the parent holds the
other end, so it cannot outlive the parent. Knows llama.cpp's parameters; imports nothing of the house, so
that it stays small.
"""

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

MODEL = "smollm2"

CONTEXT_TOKENS = 4096
"""The window, shared by both slots: prompt and answer of two conversations. Pairs with the limits in `local.py`."""

_PR_SET_PDEATHSIG = 1
_NICENESS = 10


def main() -> NoReturn:
    arguments = _arguments()
    _die_with_parent()
    os.nice(_NICENESS)
    # While the weights load, SIGTERM keeps its default action: a Python handler would have to wait for native code.
    _server = _serve(arguments.weights, arguments.socket)

    def leave(_signal: int = 0, _frame: FrameType | None = None) -> NoReturn:
        arguments.socket.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            arguments.socket.parent.rmdir()
        os._exit(0)  # the ordinary way out would first finish what the model is saying

    signal.signal(signal.SIGTERM, leave)
    print("ready", flush=True)  # noqa: T201
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdin.buffer.read()
    leave()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="llm_router.providers.local_server")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True, help="ends in .sock; its folder is removed at the end")
    return parser.parse_args()


def _die_with_parent() -> None:
    """Has Linux end this process with its parent. Elsewhere, and for a clean end, the end of stdin does it."""
    if sys.platform == "linux":
        import ctypes  # the parent reads this module too, and has no use for it

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _serve(weights: Path, socket: Path) -> object:
    """Starts the server; it runs on threads of its own for as long as the returned object lives."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {MODEL}
    params.hostnames = [str(socket)]  # a name that ends in .sock is a Unix socket
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 2
    params.kv_unified = True
    # A request is given up between two batches: small ones make "stop" quick while a prompt is read.
    params.n_batch = params.n_ubatch = 64
    params.cache_ram_mib = 0
    params.warmup = False
    params.offline = True
    params.ui = False
    params.endpoint_slots = False  # would show one conversation's text to another
    params.endpoint_metrics = True  # counts only
    params.n_threads_http = 32  # each open stream holds one, those waiting for a slot too
    params.verbosity = 2
    # One core stays free: with as many threads as cores the speed swings widely (they wait by spinning).
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, _cores() - 1)
    # What a tiny model needs to keep to the subject and not to repeat itself; a request's own values win.
    params.sampling.temp = 0.3
    params.sampling.penalty_repeat = 1.1
    return xllamacpp.Server(params)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    main()
