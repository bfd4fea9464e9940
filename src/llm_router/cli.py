"""The terminal door: `llm-router serve`, and the commands that read and mend the ledger."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from llm_router import __version__
from llm_router.settings import Settings, SettingsError, load_settings

_COMMANDS = {
    "usage": "show what was spent",
    "reprice": "price the ledger again, and show the difference first",
    "reconcile": "compare the ledger with a provider's own report",
}
"""What each does. Its module in `commands/` is loaded when it is asked for: a server carries none of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 2 for a mistake in the call or the configuration."""
    parser = argparse.ArgumentParser(prog="llm-router", description="A self-hosted router for one person's prompts.")
    parser.add_argument("--version", action="version", version=f"llm-router {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="start the server")
    serve.add_argument("--host", help="address to listen on (default: HOST, else 127.0.0.1)")
    serve.add_argument("--port", type=_port, help="port to listen on (default: PORT, else 8000)")
    serve.add_argument("--reload", action="store_true", help="start anew when the sources change")
    given = sys.argv[1:] if arguments is None else arguments
    for name, does in _COMMANDS.items():
        command = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        if name in given[:1]:
            module = import_module(f"llm_router.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(given)
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"llm-router: {error}", file=sys.stderr)
        return 2
    if options.command != "serve":
        return int(options.run(settings, options))
    return _serve(
        replace(
            settings,
            host=settings.host if options.host is None else options.host,
            port=settings.port if options.port is None else options.port,
        ),
        reload=options.reload,
    )


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 65535, found {text!r}")
    return port


def _serve(settings: Settings, *, reload: bool) -> int:
    if not reload:
        from llm_router.server import run_server

        return run_server(settings)
    import uvicorn

    uvicorn.run(
        "llm_router.app:create_app",
        factory=True,
        reload=True,
        reload_dirs=[str(Path(__file__).parent)],
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=2,
    )
    return 0
