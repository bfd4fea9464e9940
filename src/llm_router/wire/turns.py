"""The conversation as every dialect wants it: user and assistant by turns, each saying something. Knows no dialect."""

from collections.abc import Iterable, Mapping
from typing import Any

from llm_router.domain.messages import ChatMessage, ReasoningPart, Role, TextPart


def merged_turns(messages: Iterable[ChatMessage]) -> list[tuple[Role, list[ChatMessage]]]:
    """Messages without text dropped, then neighbours of one role put together.

    An answer that failed before its first word leaves two prompts in a row, which Anthropic once refused and the chat
    templates of several local models still do.
    """
    turns: list[tuple[Role, list[ChatMessage]]] = []
    for message in messages:
        if not message.text.strip():
            continue
        if turns and turns[-1][0] == message.role:
            turns[-1][1].append(message)
        else:
            turns.append((message.role, [message]))
    return turns


def joined_text(messages: Iterable[ChatMessage]) -> str:
    return "\n\n".join(message.text for message in messages)


def dialect_metadata(part: TextPart | ReasoningPart, dialect: str) -> Mapping[str, Any]:
    """What an upstream of `dialect` wanted back with this part; empty for all others."""
    own = (part.provider_metadata or {}).get(dialect)
    return own if isinstance(own, Mapping) else {}
