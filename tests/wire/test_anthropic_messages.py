import json
from typing import Any

import pytest

from llm_router.domain.chat import ChatRequest
from llm_router.domain.errors import UpstreamFailed, UpstreamOverloaded
from llm_router.domain.events import Failed, Finished, ReasoningDelta, Started, StreamEvent, TextDelta
from llm_router.domain.messages import ChatMessage, ReasoningPart, TextPart, ToolCallPart
from llm_router.domain.usage import Usage
from llm_router.wire.anthropic_messages import StreamDecoder, default_max_tokens, encode_request
from tests.wire.streams import decode, fold

CACHE = {"cache_control": {"type": "ephemeral"}}


def signed(thought: str, signature: str) -> ReasoningPart:
    return ReasoningPart(thought, {"anthropic_messages": {"signature": signature}})


def user(said: str) -> ChatMessage:
    return ChatMessage("user", (TextPart(said),))


def request(*messages: ChatMessage, **fields: Any) -> ChatRequest:
    return ChatRequest("alias", messages or (user("Hi"),), **fields)


def events_of(*payloads: dict[str, Any]) -> list[StreamEvent]:
    return decode(StreamDecoder(), [f"event: {p['type']}\ndata: {json.dumps(p)}\n\n".encode() for p in payloads])


def block(index: int, content_block: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content_block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


START = {
    "type": "message_start",
    "message": {"id": "m", "model": "c", "usage": {"input_tokens": 9, "output_tokens": 3}},
}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 40}}
STOP = {"type": "message_stop"}


def test_encodes_a_conversation_marked_for_caching() -> None:
    answer = ChatMessage("assistant", (signed("hm", "sig"), TextPart("Hello")))
    body = encode_request(
        request(user("Hi"), answer, user("Bye"), system="Be brief.", temperature=0.5), "claude-opus-4-1"
    )
    assert body == {
        "model": "claude-opus-4-1",
        "max_tokens": 32_000,
        "system": [{"type": "text", "text": "Be brief.", **CACHE}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "text", "text": "Hello"},
                ],
            },
            {"role": "user", "content": [{"type": "text", "text": "Bye", **CACHE}]},
        ],
        "temperature": 0.5,
        "stream": True,
    }


def test_a_limit_is_always_sent() -> None:
    assert encode_request(request(max_tokens=7), "claude-opus-4-1")["max_tokens"] == 7
    for model, limit in (("claude-opus-4-1", 32_000), ("claude-3-haiku-20240307", 4096), ("glm-4.7", 8192)):
        assert encode_request(request(), model)["max_tokens"] == default_max_tokens(model) == limit


def test_thinking_goes_back_signed_or_not_at_all() -> None:
    answer = ChatMessage(
        "assistant",
        (
            ReasoningPart("unsigned"),
            ReasoningPart("foreign", {"openai_responses": {"encrypted_content": "x", "signature": "x"}}),
            ReasoningPart("", {"anthropic_messages": {"redacted_data": "R"}}),
            signed("", "S"),
            TextPart(" "),
            TextPart("ok"),
            ToolCallPart("1", "f", "{}"),
        ),
    )
    [_, message] = encode_request(request(user("Hi"), answer), "claude-sonnet-4-5")["messages"]
    assert message["content"] == [
        {"type": "redacted_thinking", "data": "R"},
        {"type": "thinking", "thinking": "", "signature": "S"},
        {"type": "text", "text": "ok"},
    ]


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-fable-5-1", "claude-sonnet-6", "claude-tanka-10"])
def test_thinking_that_is_bound_to_its_prefix_stays_here(model: str) -> None:
    answer = ChatMessage("assistant", (signed("hm", "sig"), TextPart("ok")))
    [_, message] = encode_request(request(user("Hi"), answer), model)["messages"]
    assert message["content"] == [{"type": "text", "text": "ok"}]


def test_thinking_stays_here_where_none_is_wanted() -> None:
    answer = ChatMessage("assistant", (signed("hm", "sig"), TextPart("ok")))
    [_, message] = encode_request(request(user("Hi"), answer, reasoning="none"), "claude-opus-4-6")["messages"]
    assert message["content"] == [{"type": "text", "text": "ok"}]


def test_roles_alternate_and_nothing_is_empty() -> None:
    empty = ChatMessage("assistant", (TextPart(" \n"), signed("hm", "sig")))
    body = encode_request(request(user("1"), empty, user("2"), user("")), "claude-opus-4-1")
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2", **CACHE}]}
    ]


