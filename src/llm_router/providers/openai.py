"""OpenAI: the Responses API, and images. Knows the paths and the header; the JSON is the codecs' to know."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import aiohttp

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.events import StreamEvent
from llm_router.providers.base import GeneratedImage, ImageRequest, ListedModel
from llm_router.providers.http import Upstream, bearer
from llm_router.providers.images import generated_image
from llm_router.settings import ConnectionSettings, Timeouts
from llm_router.wire.openai_responses import StreamDecoder, decode_error, decode_model_list, encode_request


class OpenAIProvider:
    def __init__(self, connection: ConnectionSettings, session: aiohttp.ClientSession, timeouts: Timeouts) -> None:
        headers = bearer(connection.api_key)
        self._upstream = Upstream(connection, session, timeouts, decode_error=decode_error, headers=headers)

    def stream_chat(
        self, request: ChatRequest, target: Target
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        return self._upstream.stream("/responses", encode_request(request, target.model), StreamDecoder())

    async def list_models(self) -> list[ListedModel]:
        return await self._upstream.get("/models", decode_model_list)

    async def generate_image(self, request: ImageRequest, target: Target) -> GeneratedImage:
        return await generated_image(self._upstream, request, target)

    async def close(self) -> None:
        pass
