"""The dialect `openai_chat`: Chat Completions, as OpenAI and those who follow it speak it. We are the client.

Knows the shapes that vendors put on the wire, by their fields and never by the vendor's name. Knows nothing of HTTP,
keys, prices or which connection has which quirks: those come in as `ChatQuirks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from llm_router.domain.chat import ChatRequest
from llm_router.domain.errors import UpstreamFailed, UpstreamOverloaded
from llm_router.domain.events import ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta
from llm_router.domain.messages import FinishReason
from llm_router.domain.usage import Usage
from llm_router.wire.errors import decode_error as decode_error
from llm_router.wire.errors import decode_stream_error
from llm_router.wire.json import count, mapping, mappings, text
from llm_router.wire.models import decode_openai_models as decode_model_list
from llm_router.wire.openai_usage import openai_usage
from llm_router.wire.sse import ServerSentEvent
from llm_router.wire.stream import BaseStreamDecoder
from llm_router.wire.turns import joined_text, merged_turns

__all__ = [
    "ChatQuirks",
    "StreamDecoder",
    "decode_answer",
    "decode_error",
    "decode_model_list",
    "decode_usage",
    "encode_request",
]

DIALECT: Literal["openai_chat"] = "openai_chat"


@dataclass(frozen=True, slots=True)
class ChatQuirks:
    """Where servers of this dialect part ways in what they accept. The defaults suit most of them."""

    system_role: Literal["system", "developer"] = "system"
    """OpenAI's reasoning models call it `developer`; others refuse that word."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """OpenAI's reasoning models refuse `max_tokens`; older servers ignore the other in silence."""
    reasoning_field: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    """OpenRouter's own is the object `reasoning: {effort}`."""
    include_usage: bool = True
    """Without it OpenAI and most others send no usage at all. Old servers refuse `stream_options`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every request: `return_progress` for llama.cpp, without which it notices no cancel while it reads."""


def encode_request(request: ChatRequest, model: str, *, quirks: ChatQuirks | None = None) -> dict[str, Any]:
    """The body of `POST /chat/completions`, streaming."""
    quirks = quirks or ChatQuirks()
    messages: list[dict[str, Any]] = []
    if request.system and request.system.strip():
        messages.append({"role": quirks.system_role, "content": request.system})
    # Reasoning is not sent back: no field for it is common, and DeepSeek has refused its own.
    messages.extend({"role": role, "content": joined_text(turn)} for role, turn in merged_turns(request.messages))
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    if quirks.include_usage:
        body["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body[quirks.max_tokens_field] = request.max_tokens
    if request.reasoning is not None:
        effort = request.reasoning
        body[quirks.reasoning_field] = {"effort": effort} if quirks.reasoning_field == "reasoning" else effort
    return body | dict(quirks.extra) | dict(request.extras.get(DIALECT, {}))


def decode_answer(body: bytes) -> list[StreamEvent]:
    """The events of an answer that came in one piece: as those of a stream, the last one Finished or Failed.

    Nothing where `body` is no answer of this dialect.
    """
    return StreamDecoder().decode_answer(body)


def decode_usage(raw: Mapping[str, Any], *, has_answer: bool = True, service_tier: str | None = None) -> Usage:
    """Our meaning of a `usage` object. `service_tier` stands beside it in the answer."""
    return openai_usage(raw, DIALECT, has_answer=has_answer, service_tier=service_tier)


_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "model_length": "length",  # Mistral
}