def adaptive(effort: str) -> dict[str, Any]:
    return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": effort}}


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


@pytest.mark.parametrize(
    ("model", "level", "expected"),
    [
        ("claude-opus-4-1-20250805", "low", budget(2048)),
        ("claude-haiku-4-5-20251001", "high", budget(16_000)),
        ("claude-3-7-sonnet-20250219", "minimal", budget(2048)),
        ("claude-sonnet-4-20250514", "max", budget(16_000)),
        ("claude-sonnet-4-5", "none", {}),
        ("claude-3-5-haiku-latest", "high", {}),
        ("claude-3-haiku-20240307", "high", {}),
        ("claude-opus-4-6", "high", adaptive("high")),
        ("anthropic.claude-opus-4.6-v1", "xhigh", adaptive("high")),
        ("claude-sonnet-4-6", "max", adaptive("max")),
        ("claude-sonnet-4-6", "none", {}),
        ("claude-opus-4-7", "xhigh", adaptive("xhigh")),
        ("claude-opus-4-8", "minimal", adaptive("low")),
        ("claude-opus-4-8", "none", {}),
        ("claude-sonnet-5", "medium", adaptive("medium")),
        ("claude-sonnet-5-20260629", "none", {"thinking": {"type": "disabled"}}),
        ("claude-opus-5", "none", {"thinking": {"type": "disabled"}}),
        ("claude-opus-5-5", "none", {"output_config": {"effort": "low"}}),
        ("claude-fable-5", "none", {"output_config": {"effort": "low"}}),
        ("claude-opus-5-5", "brisk", adaptive("brisk")),
        ("glm-4.7", "high", budget(4096)),
    ],
)
def test_each_family_is_asked_to_think_in_its_own_way(model: str, level: str, expected: dict[str, Any]) -> None:
    body = encode_request(request(reasoning=level), model)
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == expected


def test_a_budget_leaves_room_for_the_answer() -> None:
    body = encode_request(request(reasoning="high", max_tokens=4000), "claude-opus-4-1")
    assert body["thinking"]["budget_tokens"] == 2000
    assert "thinking" not in encode_request(request(reasoning="high", max_tokens=2000), "claude-opus-4-1")


@pytest.mark.parametrize(
    ("model", "level", "is_sent"),
    [
        ("claude-opus-4-1", None, True),
        ("claude-opus-4-1", "low", False),
        ("claude-opus-4-6", "none", True),
        ("claude-opus-4-6", "low", False),
        ("claude-opus-4-7", None, False),
        ("claude-sonnet-5", "none", False),
    ],
)
def test_temperature_is_sent_only_where_it_is_taken(model: str, level: str | None, is_sent: bool) -> None:
    body = encode_request(request(temperature=0.3, reasoning=level), model)
    assert ("temperature" in body) is is_sent


def test_extras_of_this_dialect_are_sent_on() -> None:
    extras = {"anthropic_messages": {"top_k": 3}, "openai_chat": {"seed": 1}}
    body = encode_request(request(extras=extras), "claude-opus-4-1")
    assert body["top_k"] == 3
    assert "seed" not in body


def test_what_was_received_can_be_sent_back() -> None:
    events = events_of(
        START,
        *block(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "hm"}, SIGNATURE),
        *block(1, {"type": "redacted_thinking", "data": "R"}),
        *block(2, {"type": "thinking", "thinking": ""}, SIGNATURE),
        *block(3, {"type": "text", "text": ""}, {"type": "text_delta", "text": "ok"}),
        END,
        STOP,
    )
    answer = ChatMessage("assistant", fold(events).parts)
    [_, message] = encode_request(request(user("Hi"), answer), "claude-sonnet-4-5")["messages"]
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "R"},
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "text", "text": "ok"},
    ]


SIGNATURE = {"type": "signature_delta", "signature": "sig"}


def test_server_tools_and_unknown_blocks_are_passed_over() -> None:
    events = events_of(
        START,
        *block(
            0, {"type": "server_tool_use", "id": "s", "name": "web"}, {"type": "input_json_delta", "partial_json": "{}"}
        ),
        *block(1, {"type": "web_search_tool_result", "content": [{"type": "web_search_result"}]}),
        {"type": "ping"},
        *block(2, {"type": "of_tomorrow"}, {"type": "tomorrow_delta", "text": "no"}),
        *block(3, {"type": "text", "text": "a"}, {"type": "citations_delta", "citation": {}}),
        END,
        STOP,
    )
    assert fold(events).parts == (TextPart("a"),)


