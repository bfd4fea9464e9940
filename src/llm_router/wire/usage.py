"""Who reads a usage object that was stored: by the dialect it came in. Knows no row and no price."""

from collections.abc import Mapping
from typing import Any, Protocol

from llm_router.domain.usage import Usage, UsageDialect
from llm_router.wire import anthropic_messages, openai_chat, openai_media, openai_responses


class UsageDecoder(Protocol):
    """A dialect's `decode_usage`."""

    def __call__(
        self, raw: Mapping[str, Any], /, *, has_answer: bool = True, service_tier: str | None = None
    ) -> Usage: ...


DECODERS: Mapping[UsageDialect, UsageDecoder] = {
    "openai_chat": openai_chat.decode_usage,
    "openai_responses": openai_responses.decode_usage,
    "anthropic_messages": anthropic_messages.decode_usage,
    "openai_media": openai_media.decode_usage,
}
"""`DECODERS[usage.dialect](usage.raw, service_tier=usage.service_tier) == usage`, for every usage a codec reported."""
