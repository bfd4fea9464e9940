"""The dialect `anthropic_messages`: Anthropic's Messages API. We are the client.

Knows blocks, signatures, cache breakpoints and how each family of models is asked to think. Knows nothing of HTTP
(the `anthropic-version` header is the provider's), keys or prices.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from llm_router.domain.chat import ChatRequest
from llm_router.domain.events import PartAdded, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta
from llm_router.domain.messages import ChatMessage, FinishReason, ReasoningPart, TextPart
from llm_router.domain.usage import Usage
from llm_router.wire.errors import decode_error as decode_error
from llm_router.wire.errors import decode_stream_error
from llm_router.wire.json import count, mapping, mappings, text
from llm_router.wire.models import ListedModel, listed_rows
from llm_router.wire.sse import ServerSentEvent
from llm_router.wire.stream import BaseStreamDecoder
from llm_router.wire.turns import dialect_metadata, merged_turns

__all__ = ["StreamDecoder", "decode_answer", "decode_error", "decode_model_list", "decode_usage", "encode_request"]

DIALECT: Literal["anthropic_messages"] = "anthropic_messages"

_EPHEMERAL = {"type": "ephemeral"}

_BUDGETS = {"low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}
"""Tokens to think in, by level, where a model takes a budget. Anthropic's own floor is 1024."""
_LOWEST_BUDGET = 1024

_EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class _Family:
    """How one generation of models is asked. See platform.claude.com/docs, "Thinking" and the migration guides."""

    name: re.Pattern[str]
    thinking: Literal["adaptive", "budget", "none"]
    default_max_tokens: int
    """Anthropic wants a limit. This one leaves room for the thinking, which counts towards it."""
    efforts: tuple[str, ...] = ()
    off: Literal["absent", "disabled", "lowest"] = "absent"
    """How not to think: say nothing, say `disabled`, or, where it cannot be turned off, ask for the least."""
    takes_temperature: bool = True
    takes_thinking_back: bool = True
    """False where a thinking block is bound to all that went before it: a system prompt that has grown since, or an
    answer retried, is then a 400. What is left out cannot be out of place."""


_FAMILIES = (
    # 5.1 and later: always think, bind thinking to its prefix (docs, "Preserved thinking", 2026-08-31).
    _Family(re.compile(r"claude-[a-z]+-(?:5-\d(?!\d)|[6-9])"), "adaptive", 32_000, _EFFORTS, "lowest", False, False),
    # Fable and Mythos refuse `disabled`; Opus 5 and Sonnet 5 think unless told not to.
    _Family(re.compile(r"claude-(?:fable|mythos)"), "adaptive", 32_000, _EFFORTS, "lowest", False),
    _Family(re.compile(r"claude-[a-z]+-5"), "adaptive", 32_000, _EFFORTS, "disabled", False),
    # 4.7 removed budgets and sampling parameters (2026-04-16); 4.6 deprecated budgets and has no `xhigh`.
    _Family(re.compile(r"claude-[a-z]+-4-[78](?!\d)"), "adaptive", 32_000, _EFFORTS, "absent", False),
    _Family(re.compile(r"claude-[a-z]+-4-6(?!\d)"), "adaptive", 32_000, ("low", "medium", "high", "max")),
    _Family(re.compile(r"claude-[a-z]+-4|claude-3-7"), "budget", 32_000),
    _Family(re.compile(r"claude-3-5"), "none", 8192),
    _Family(re.compile(r"claude-(?:3|2|instant)"), "none", 4096),
    # A Claude that this table is too old for is most likely to be like the newest it knows.
    _Family(re.compile(r"claude"), "adaptive", 32_000, _EFFORTS, "lowest", False, False),
    # Not a Claude: a server that copied the dialect, most of them before `adaptive` was in it.
    _Family(re.compile(r""), "budget", 8192),
)


def encode_request(request: ChatRequest, model: str) -> dict[str, Any]:
    """The body of `POST /v1/messages`, streaming.

    The prompt is marked for caching up to the last user turn, and the system prompt by itself: two of the four
    breakpoints there may be. Each prompt sends the whole conversation again, and a cached token is ten times cheaper.
    """
    family = _family(model)
    max_tokens = request.max_tokens or family.default_max_tokens
    thinking = _thinking(family, request.reasoning, max_tokens)
    sends_thinking = family.takes_thinking_back and request.reasoning != "none"
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": [
            {"role": role, "content": _content(turn, sends_thinking)} for role, turn in merged_turns(request.messages)
        ],
        "stream": True,
        **thinking,
    }
    if request.system and request.system.strip():
        body["system"] = [{"type": "text", "text": request.system, "cache_control": _EPHEMERAL}]
    for message in reversed(body["messages"]):
        if message["role"] == "user":
            message["content"][-1]["cache_control"] = _EPHEMERAL
            break
    is_thinking = thinking.get("thinking", {}).get("type") in ("adaptive", "enabled")
    if request.temperature is not None and family.takes_temperature and not is_thinking:
        body["temperature"] = request.temperature
    return body | dict(request.extras.get(DIALECT, {}))


