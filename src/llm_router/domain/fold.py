"""Folds a stream of events into the parts and facts of one assistant message."""

from llm_router.domain.errors import RouterError
from llm_router.domain.events import (
    AttemptFailed,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from llm_router.domain.messages import FinishReason, Part, ReasoningPart, TextPart, ToolCallPart
from llm_router.domain.usage import Usage


class MessageFold:
    """What a stream has said so far. Neighbouring text joins; order of kinds is kept.

    Text is gathered in lists and joined on demand, so that a long answer costs no quadratic copying.
    """

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._open_kind: type[TextDelta] | type[ReasoningDelta] | None = None
        self._open_text: list[str] = []
        self._tool_calls: dict[int, _OpenToolCall] = {}
        self.response_id: str | None = None
        self.response_model: str | None = None
        self.usage: Usage | None = None
        self.finish_reason: FinishReason | None = None
        self.error: RouterError | None = None
        self.text_length = 0
        """Characters of text, reasoning and tool arguments so far: what an estimate of the output counts."""

    def feed(self, event: StreamEvent) -> None:
        match event:
            case TextDelta("") | ReasoningDelta("", None):
                pass  # nothing was said, so nothing ends either
            case TextDelta(text):
                self._append(TextDelta, text)
            case ReasoningDelta(text, metadata):
                self._append(ReasoningDelta, text)
                if metadata is not None:
                    self._parts.append(ReasoningPart("".join(self._open_text), metadata))
                    self._open_kind, self._open_text = None, []
            case ToolCallDelta():
                self._feed_tool_call(event)
            case PartAdded(part):
                self._close()
                self._parts.append(part)
            case UsageReported(usage):
                self.usage = usage
            case Started(response_id, response_model):
                self.response_id, self.response_model = response_id, response_model
            case Finished(reason):
                self.finish_reason = reason
            case Failed(error):
                self.error = error
            case AttemptFailed():
                pass

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts so far, tool calls last."""
        parts = list(self._parts)
        if self._open_kind is not None and self._open_text:
            text = "".join(self._open_text)
            parts.append(TextPart(text) if self._open_kind is TextDelta else ReasoningPart(text))
        parts.extend(call.part() for _, call in sorted(self._tool_calls.items()))
        return tuple(parts)

    def _append(self, kind: type[TextDelta] | type[ReasoningDelta], text: str) -> None:
        if self._open_kind is not kind:
            self._close()
            self._open_kind = kind
        self._open_text.append(text)
        self.text_length += len(text)

    def _close(self) -> None:
        if self._open_kind is not None and self._open_text:
            text = "".join(self._open_text)
            self._parts.append(TextPart(text) if self._open_kind is TextDelta else ReasoningPart(text))
        self._open_kind, self._open_text = None, []

    def _feed_tool_call(self, delta: ToolCallDelta) -> None:
        call = self._tool_calls.setdefault(delta.index, _OpenToolCall())
        call.id = delta.id or call.id
        call.name = delta.name or call.name
        call.arguments.append(delta.arguments)
        self.text_length += len(delta.arguments)


class _OpenToolCall:
    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    def part(self) -> ToolCallPart:
        return ToolCallPart(self.id, self.name, "".join(self.arguments))
