import json
from typing import Any

import pytest

from llm_router.domain.chat import ChatRequest
from llm_router.domain.errors import UpstreamFailed
from llm_router.domain.events import Failed, StreamEvent
from llm_router.domain.messages import ChatMessage, ReasoningPart, TextPart, ToolCallPart
from llm_router.wire.openai_responses import StreamDecoder, encode_request
from tests.wire.streams import decode, fold


def sealed(thought: str, encrypted: str = "E") -> ReasoningPart:
    return ReasoningPart(thought, {"openai_responses": {"id": "rs_1", "encrypted_content": encrypted}})


def user(said: str) -> ChatMessage:
    return ChatMessage("user", (TextPart(said),))


def request(*messages: ChatMessage, **fields: Any) -> ChatRequest:
    return ChatRequest("alias", messages or (user("Hi"),), **fields)


def said_by_assistant(said: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "output_text", "text": said}]}


def events_of(*payloads: dict[str, Any]) -> list[StreamEvent]:
    return decode(StreamDecoder(), [f"data: {json.dumps(payload)}\n\n".encode() for payload in payloads])


def delta(kind: str, said: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "delta": said, **fields}


def item(step: str, index: int, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.output_item.{step}", "output_index": index, "item": fields}


def end(kind: str = "completed", **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": {"id": "r", "model": "m", "status": kind, **fields}}


def test_encodes_a_conversation() -> None:
    answer = ChatMessage("assistant", (sealed("hm"), TextPart("Hello")))
    body = encode_request(
        request(user("Hi"), answer, user("Bye"), system="Be brief.", reasoning="low", max_tokens=50), "gpt-5.5"
    )
    assert body == {
        "model": "gpt-5.5",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": "E",
            },
            said_by_assistant("Hello"),
            {"role": "user", "content": [{"type": "input_text", "text": "Bye"}]},
        ],
        "instructions": "Be brief.",
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"},
        "max_output_tokens": 50,
        "store": False,
        "stream": True,
    }


def test_a_model_that_does_not_reason_hears_nothing_of_it() -> None:
    answer = ChatMessage("assistant", (sealed("hm"), TextPart("Hello")))
    body = encode_request(request(user("Hi"), answer, temperature=0.2), "gpt-4.1-mini")
    assert "include" not in body
    assert "reasoning" not in body
    assert body["input"][1:] == [said_by_assistant("Hello")]
    assert body["temperature"] == 0.2


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("o3", True),
        ("o4-mini-2025-04-16", True),
        ("gpt-5", True),
        ("gpt-5.6-sol", True),
        ("openai/gpt-5-mini", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("chatgpt-4o-latest", False),
        ("gpt-3.5-turbo", False),
        ("grok-4.3", True),
        ("grok-4-1-fast-non-reasoning", False),
    ],
)
def test_encrypted_reasoning_is_asked_of_models_that_reason(model: str, reasons: bool) -> None:
    body = encode_request(request(), model)
    assert ("include" in body) is reasons
    assert "reasoning" not in body


def test_no_summary_is_asked_where_no_reasoning_is_wanted() -> None:
    assert encode_request(request(reasoning="none"), "gpt-5.5")["reasoning"] == {"effort": "none"}


def test_reasoning_goes_back_only_before_the_text_it_led_to() -> None:
    foreign = ReasoningPart("hm", {"anthropic_messages": {"signature": "s"}})
    answer = ChatMessage(
        "assistant",
        (
            sealed("", "1"),
            ToolCallPart("c", "f", "{}"),
            sealed("", "2"),
            foreign,
            TextPart("ok"),
            TextPart("!"),
            sealed("", "3"),
        ),
    )
    items = encode_request(request(user("Hi"), answer), "gpt-5.5")["input"][1:]
    assert items == [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "2"},
        said_by_assistant("ok"),
        said_by_assistant("!"),
    ]


def test_extras_of_this_dialect_are_sent_on() -> None:
    extras = {"openai_responses": {"service_tier": "flex"}, "openai_chat": {"seed": 1}}
    body = encode_request(request(extras=extras), "gpt-5.5")
    assert body["service_tier"] == "flex"
    assert "seed" not in body


def test_parts_of_a_summary_are_paragraphs() -> None:
    part = {"type": "response.reasoning_summary_part.added"}
    events = events_of(
        part,
        delta("reasoning_summary_text", "one"),
        part,
        delta("reasoning_summary_text", "two"),
        item("done", 0, type="reasoning", id="rs_1", encrypted_content="E"),
        part,
        delta("reasoning_summary_text", "three"),
        delta("output_text", "ok"),
        end(),
    )
    assert fold(events).parts == (sealed("one\n\ntwo"), ReasoningPart("three"), TextPart("ok"))


def test_reasoning_may_come_in_plain_words_or_encrypted_only() -> None:
    events = events_of(
        delta("reasoning_text", "hm"),
        item("done", 0, type="reasoning", id="rs_1", summary=[]),
        item("done", 1, type="reasoning", id="rs_1", encrypted_content="E"),
        end(),
    )
    assert fold(events).parts == (sealed("hm"),)


def test_arguments_that_come_only_at_the_end_are_kept() -> None:
    call = {"type": "function_call", "id": "", "name": "f"}
    events = events_of(
        item("added", 0, **call, call_id="c1", arguments=""),
        item("added", 1, **call, call_id="c2", arguments=""),
        delta("function_call_arguments", "{}", output_index=1),
        item("done", 0, **call, call_id="c1", arguments='{"a":1}'),
        item("done", 1, **call, call_id="c2", arguments="{}"),
        end(),
    )
    message = fold(events)
    assert message.parts == (ToolCallPart("c1", "f", '{"a":1}'), ToolCallPart("c2", "f", "{}"))
    assert message.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("why", "expected"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "length")],
)
def test_an_incomplete_answer_says_why(why: str | None, expected: str) -> None:
    details = {"reason": why} if why else None
    message = fold(events_of(delta("output_text", "a"), end("incomplete", incomplete_details=details)))
    assert message.finish_reason == expected


def test_a_failed_response_keeps_its_usage() -> None:
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    error = {"code": "server_error", "message": "sorry"}
    message = fold(events_of(delta("output_text", "a"), end("failed", error=error, usage=usage)))
    assert type(message.error) is UpstreamFailed
    assert message.usage is not None
    assert message.usage.tokens_input == 5


def test_what_tools_used_is_kept_beside_the_tokens() -> None:
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    tools = {"web_search": {"num_requests": 2}}
    message = fold(events_of(end(usage=usage, tool_usage=tools, service_tier="flex")))
    assert message.usage is not None
    assert message.usage.raw == usage | {"tool_usage": tools}
    assert message.usage.service_tier == "flex"


def test_a_cut_stream_fails_and_keeps_its_text() -> None:
    events = events_of(
        {"type": "response.created", "response": {"id": "r", "model": "m"}}, delta("output_text", "half")
    )
    assert isinstance(events[-1], Failed)
    assert type(events[-1].error) is UpstreamFailed
    assert fold(events).parts == (TextPart("half"),)
    assert type(fold(decode(StreamDecoder(), [b"data: [DONE]\n\n"])).error) is UpstreamFailed