def default_max_tokens(model: str) -> int:
    """The limit that is sent where a request has none of its own."""
    return _family(model).default_max_tokens


def _family(model: str) -> _Family:
    name = model.lower().replace(".", "-")
    return next(family for family in _FAMILIES if family.name.search(name))


def _thinking(family: _Family, level: str | None, max_tokens: int) -> dict[str, Any]:
    """The fields that ask for `level`; none at all where it is left to the provider."""
    if level is None or family.thinking == "none":
        return {}
    if level == "none":
        match family.off:
            case "disabled":
                return {"thinking": {"type": "disabled"}}
            case "lowest":
                return {"output_config": {"effort": "low"}}
            case "absent":
                return {}
    if level == "minimal":
        level = "low"
    if family.thinking == "adaptive":
        # Newer models send thinking empty unless asked for a summary of it.
        return {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": _effort(family, level)},
        }
    # The budget is a part of max_tokens: at most half, so that an answer fits behind the thinking.
    budget = min(_BUDGETS.get(level, _BUDGETS["medium"]), max_tokens // 2)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= _LOWEST_BUDGET else {}


def _effort(family: _Family, level: str) -> str:
    """The level, or the next lower one the family has. A word we do not know goes through: the provider may."""
    if level not in _EFFORTS:
        return level
    return [effort for effort in _EFFORTS[: _EFFORTS.index(level) + 1] if effort in family.efforts][-1]


def _content(turn: Iterable[ChatMessage], sends_thinking: bool) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for message in turn:
        for part in message.parts:
            match part:
                case TextPart() if part.text.strip():  # a blank block is refused
                    blocks.append({"type": "text", "text": part.text})
                case ReasoningPart() if sends_thinking:
                    blocks.extend(_thinking_block(part))
                case _:  # a tool call without its result is refused too
                    pass
    return blocks


def _thinking_block(part: ReasoningPart) -> list[dict[str, Any]]:
    """Thinking goes back exactly as it came, signed, or not at all: a signature is never made up."""
    metadata = dialect_metadata(part, DIALECT)
    if data := text(metadata.get("redacted_data")):
        return [{"type": "redacted_thinking", "data": data}]
    if signature := text(metadata.get("signature")):
        return [{"type": "thinking", "thinking": part.text, "signature": signature}]
    return []


def decode_answer(body: bytes) -> list[StreamEvent]:
    """The events of a message that came in one piece: as those of a stream, the last one Finished.

    Nothing where `body` is no message.
    """
    return StreamDecoder().decode_answer(body)


_FINISH_REASONS: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""All others are ends of the model's own choosing: `end_turn`, `stop_sequence`, `pause_turn`."""


class StreamDecoder(BaseStreamDecoder):
    """One Messages stream, or message. Its end is `message_stop`.

    Blocks of server tools, of compaction and of kinds yet to come are passed over; what they cost is in the usage.
    """

    def __init__(self) -> None:
        super().__init__()
        self._usage_fields: dict[str, Any] = {}
        self._stop_reason = ""
        self._block_type = ""
        self._signature = ""
        self._tool_calls = 0

    def _read(self, event: ServerSentEvent) -> None:
        payload = self._object(event)
        if payload is None:
            return
        match payload.get("type"):
            case "message_start":
                message = mapping(payload.get("message"))
                self._start(text(message.get("id")), text(message.get("model")))
                # The output of a message that has just begun is a placeholder (1 to 8), and would pass for the count
                # of an answer stopped half-way.
                self._read_usage({**mapping(message.get("usage")), "output_tokens": None})
            case "content_block_start":
                self._open_block(mapping(payload.get("content_block")))
            case "content_block_delta":
                self._read_delta(mapping(payload.get("delta")))
            case "content_block_stop":
                self._close_block()
            case "message_delta":
                self._stop_reason = text(mapping(payload.get("delta")).get("stop_reason")) or self._stop_reason
                self._read_usage(mapping(payload.get("usage")))
            case "message_stop":
                self._finish(_FINISH_REASONS.get(self._stop_reason, "stop"))
            case "error":
                self._fail(decode_stream_error(payload))

    def _read_answer(self, answer: Mapping[str, Any]) -> None:
        if answer.get("type") != "message":
            return
        self._start(text(answer.get("id")), text(answer.get("model")))
        for block in mappings(answer.get("content")):
            self._open_block(block)
            self._close_block()
        self._read_usage(mapping(answer.get("usage")))
        self._finish(_FINISH_REASONS.get(text(answer.get("stop_reason")), "stop"))

    def _open_block(self, block: Mapping[str, Any]) -> None:
        self._block_type = text(block.get("type"))
        self._signature = ""
        match self._block_type:
            case "text":
                self._say(text(block.get("text")))
            case "thinking":
                self._think(text(block.get("thinking")))
                self._signature = text(block.get("signature"))
            case "redacted_thinking":
                self._emit(PartAdded(ReasoningPart("", {DIALECT: {"redacted_data": text(block.get("data"))}})))
            case "tool_use":
                whole = mapping(block.get("input"))  # {} where the pieces follow
                arguments = orjson.dumps(whole).decode() if whole else ""
                self._tool_calls += 1
                self._emit(
                    ToolCallDelta(self._tool_calls - 1, text(block.get("id")), text(block.get("name")), arguments)
                )

    def _read_delta(self, delta: Mapping[str, Any]) -> None:
        match delta.get("type"):
            case "text_delta":
                self._say(text(delta.get("text")))
            case "thinking_delta":
                self._think(text(delta.get("thinking")))
            case "signature_delta":
                self._signature += text(delta.get("signature"))
            case "input_json_delta" if self._block_type == "tool_use":  # server tools stream theirs alike
                if piece := text(delta.get("partial_json")):
                    self._emit(ToolCallDelta(self._tool_calls - 1, arguments=piece))

    def _close_block(self) -> None:
        if self._block_type == "thinking" and self._signature:
            self._emit(ReasoningDelta("", {DIALECT: {"signature": self._signature}}))
        self._block_type = ""

    def _read_usage(self, fields: Mapping[str, Any]) -> None:
        """Later counts replace earlier ones; what a later report leaves out, or has 0 for, stands. Nothing is added up.

        Counts only grow: servers that follow this dialect may count what went in at the beginning alone.
        """
        if fields:
            known = self._usage_fields
            known |= {name: value for name, value in fields.items() if value or (value == 0 and name not in known)}
            self._report(decode_usage(dict(self._usage_fields)))

    def _say(self, said: str) -> None:
        if said:
            self._emit(TextDelta(said))

    def _think(self, thought: str) -> None:
        if thought:
            self._emit(ReasoningDelta(thought))


def decode_usage(raw: Mapping[str, Any], *, has_answer: bool = True, service_tier: str | None = None) -> Usage:
    """Our meaning of Anthropic's counts, whose `input_tokens` leaves out both kinds of cached ones.

    With compaction the counts at the top are of the last iteration alone; all of them are billed. All that a bill
    depends on is in `raw`; `service_tier` is for a server that says it elsewhere, `has_answer` changes nothing here.
    """
    iterations = mappings(raw.get("iterations")) or [raw]
    plain = _sum(count(each.get("input_tokens")) for each in iterations)
    read = _sum(count(each.get("cache_read_input_tokens")) for each in iterations)
    writes = [_cache_writes(each) for each in iterations]
    written = _sum(total for total, _ in writes)
    tiers = _service_tiers(raw)
    return Usage(
        tokens_input=None if plain is None else plain + (read or 0) + (written or 0),
        tokens_output=_sum(count(each.get("output_tokens")) for each in iterations),
        tokens_cache_read=read,
        tokens_cache_write=written,
        tokens_reasoning=count(mapping(raw.get("output_tokens_details")).get("thinking_tokens")),
        tokens_cache_write_1h=_sum(for_an_hour for _, for_an_hour in writes),
        web_searches=count(mapping(raw.get("server_tool_use")).get("web_search_requests")),
        has_unknown_fees=len(tiers) > 1,
        service_tier=tiers[0] if tiers else text(raw.get("service_tier")) or service_tier,
        dialect=DIALECT,
        raw=raw,
    )


def _cache_writes(raw: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens written to the cache, and those among them that are kept for an hour; the others are for five minutes.

    The split may be older than the total: only a stream's beginning has it, and tools add to the prompt later.
    """
    total = count(raw.get("cache_creation_input_tokens"))
    split = mapping(raw.get("cache_creation"))
    minutes, hour = count(split.get("ephemeral_5m_input_tokens")), count(split.get("ephemeral_1h_input_tokens"))
    if total is None:
        return _sum((minutes, hour)), hour
    if hour is None:
        return total, None
    return total, min(hour, total) if minutes or not hour else total


def _service_tiers(raw: Mapping[str, Any]) -> list[str]:
    """The words that decide the rates: of a tier, of the speed, or of where it was worked out, what is not usual.

    Fast mode has rates of its own, and inference kept in the US costs a tenth more (platform.claude.com/docs, "Fast
    mode" and "Data residency", 2026). What two of them cost together is in no list.
    """
    words = (text(raw.get(name)) for name in ("service_tier", "speed", "inference_geo"))
    return [word for word in words if word not in ("", "standard", "global", "not_available")]


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [number for number in counts if number is not None]
    return sum(known) if known else None


def decode_model_list(body: bytes) -> list[ListedModel]:
    """The list at `/v1/models`. Raises UpstreamFailed."""
    return [
        ListedModel(
            row["id"],
            text(row.get("display_name")) or None,
            count(row.get("max_input_tokens")) or None,
            count(row.get("max_tokens")) or None,
        )
        for row in listed_rows(body)
    ]