class StreamDecoder(BaseStreamDecoder):
    """One Chat Completions stream, or answer. Only the choice of index 0 is heard.

    The end is `[DONE]`, or the end of the body once a finish_reason was seen: Perplexity and llama-box never send
    `[DONE]`, Snowflake never a finish_reason. A finish_reason alone is not the end, since usage may follow it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._finish_reason = ""
        self._has_answer = False
        self._has_refused = False
        self._service_tier: str | None = None
        self._tool_calls = _ToolCalls()

    def _read(self, event: ServerSentEvent) -> None:
        if event.data.strip() == "[DONE]":
            self._end()
        elif (chunk := self._chunk(event)) is not None:
            self._read_chunk(chunk)
            if event.event == "error" or _is_error(chunk):
                self._fail(decode_stream_error(chunk))

    def _read_answer(self, answer: Mapping[str, Any]) -> None:
        choices = mappings(answer.get("choices"))
        # An error in the dress of a 200 has no choice at all; a filtered answer (Azure) one without a message.
        if not any(mapping(choice.get("message")) or choice.get("finish_reason") for choice in choices):
            return
        self._read_chunk(answer, said_in="message")
        if _is_error(answer):
            self._fail(decode_stream_error(answer))
        else:
            self._end()

    def _read_end(self) -> None:
        if self._finish_reason:
            self._end()
        else:
            super()._read_end()

    def _chunk(self, event: ServerSentEvent) -> Mapping[str, Any] | None:
        if self._finish_reason and not event.data.rstrip().endswith("}"):
            return None  # a cut tail: the answer is whole, only its usage is lost
        return self._object(event)

    def _read_chunk(self, chunk: Mapping[str, Any], said_in: Literal["delta", "message"] = "delta") -> None:
        choices = mappings(chunk.get("choices"))
        # Azure's first chunk has neither model nor choices, only its filter's opinion of the prompt.
        if choices or text(chunk.get("model")):
            self._start(text(chunk.get("id")), text(chunk.get("model")))
        self._service_tier = text(chunk.get("service_tier")) or self._service_tier
        for choice in choices:
            if (count(choice.get("index")) or 0) == 0:
                # Perplexity sends both: all of the answer so far, and what is new.
                self._read_said(mapping(choice.get(said_in)))
                self._finish_reason = text(choice.get("finish_reason")) or self._finish_reason
        self._read_usage(chunk)

    def _read_said(self, delta: Mapping[str, Any]) -> None:
        # Three names for one thing; a server that sends two of them says the same in both.
        self._think(text(delta.get("reasoning_content")) or text(delta.get("reasoning")))
        content = delta.get("content")
        if isinstance(content, list):
            self._read_parts(content)
        else:
            self._say(text(content))
        refusal = text(delta.get("refusal"))
        if refusal:
            self._has_refused = True
            self._say(refusal)
        for fragment in mappings(delta.get("tool_calls")):
            self._has_answer = True
            self._emit(self._tool_calls.feed(fragment))

    def _read_parts(self, parts: list[Any]) -> None:
        """Mistral's content: text parts, and thinking parts with text parts in them."""
        for part in mappings(parts):
            if part.get("type") == "thinking":
                inner = part.get("thinking")
                self._think(inner if isinstance(inner, str) else "".join(text(p.get("text")) for p in mappings(inner)))
            else:
                self._say(text(part.get("text")))

    def _read_usage(self, chunk: Mapping[str, Any]) -> None:
        # The chunk's own usage only: Vercel puts another, of another vendor's shape, inside a delta.
        raw = mapping(chunk.get("usage")) or mapping(mapping(chunk.get("x_groq")).get("usage"))
        if raw:
            self._report(decode_usage(raw, has_answer=self._has_answer, service_tier=self._service_tier))

    def _say(self, said: str) -> None:
        if said:
            self._has_answer = True
            self._emit(TextDelta(said))

    def _think(self, thought: str) -> None:
        if thought:
            self._emit(ReasoningDelta(thought))

    def _end(self) -> None:
        if not self._has_started:  # an end without a beginning
            super()._read_end()
            return
        match self._finish_reason:
            case "error":  # Mistral, OpenRouter
                self._fail(UpstreamFailed("The provider failed while it was answering."))
            case "insufficient_system_resource":  # DeepSeek
                self._fail(UpstreamOverloaded("The provider ran out of room while it was answering."))
            case reason:
                default: FinishReason = "tool_calls" if self._tool_calls.count and not reason else "stop"
                finish = _FINISH_REASONS.get(reason, default)
                self._finish("content_filter" if self._has_refused else finish)


def _is_error(chunk: Mapping[str, Any]) -> bool:
    """vLLM's has no `error` key but is an object of that name."""
    return bool(chunk.get("error")) or chunk.get("object") == "error"


class _ToolCalls:
    """Gives each call of an answer its position, whatever the fragments say of themselves.

    OpenAI numbers them; Mistral sends whole calls without a number; servers exist that number all calls 0 and tell them
    apart by id alone.
    """

    def __init__(self) -> None:
        self.count = 0
        self._open: dict[int, tuple[int, str]] = {}
        """By the vendor's index: our position and the call's id."""

    def feed(self, fragment: Mapping[str, Any]) -> ToolCallDelta:
        function = mapping(fragment.get("function"))
        call_id, name = text(fragment.get("id")), text(function.get("name"))
        position = self._position(count(fragment.get("index")), call_id, name)
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = orjson.dumps(arguments).decode()
        return ToolCallDelta(position, call_id or None, name or None, text(arguments))

    def _position(self, index: int | None, call_id: str, name: str) -> int:
        if (index or 0) in self._open:
            position, known_id = self._open[index or 0]
            is_same = call_id == known_id if call_id else index is not None
            if is_same or not name:
                return position
        position = self.count
        self.count += 1
        self._open[index or 0] = (position, call_id)
        return position
