"""Which class serves which kind of provider. The embedded model is made in `app.py`, since it is no connection."""

from collections.abc import Callable, Iterable

import aiohttp

from llm_router.domain.chat import ProviderName
from llm_router.providers.anthropic import AnthropicProvider
from llm_router.providers.base import Provider
from llm_router.providers.openai import OpenAIProvider
from llm_router.providers.openai_compatible import OpenAICompatibleProvider
from llm_router.settings import ConnectionSettings, Timeouts

PROVIDERS: dict[ProviderName, Callable[[ConnectionSettings, aiohttp.ClientSession, Timeouts], Provider]] = {
    "openai": OpenAIProvider,
    "anthropic": AnthropicProvider,
    "openai_compatible": OpenAICompatibleProvider,
}


def build_providers(
    connections: Iterable[ConnectionSettings], session: aiohttp.ClientSession, timeouts: Timeouts
) -> dict[str, Provider]:
    """By connection name. A connection without the key it was promised has no provider."""
    return {
        connection.name: PROVIDERS[connection.provider](connection, session, timeouts)
        for connection in connections
        if connection.is_usable
    }
