"""Anthropic: the Messages API. Knows the paths, the headers and the paging; the JSON is the codec's to know."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import aiohttp

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.errors import InvalidRequest
from llm_router.domain.events import StreamEvent
from llm_router.providers.base import GeneratedImage, ImageRequest, ListedModel
from llm_router.providers.http import Upstream
from llm_router.settings import ConnectionSettings, Timeouts
from llm_router.wire.anthropic_messages import StreamDecoder, decode_error, decode_model_list, encode_request
from llm_router.wire.json import mapping, read_json, text

API_VERSION = "2023-06-01"
"""The only one there has been since; what is new comes as new fields."""

_PAGE_SIZE = 1000
"""The most that may be asked for; the whole list fits many times over."""
_MAX_PAGES = 10


class AnthropicProvider:
    def __init__(self, connection: ConnectionSettings, session: aiohttp.ClientSession, timeouts: Timeouts) -> None:
        self._name = connection.name
        key = connection.api_key
        headers = {"anthropic-version": API_VERSION} | ({"x-api-key": key.reveal()} if key else {})
        self._upstream = Upstream(connection, session, timeouts, decode_error=decode_error, headers=headers)

    def stream_chat(
        self, request: ChatRequest, target: Target
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        return self._upstream.stream("/v1/messages", encode_request(request, target.model), StreamDecoder())

    async def list_models(self) -> list[ListedModel]:
        models: list[ListedModel] = []
        params = {"limit": str(_PAGE_SIZE)}
        for _ in range(_MAX_PAGES):
            page, next_id = await self._upstream.get("/v1/models", _page, params=params)
            models += page
            if next_id is None:
                break
            params["after_id"] = next_id
        return models

    async def generate_image(self, request: ImageRequest, target: Target) -> GeneratedImage:
        raise InvalidRequest(f"{self._name}: Anthropic's models make no images. Choose a model that does.")

    async def close(self) -> None:
        pass


def _page(body: bytes) -> tuple[list[ListedModel], str | None]:
    """The models on this page, and what the next one begins after."""
    document = mapping(read_json(body))
    return decode_model_list(body), text(document.get("last_id")) or None if document.get("has_more") else None
