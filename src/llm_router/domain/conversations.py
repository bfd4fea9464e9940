"""Conversations and the messages in them, as they are kept: a tree whose edges point to the parent."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from llm_router.domain.chat import ProviderName
from llm_router.domain.messages import (
    TERMINAL_STATUSES,
    ChatMessage,
    FinishReason,
    MessageStatus,
    Part,
    Role,
    TextPart,
    parts_to_json,
)
from llm_router.domain.usage import CostStatus, Usage, dollars

MAX_TITLE_LENGTH = 60

_MARKS = re.compile(r"(?m)^\s*(?:#{1,6}|>+|[-*+])\s+|\*\*|`+")
"""Of headings, quotes, lists, emphasis and code."""
_COPY_NUMBER = re.compile(r" \(\d{1,2}\)$")


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    content: str
    """The visible text: the text parts joined."""
    parts: tuple[Part, ...]
    status: MessageStatus
    created_at: int
    """Milliseconds since 1970."""
    model: str | None = None
    """The catalog id that was asked."""
    provider: ProviderName | None = None
    connection: str | None = None
    response_model: str | None = None
    temperature: float | None = None
    reasoning: str | None = None
    max_tokens: int | None = None
    usage: Usage = field(default_factory=Usage)
    cost_nanousd: int | None = None
    cost_status: CostStatus | None = None
    finish_reason: FinishReason | None = None
    error: Mapping[str, Any] | None = None
    time_to_first_chunk: float | None = None
    """Seconds from sending the prompt upstream to the first content; None where none came."""
    duration: float | None = None
    """Seconds from taking the prompt to the end."""
    reasoning_duration: float | None = None
    """Seconds from the first to the last of what was thought aloud; None where nothing was."""

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL_STATUSES

    def as_chat_message(self) -> ChatMessage:
        return ChatMessage(self.role, self.parts)

    def as_dict(self) -> dict[str, Any]:
        """The message as the API shows it; docs/events.md has the shape."""
        # Most are one text, and a conversation of thousands would bring each twice.
        is_plain = len(self.parts) == 1 and isinstance(self.parts[0], TextPart) and self.parts[0].text == self.content
        return {
            "id": self.id,
            "conversation_id": self.conversation_id,
            "parent_id": self.parent_id,
            "role": self.role,
            "content": self.content,
            "parts": [] if is_plain else [_shown_part(part) for part in parts_to_json(self.parts)],
            "status": self.status,
            "model": self.model,
            "provider": self.provider,
            "response_model": self.response_model,
            "temperature": self.temperature,
            "reasoning": self.reasoning,
            **self.usage.as_dict(),
            **shown_cost(self.cost_nanousd, self.cost_status),
            "finish_reason": self.finish_reason,
            "error": self.error,
            "time_to_first_chunk": self.time_to_first_chunk,
            "duration": self.duration,
            "reasoning_duration": self.reasoning_duration,
            "created_at": shown_time(self.created_at),
        }


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    title: str
    created_at: int
    updated_at: int
    model: str | None = None
    system_prompt: str | None = None
    device_id: str | None = None
    active_leaf_id: str | None = None
    cost_nanousd: int | None = 0
    """What its calls cost so far; None where there were some and none of them was priced."""
    message_count: int = 0
    is_live: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The conversation as the API shows it, without its messages."""
        return {
            "id": self.id,
            "title": self.title,
            "model": self.model,
            "system_prompt": self.system_prompt,
            "device_id": self.device_id,
            "active_leaf_id": self.active_leaf_id,
            "created_at": shown_time(self.created_at),
            "updated_at": shown_time(self.updated_at),
            "cost": shown_dollars(self.cost_nanousd),
            "message_count": self.message_count,
            "is_live": self.is_live,
        }


def title_from(prompt: str) -> str:
    """A title made of the prompt's first words, without the marks of Markdown."""
    words = " ".join(_MARKS.sub("", prompt).split())
    if len(words) <= MAX_TITLE_LENGTH:
        return words or "untitled"
    head = words[: MAX_TITLE_LENGTH - 1]
    cut = head.rsplit(" ", 1)[0] if " " in head[20:] else head
    return cut.rstrip(" ,.;:-") + "…"


def base_of_title(title: str) -> str:
    """The title without the number that a copy bears."""
    return _COPY_NUMBER.sub("", title)


def title_of_copy(title: str, taken: Collection[str]) -> str:
    """`Planets (2)`, or the first number after it that none of `taken` has. What has no title gets none."""
    base = base_of_title(title)
    return next(numbered for at in count(2) if (numbered := f"{base} ({at})") not in taken) if base else ""


def shown_time(milliseconds: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_dollars(nanousd: int | None) -> float | None:
    """Money at the API's edge. Nine decimals of a dollar fit a float as long as a bill stays below a million."""
    amount = dollars(nanousd)
    return None if amount is None else float(amount)


def shown_cost(nanousd: int | None, status: CostStatus | None) -> dict[str, Any]:
    return {"cost": shown_dollars(nanousd), "cost_status": status}


def _shown_part(row: dict[str, Any]) -> dict[str, Any]:
    """Provider metadata is for the provider; an image is shown with its address."""
    row.pop("provider_metadata", None)
    if row["type"] == "image":
        row["url"] = f"/api/images/{row['image_id']}"
    return row
