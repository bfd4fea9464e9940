"""Messages and their parts: pure values. Identity and storage live elsewhere.

`provider_metadata` on a part keeps what the common shape cannot say, keyed by dialect
(`{"anthropic_messages": {"signature": "…"}}`), and is sent back only to an upstream of that dialect.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["user", "assistant"]

MessageStatus = Literal["pending", "streaming", "complete", "stopped", "interrupted", "error"]
"""`pending → streaming → complete | stopped | interrupted | error`; a user message is born `complete`."""

TERMINAL_STATUSES: frozenset[str] = frozenset({"complete", "stopped", "interrupted", "error"})

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "cancelled", "error"]


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str
    provider_metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What the model thought aloud. `text` is empty where the provider sends it encrypted only."""

    text: str
    provider_metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    id: str
    name: str
    arguments: str
    """The JSON text as the model wrote it; not parsed, since it may be cut or invalid."""
    provider_metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image kept by this server, named by its id."""

    image_id: str
    media_type: str


Part = TextPart | ReasoningPart | ToolCallPart | ImagePart


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return text_of(self.parts)


def text_of(parts: Iterable[Part]) -> str:
    """The visible text of `parts`, joined."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def reasoning_of(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, ReasoningPart))


def parts_to_json(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Parts as JSON values, each with a `type`; `parts_from_json` reads them back."""
    rows: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case TextPart():
                row: dict[str, Any] = {"type": "text", "text": part.text}
            case ReasoningPart():
                row = {"type": "reasoning", "text": part.text}
            case ToolCallPart():
                row = {"type": "tool_call", "id": part.id, "name": part.name, "arguments": part.arguments}
            case ImagePart():
                rows.append({"type": "image", "image_id": part.image_id, "media_type": part.media_type})
                continue
        if part.provider_metadata:
            row["provider_metadata"] = dict(part.provider_metadata)
        rows.append(row)
    return rows


def parts_from_json(rows: Iterable[Mapping[str, Any]]) -> tuple[Part, ...]:
    """The inverse of `parts_to_json`. Raises ValueError on a type it does not know."""
    parts: list[Part] = []
    for row in rows:
        metadata = row.get("provider_metadata")
        match row["type"]:
            case "text":
                parts.append(TextPart(row["text"], metadata))
            case "reasoning":
                parts.append(ReasoningPart(row["text"], metadata))
            case "tool_call":
                parts.append(ToolCallPart(row["id"], row["name"], row["arguments"], metadata))
            case "image":
                parts.append(ImagePart(row["image_id"], row["media_type"]))
            case unknown:
                raise ValueError(f"unknown part type {unknown!r}")
    return tuple(parts)
