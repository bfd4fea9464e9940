"""The fake provider, and ways to ask it through the real providers."""

from collections.abc import AsyncIterator, Callable
from typing import Literal

import aiohttp
import pytest

from llm_router.providers.base import Provider
from llm_router.providers.http import open_session
from llm_router.providers.registry import build_providers
from llm_router.settings import ConnectionSettings, Secret, Timeouts
from tests.fake_provider import FakeProvider

Kind = Literal["openai", "anthropic", "openai_compatible"]
KINDS: tuple[Kind, ...] = ("openai", "anthropic", "openai_compatible")
KEY = "sk-test-abcdefghijklmnopqrstuvwxyz"

Connect = Callable[..., Provider]


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(Timeouts(connect=5.0)) as session:
        yield session


@pytest.fixture
def connect(fake: FakeProvider, session: aiohttp.ClientSession) -> Connect:
    """`connect("openai")`: the provider of that kind, pointed at the fake one."""

    def provider(
        kind: Kind,
        *,
        key: str | None = KEY,
        base_url: str | None = None,
        timeouts: Timeouts | None = None,
        session: aiohttp.ClientSession = session,
    ) -> Provider:
        urls = {"openai": fake.openai_url, "anthropic": fake.url, "openai_compatible": fake.compatible_url}
        connection = ConnectionSettings("upstream", kind, base_url or urls[kind], Secret(key) if key else None)
        return build_providers([connection], session, timeouts or Timeouts())["upstream"]

    return provider
