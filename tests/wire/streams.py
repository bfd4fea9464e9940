"""Reads a stream of bytes the way a provider does: decoder behind decoder, in pieces of any size."""

from collections.abc import Callable, Iterable

from llm_router.domain.events import StreamEvent
from llm_router.domain.fold import MessageFold
from llm_router.wire import anthropic_messages, openai_chat, openai_responses
from llm_router.wire.sse import SSEDecoder
from llm_router.wire.stream import BaseStreamDecoder

DECODERS: dict[str, Callable[[], BaseStreamDecoder]] = {
    "chat-completions": openai_chat.StreamDecoder,
    "messages": anthropic_messages.StreamDecoder,
    "responses": openai_responses.StreamDecoder,
    "responses-retrieve": openai_responses.StreamDecoder,
}
"""By the endpoint's name among the recordings."""


def decode(decoder: BaseStreamDecoder, pieces: Iterable[bytes]) -> list[StreamEvent]:
    sse = SSEDecoder()
    events: list[StreamEvent] = []
    for piece in pieces:
        for event in sse.feed(piece):
            events += decoder.feed(event)
    for event in sse.close():
        events += decoder.feed(event)
    return events + decoder.close()


def fold(events: Iterable[StreamEvent]) -> MessageFold:
    message = MessageFold()
    for event in events:
        message.feed(event)
    return message


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = [*sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
