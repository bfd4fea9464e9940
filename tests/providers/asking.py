"""Asks a provider for an answer and keeps what came, also of an answer that fails."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.errors import RouterError
from llm_router.domain.events import StreamEvent, TextDelta
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import ChatMessage, TextPart, reasoning_of, text_of
from llm_router.providers.base import Provider


@dataclass
class Asked:
    events: list[StreamEvent] = field(default_factory=list)
    fold: MessageFold = field(default_factory=MessageFold)
    error: RouterError | None = None

    @property
    def text(self) -> str:
        return text_of(self.fold.parts)

    @property
    def reasoning(self) -> str:
        return reasoning_of(self.fold.parts)

    @property
    def failure(self) -> RouterError:
        assert self.error is not None, f"did not fail; said {self.text!r}"
        return self.error


def prompt(text: str = "Hello?", *, system: str | None = None, model: str = "asked") -> ChatRequest:
    return ChatRequest(model=model, messages=(ChatMessage("user", (TextPart(text),)),), system=system)


def target(model: str) -> Target:
    return Target("upstream", "openai_compatible", model)


async def ask(provider: Provider, model: str, request: ChatRequest | None = None) -> Asked:
    asked = Asked()
    try:
        async with provider.stream_chat(request or prompt(), target(model)) as events:
            async for event in events:
                asked.events.append(event)
                asked.fold.feed(event)
    except RouterError as error:
        asked.error = error
    return asked


async def first_text(events: AsyncIterator[StreamEvent]) -> str:
    """Reads up to the first piece of text."""
    async for event in events:
        if isinstance(event, TextDelta):
            return event.text
    raise AssertionError("the stream ended without text")
