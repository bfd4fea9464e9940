"""The fake provider as a process of its own: `python -m tests.fake_provider --port 0`."""

import argparse
import asyncio
import contextlib

from tests.fake_provider.server import FakeProvider


async def serve(port: int) -> None:
    async with FakeProvider(port) as fake:
        print(fake.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.fake_provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
