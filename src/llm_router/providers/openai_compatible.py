"""Any server that speaks Chat Completions: Ollama, llama.cpp, vLLM, OpenRouter, Groq, DeepSeek and the rest.

Knows the paths, and which vendor wants which word, told by the host of the base URL; the JSON is the codec's to know.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import aiohttp

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.events import StreamEvent
from llm_router.providers.base import GeneratedImage, ImageRequest, ListedModel
from llm_router.providers.http import Upstream, bearer
from llm_router.providers.images import generated_image
from llm_router.settings import ConnectionSettings, Timeouts
from llm_router.wire.openai_chat import ChatQuirks, StreamDecoder, decode_error, decode_model_list, encode_request

_QUIRKS: dict[str, ChatQuirks] = {
    # Its reasoning models answer `max_tokens` with 400 "use max_completion_tokens instead" (2024-09, all since).
    "api.openai.com": ChatQuirks(max_tokens_field="max_completion_tokens"),
    "openai.azure.com": ChatQuirks(max_tokens_field="max_completion_tokens"),
    "services.ai.azure.com": ChatQuirks(max_tokens_field="max_completion_tokens"),
    # Reasoning is an object of its own; what a call cost is told where `usage.include` asks for it (recorded 2026).
    "openrouter.ai": ChatQuirks(reasoning_field="reasoning", extra={"usage": {"include": True}}),
    # Sends usage unasked (recorded 2026), and has refused `stream_options` as an unknown field (2024).
    "api.mistral.ai": ChatQuirks(include_usage=False),
}
"""By host, or by the domain that the host is in. Whoever is not here gets what suits most."""


def quirks_at(base_url: str) -> ChatQuirks:
    host = urlsplit(base_url).hostname or ""
    labels = host.split(".")
    domains = (".".join(labels[at:]) for at in range(len(labels)))
    return next((_QUIRKS[domain] for domain in domains if domain in _QUIRKS), ChatQuirks())


class OpenAICompatibleProvider:
    def __init__(self, connection: ConnectionSettings, session: aiohttp.ClientSession, timeouts: Timeouts) -> None:
        self._quirks = quirks_at(connection.base_url)
        headers = bearer(connection.api_key)
        self._upstream = Upstream(connection, session, timeouts, decode_error=decode_error, headers=headers)

    def stream_chat(
        self, request: ChatRequest, target: Target
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        body = encode_request(request, target.model, quirks=self._quirks)
        return self._upstream.stream("/chat/completions", body, StreamDecoder())

    async def list_models(self) -> list[ListedModel]:
        return await self._upstream.get("/models", decode_model_list)

    async def generate_image(self, request: ImageRequest, target: Target) -> GeneratedImage:
        return await generated_image(self._upstream, request, target)

    async def close(self) -> None:
        pass
