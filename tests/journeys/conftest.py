"""One server for all modules that need no other, with a fake provider behind it; a module with `SETTINGS` has its own.

A test that kills or fills or locks its server takes one of its own from `start`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.fake_provider import FakeProvider
from tests.journeys.client import KEYS, Client, check_holds_no_key
from tests.journeys.rows import Rows
from tests.journeys.server import PATIENCE_SECONDS, RunningServer
from tests.journeys.upstream import CONFIGURATION, Upstream

Start = Callable[..., Awaitable[Client]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as fake:
        yield fake


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE_SECONDS, sock_read=PATIENCE_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=4 * 1024 * 1024
    ) as session:
        yield session


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[dict[str, RunningServer]]:
    """Those that are shared, by their settings."""
    running: dict[str, RunningServer] = {}
    yield running
    for server in running.values():
        await server.close()
        check_holds_no_key("\n".join(server.log))


@pytest_asyncio.fixture(loop_scope="session")
async def server(
    request: pytest.FixtureRequest,
    servers: dict[str, RunningServer],
    fake: FakeProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunningServer:
    settings: Mapping[str, str] = getattr(request.module, "SETTINGS", {})
    name = str(settings)
    if name not in servers:
        servers[name] = configured(tmp_path_factory.mktemp("server"), fake, settings)
        await servers[name].start()
    return servers[name]


@pytest.fixture
def client(server: RunningServer, session: aiohttp.ClientSession) -> Client:
    return Client(server, session)


@pytest.fixture
def rows(server: RunningServer) -> Rows:
    return Rows(server.database_path)


@pytest_asyncio.fixture(loop_scope="session")
async def start(fake: FakeProvider, session: aiohttp.ClientSession, tmp_path: Path) -> AsyncIterator[Start]:
    """`await start(NAME="value")`: a client of a server of the test's own."""
    servers: list[RunningServer] = []

    async def start_server(**settings: str) -> Client:
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        server = configured(folder, fake, settings)
        servers.append(server)
        await server.start()
        return Client(server, session)

    yield start_server
    for server in servers:
        await server.close()
        check_holds_no_key("\n".join(server.log))


@pytest.fixture
def upstream(request: pytest.FixtureRequest, fake: FakeProvider) -> Upstream:
    """A model that no other test asks."""
    return Upstream(fake, f"ollama/{request.node.name}")


def configured(folder: Path, fake: FakeProvider, settings: Mapping[str, str]) -> RunningServer:
    """A server that knows the fake provider by connections with a key, without and with a wrong one."""
    (folder / "llm-router.toml").write_text(
        CONFIGURATION.format(compatible=fake.compatible_url, openai=fake.openai_url), encoding="utf-8"
    )
    environ = {**KEYS, "OPENAI_BASE_URL": fake.openai_url, "ANTHROPIC_BASE_URL": fake.url, **settings}
    return RunningServer(folder, environ)
