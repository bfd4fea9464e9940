"""What is asked of a model: one request in the common shape, and the place it goes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_router.domain.messages import ChatMessage

ProviderName = Literal["openai", "anthropic", "openai_compatible", "local"]

Dialect = Literal["openai_chat", "openai_responses", "anthropic_messages"]

ReasoningLevel = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    model: str
    """The name as it was asked for; the codec is handed the target's own name beside it."""
    messages: tuple[ChatMessage, ...]
    system: str | None = None
    temperature: float | None = None
    reasoning: str | None = None
    """A `ReasoningLevel`; None leaves it to the provider."""
    max_tokens: int | None = None
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By dialect: fields sent on untouched, and only to an upstream of that dialect."""


@dataclass(frozen=True, slots=True)
class Target:
    """One model on one connection."""

    connection: str
    """The connection's name: `openai`, `anthropic`, `local`, or a table name of the configuration."""
    provider: ProviderName
    model: str
    """The name the upstream knows it by."""

    @property
    def id(self) -> str:
        return f"{self.connection}/{self.model}"