def test_tool_calls_whole_or_in_pieces() -> None:
    events = events_of(
        START,
        *block(0, {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}),
        *block(1, {"type": "tool_use", "id": "t2", "name": "g", "input": {}}, *pieces("", '{"b"', ":2}")),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}},
        STOP,
    )
    message = fold(events)
    assert message.parts == (ToolCallPart("t1", "f", '{"a":1}'), ToolCallPart("t2", "g", '{"b":2}'))
    assert message.finish_reason == "tool_calls"


def pieces(*parts: str) -> list[dict[str, Any]]:
    return [{"type": "input_json_delta", "partial_json": part} for part in parts]


def test_a_stopped_answer_has_its_input_counted_and_its_output_unknown() -> None:
    """`message_start` says 3 tokens out before anything was said: no count of what a stopped answer cost."""
    [usage] = [event for event in events_of(START)[1:-1] if hasattr(event, "usage")]
    assert (usage.usage.tokens_input, usage.usage.tokens_output) == (9, None)


@pytest.mark.parametrize(
    ("start", "delta"),
    [
        pytest.param({}, {"input_tokens": 9, "cache_read_input_tokens": 20, "output_tokens": 5}, id="at the end only"),
        pytest.param(
            {"input_tokens": 0, "output_tokens": 0},
            {"input_tokens": 9, "cache_read_input_tokens": 20, "output_tokens": 5},
            id="zeros at the beginning",
        ),
        pytest.param(
            {"input_tokens": 9, "cache_read_input_tokens": 20, "output_tokens": 1},
            {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 5},
            id="zeros at the end",
        ),
        pytest.param(
            {"input_tokens": 9, "cache_read_input_tokens": 20, "output_tokens": 1},
            {"input_tokens": 9, "cache_read_input_tokens": 20, "output_tokens": 5},
            id="cumulative in both",
        ),
        pytest.param(
            {"input_tokens": 9, "cache_read_input_tokens": 20, "output_tokens": 1},
            {"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 5},
            id="nulls at the end",
        ),
    ],
)
def test_usage_at_either_end_of_a_stream(start: dict[str, Any], delta: dict[str, Any]) -> None:
    usage = usage_between(start, delta)
    assert (usage.tokens_input, usage.tokens_cache_read, usage.tokens_output) == (29, 20, 5)


def test_an_empty_answer_has_no_tokens_out() -> None:
    assert usage_between({"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 0}).tokens_output == 0


def test_writes_for_an_hour_stay_so_though_the_end_of_the_stream_has_the_total_alone() -> None:
    split = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 2000}
    usage = usage_between(
        {"input_tokens": 9, "cache_creation_input_tokens": 2100, "cache_creation": split, "output_tokens": 1},
        {"cache_creation_input_tokens": 2100, "output_tokens": 5},
    )
    assert (usage.tokens_input, usage.tokens_cache_write, usage.tokens_cache_write_1h) == (2109, 2100, 2000)


def usage_between(start: dict[str, Any], delta: dict[str, Any]) -> Usage:
    """What a stream took that says `start` at its beginning and `delta` at its end."""
    begin = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": start}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": delta}
    usage = fold(events_of(begin, end, STOP)).usage
    assert usage is not None
    return usage


def test_overload_in_the_stream_fails_it_and_keeps_what_came() -> None:
    events = events_of(
        START,
        *block(0, {"type": "text", "text": "half"})[:1],
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        STOP,
    )
    assert isinstance(events[-1], Failed)
    assert type(events[-1].error) is UpstreamOverloaded
    assert fold(events).parts == (TextPart("half"),)


def test_without_message_stop_the_answer_is_not_complete() -> None:
    events = events_of(START, *block(0, {"type": "text", "text": "half"}), END)
    assert isinstance(events[-1], Failed)
    assert type(events[-1].error) is UpstreamFailed


def test_unsigned_thinking_is_plain_reasoning() -> None:
    events = events_of(
        START, *block(0, {"type": "thinking", "thinking": "hm"}), *block(1, {"type": "text", "text": "a"}), STOP
    )
    assert [event for event in events if not hasattr(event, "usage")] == [
        Started("m", "c"),
        ReasoningDelta("hm"),
        TextDelta("a"),
        Finished("stop"),
    ]
