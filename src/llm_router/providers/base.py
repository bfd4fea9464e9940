"""What every provider is to the rest of the house."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from llm_router.domain.catalog import ModelPrice
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.events import StreamEvent


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model as the provider's own list names it. None where the list does not say."""

    model: str
    label: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: ModelPrice | None = None


@dataclass(frozen=True, slots=True)
class ImageRequest:
    prompt: str
    model: str
    size: str | None = None
    quality: str | None = None


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """One image, whole, and what it took."""

    content: bytes
    media_type: str
    revised_prompt: str | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    cost_reported: Decimal | None = None
    raw_usage: dict[str, object] | None = None


class Provider(Protocol):
    """One kind of upstream at one connection. Owns no retry and no accounting."""

    def stream_chat(
        self, request: ChatRequest, target: Target
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        """Opens the call; leaving the context closes the upstream connection.

        The iterator ends after exactly one `Finished`, or raises a `RouterError` (also on entry):
        a stream that breaks, stalls past the idle limit or ends without its terminal event raises.
        Events seen before the raise stand. Never yields `Failed` or `AttemptFailed`.
        """
        ...

    async def list_models(self) -> list[ListedModel]:
        """The provider's own list. Raises a RouterError."""
        ...

    async def generate_image(self, request: ImageRequest, target: Target) -> GeneratedImage:
        """Raises InvalidRequest where the provider makes no images."""
        ...

    async def close(self) -> None:
        """Ends what the provider holds of its own (a child process); shared clients are not its to close."""
        ...
