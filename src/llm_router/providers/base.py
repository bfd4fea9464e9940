"""What every provider is to the rest of the house."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.events import StreamEvent
from llm_router.domain.usage import Usage
from llm_router.wire.models import ListedModel as ListedModel


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
    usage: Usage | None = None


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
