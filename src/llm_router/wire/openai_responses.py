"""The dialect `openai_responses`: OpenAI's Responses API, stateless. We are the client.

Nothing is stored there: each request carries the whole conversation, and reasoning travels encrypted. Knows nothing of
HTTP, keys or prices.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from llm_router.domain.chat import ChatRequest
from llm_router.domain.errors import UpstreamFailed
from llm_router.domain.events import ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta
from llm_router.domain.messages import ChatMessage, FinishReason, ReasoningPart, TextPart
from llm_router.domain.usage import Usage
from llm_router.wire.errors import decode_error as decode_error
from llm_router.wire.errors import decode_stream_error
from llm_router.wire.json import count, mapping, mappings, text
from llm_router.wire.models import decode_openai_models as decode_model_list
from llm_router.wire.openai_usage import openai_usage
from llm_router.wire.sse import ServerSentEvent
from llm_router.wire.stream import BaseStreamDecoder
from llm_router.wire.turns import dialect_metadata, joined_text, merged_turns

__all__ = ["StreamDecoder", "decode_answer", "decode_error", "decode_model_list", "decode_usage", "encode_request"]

DIALECT: Literal["openai_responses"] = "openai_responses"

_REASONING_MODEL = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9](?!.*-chat)|codex|grok-[4-9](?!.*non-reasoning))")
"""Models that reason by themselves. The others refuse to be asked for encrypted reasoning, and to be handed any."""


def encode_request(request: ChatRequest, model: str) -> dict[str, Any]:
    """The body of `POST /responses`, streaming."""
    reasons = bool(_REASONING_MODEL.search(model.lower())) or request.reasoning not in (None, "none")
    body: dict[str, Any] = {
        "model": model,
        "input": [item for role, turn in merged_turns(request.messages) for item in _items(role, turn, reasons)],
        "store": False,
        "stream": True,
    }
    if request.system and request.system.strip():
        body["instructions"] = request.system
    if reasons:
        body["include"] = ["reasoning.encrypted_content"]
    if request.reasoning is not None:
        # Summaries only where reasoning was asked for: to some models an unverified organisation may not ask for them,
        # and a plain prompt should not fail for that.
        summary = {} if request.reasoning == "none" else {"summary": "auto"}
        body["reasoning"] = {"effort": request.reasoning, **summary}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_output_tokens"] = request.max_tokens
    return body | dict(request.extras.get(DIALECT, {}))


def _items(role: str, turn: list[ChatMessage], sends_reasoning: bool) -> Iterable[dict[str, Any]]:
    if role == "user":
        yield {"role": "user", "content": [{"type": "input_text", "text": joined_text(turn)}]}
        return
    for message in turn:
        # A reasoning item must be followed by the item it led to, or the whole request is refused.
        waiting: list[dict[str, Any]] = []
        for part in message.parts:
            match part:
                case ReasoningPart() if sends_reasoning:
                    waiting.extend(_reasoning_item(part))
                case TextPart() if part.text:
                    yield from waiting
                    waiting = []
                    yield {"role": "assistant", "content": [{"type": "output_text", "text": part.text}]}
                case _:  # a tool call without its output is refused
                    waiting = []


def _reasoning_item(part: ReasoningPart) -> list[dict[str, Any]]:
    metadata = dialect_metadata(part, DIALECT)
    encrypted = text(metadata.get("encrypted_content"))
    if not encrypted:
        return []
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    return [{"type": "reasoning", "id": text(metadata.get("id")), "summary": summary, "encrypted_content": encrypted}]


def decode_answer(body: bytes) -> list[StreamEvent]:
    """The events of a response that came in one piece: as those of a stream, the last one Finished or Failed.

    Nothing where `body` is no response.
    """
    return StreamDecoder().decode_answer(body)


def decode_usage(raw: Mapping[str, Any], *, has_answer: bool = True, service_tier: str | None = None) -> Usage:
    """Our meaning of a `usage` object. `service_tier` stands beside it in the response, and so does what tools used:
    `tool_usage`, and before there was that (2026) the `web_search_call` items, whose number is `web_search_calls`; and
    calls of other tools that are charged, `charged_tool_calls`."""
    return openai_usage(raw, DIALECT, has_answer=has_answer, service_tier=service_tier)


_CHARGED_CALLS = ("image_generation_call", "file_search_call", "code_interpreter_call")
"""Items of hosted tools with fees of their own, which no usage tells (developers.openai.com, "Pricing")."""


class StreamDecoder(BaseStreamDecoder):
    """One Responses stream, or response. Its end is `response.completed`, `.incomplete` or `.failed`; a `[DONE]` behind
    it is noise.

    Items of hosted tools (web search, image generation) are passed over, but for the bill.
    """

    def __init__(self) -> None:
        super().__init__()
        self._has_answer = False
        self._has_refused = False
        self._has_thought = False
        """Whether the next part of a summary needs a paragraph between it and the last."""
        self._positions: dict[int | None, int] = {}
        """Of a tool call among the tool calls, by that of its item among the items."""
        self._spelled: set[int | None] = set()
        """Tool calls whose arguments came in pieces."""
        self._web_searches = 0
        self._charged_calls = 0

    def _read(self, event: ServerSentEvent) -> None:
        if event.data.strip() == "[DONE]":
            return
        payload = self._object(event)
        if payload is None:
            return
        response = mapping(payload.get("response"))
        if response:  # created, or queued where a stream is resumed
            self._start(text(response.get("id")), text(response.get("model")))
        match payload.get("type"):
            case "response.output_text.delta":
                self._say(text(payload.get("delta")))
            case "response.refusal.delta":
                self._has_refused = True
                self._say(text(payload.get("delta")))
            case "response.reasoning_summary_part.added":
                if self._has_thought:
                    self._emit(ReasoningDelta("\n\n"))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._think(text(payload.get("delta")))
            case "response.output_item.added":
                self._open_item(count(payload.get("output_index")), mapping(payload.get("item")))
            case "response.function_call_arguments.delta":
                self._spell(count(payload.get("output_index")), text(payload.get("delta")))
            case "response.output_item.done":
                self._close_item(count(payload.get("output_index")), mapping(payload.get("item")))
            case "response.completed" | "response.incomplete":
                self._end(response)
            case "response.failed":
                self._read_usage(response)
                self._fail(decode_stream_error(response))
            case "error":
                self._fail(decode_stream_error(payload))

    def _read_answer(self, answer: Mapping[str, Any]) -> None:
        items = answer.get("output")
        if not isinstance(items, list):
            return
        self._start(text(answer.get("id")), text(answer.get("model")))
        for index, item in enumerate(mappings(items)):
            self._open_item(index, item)
            self._read_item(item)
            self._close_item(index, item)
        match answer.get("status"):
            case "failed" | "cancelled":
                self._read_usage(answer)
                self._fail(decode_stream_error(answer))
            case "queued" | "in_progress":
                self._fail(UpstreamFailed("The provider answered before the answer was made."))
            case _:
                self._end(answer)

    def _read_item(self, item: Mapping[str, Any]) -> None:
        """What a stream says of an item piece by piece."""
        self._think("\n\n".join(text(part.get("text")) for part in mappings(item.get("summary"))))
        for part in mappings(item.get("content")):
            match part.get("type"):
                case "output_text":
                    self._say(text(part.get("text")))
                case "refusal":
                    self._has_refused = True
                    self._say(text(part.get("refusal")))
                case "reasoning_text":
                    self._think(text(part.get("text")))

    def _open_item(self, index: int | None, item: Mapping[str, Any]) -> None:
        if item.get("type") == "function_call":
            self._has_answer = True
            position = self._positions.setdefault(index, len(self._positions))
            self._emit(ToolCallDelta(position, text(item.get("call_id")), text(item.get("name"))))

    def _spell(self, index: int | None, piece: str) -> None:
        if piece and index in self._positions:
            self._spelled.add(index)
            self._emit(ToolCallDelta(self._positions[index], arguments=piece))

    def _close_item(self, index: int | None, item: Mapping[str, Any]) -> None:
        encrypted = text(item.get("encrypted_content"))
        if item.get("type") == "reasoning" and encrypted:
            self._has_thought = False
            own = {"id": text(item.get("id")), "encrypted_content": encrypted}
            self._emit(ReasoningDelta("", {DIALECT: own}))
        elif item.get("type") == "function_call" and index not in self._spelled:
            self._spell(index, text(item.get("arguments")))
        elif item.get("type") == "web_search_call" and mapping(item.get("action")).get("type", "search") == "search":
            # Only searches are charged, not the pages that are opened then (developers.openai.com, "Web search").
            self._web_searches += 1
        elif item.get("type") in _CHARGED_CALLS:
            self._charged_calls += 1

    def _end(self, response: Mapping[str, Any]) -> None:
        self._read_usage(response)
        finish: FinishReason = "tool_calls" if self._positions else "stop"
        if response.get("status") == "incomplete":
            why = mapping(response.get("incomplete_details")).get("reason")
            finish = "content_filter" if why == "content_filter" else "length"
        self._finish("content_filter" if self._has_refused else finish)

    def _read_usage(self, response: Mapping[str, Any]) -> None:
        raw = dict(mapping(response.get("usage")))
        if not raw:
            return
        if tools := mapping(response.get("tool_usage")):
            raw["tool_usage"] = tools
        elif self._web_searches:
            raw["web_search_calls"] = self._web_searches
        if self._charged_calls:
            raw["charged_tool_calls"] = self._charged_calls
        tier = text(response.get("service_tier")) or None
        self._report(decode_usage(raw, has_answer=self._has_answer, service_tier=tier))

    def _say(self, said: str) -> None:
        if said:
            self._has_answer = True
            self._has_thought = False
            self._emit(TextDelta(said))

    def _think(self, thought: str) -> None:
        if thought:
            self._has_thought = True
            self._emit(ReasoningDelta(thought))
