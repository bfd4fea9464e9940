"""The closed vocabulary of a generation's stream. Each stream ends in exactly one `Finished` or `Failed`.

Codecs decode providers' bytes to these; the router passes them on; the generation folds them
into a message. What browsers see is encoded from these too (`services/event_log.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_router.domain.errors import RouterError
from llm_router.domain.messages import FinishReason, Part
from llm_router.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Started:
    """The upstream answered. `response_model` is the model that says it answers, often not the one asked for."""

    response_id: str | None = None
    response_model: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str
    provider_metadata: Mapping[str, Any] | None = None
    """Comes with the last delta of a block (a signature, say) and closes that block."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    index: int
    """Position of the call in this answer, counted from 0; fragments of one call share it."""
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class PartAdded:
    """A whole part that does not arrive in pieces (redacted thinking, an image)."""

    part: Part


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Usage so far, whole: a later report replaces an earlier one, nothing is added up."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt failed before any content; the plan goes on. Shown as a notice."""

    error: RouterError
    target_id: str
    retry_in_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class Failed:
    error: RouterError


StreamEvent = (
    Started | TextDelta | ReasoningDelta | ToolCallDelta | PartAdded | UsageReported | AttemptFailed | Finished | Failed
)

CONTENT_EVENTS = (TextDelta, ReasoningDelta, ToolCallDelta, PartAdded)
"""The events after the first of which a stream is committed: no retry, no fallback."""
