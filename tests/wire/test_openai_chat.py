import json

import pytest

from llm_router.domain.chat import ChatRequest
from llm_router.domain.errors import RouterError, UpstreamFailed, UpstreamOverloaded
from llm_router.domain.events import Failed, Finished, ReasoningDelta, Started, StreamEvent, TextDelta, ToolCallDelta
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import ChatMessage, ReasoningPart, TextPart, ToolCallPart
from llm_router.wire.openai_chat import ChatQuirks, StreamDecoder, encode_request
from tests.wire.streams import decode, fold


def user(said: str) -> ChatMessage:
    return ChatMessage("user", (TextPart(said),))


def assistant(said: str) -> ChatMessage:
    return ChatMessage("assistant", (ReasoningPart("hm"), TextPart(said), ToolCallPart("1", "f", "{}")))


def chunk(delta: object = None, finish: str | None = None, **fields: object) -> object:
    choices = [] if delta is None and finish is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c1", "model": "m1", "choices": choices, **fields}


def events_of(*chunks: object, done: bool = True) -> list[StreamEvent]:
    lines = [f"data: {item if isinstance(item, str) else json.dumps(item)}\n\n" for item in chunks]
    return decode(StreamDecoder(), [("".join(lines) + ("data: [DONE]\n\n" if done else "")).encode()])


def message_of(*chunks: object, done: bool = True) -> MessageFold:
    return fold(events_of(*chunks, done=done))


def failure(events: list[StreamEvent]) -> RouterError:
    assert isinstance(events[-1], Failed)
    return events[-1].error


def test_encodes_a_conversation() -> None:
    request = ChatRequest(
        "alias", (user("Hi"), assistant("Hello"), user("Bye")), system="Be brief.", temperature=0.5, max_tokens=9
    )
    assert encode_request(request, "m1") == {
        "model": "m1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Bye"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
    }


def test_says_nothing_that_was_not_asked() -> None:
    assert encode_request(ChatRequest("x", (user("Hi"),), system=" "), "m1").keys() == {
        "model",
        "messages",
        "stream",
        "stream_options",
    }


def test_roles_alternate_where_an_answer_is_missing() -> None:
    request = ChatRequest("x", (user("1"), assistant(""), user("2"), assistant("a"), assistant("b"), user("\n")))
    assert encode_request(request, "m1")["messages"] == [
        {"role": "user", "content": "1\n\n2"},
        {"role": "assistant", "content": "a\n\nb"},
    ]


def test_quirks_and_extras() -> None:
    quirks = ChatQuirks(
        system_role="developer",
        max_tokens_field="max_completion_tokens",
        reasoning_field="reasoning",
        include_usage=False,
        extra={"return_progress": True, "top_k": 1},
    )
    extras = {"openai_chat": {"top_k": 2}, "anthropic_messages": {"top_k": 3}}
    request = ChatRequest("x", (user("Hi"),), system="s", reasoning="low", max_tokens=5, extras=extras)
    assert encode_request(request, "m1", quirks=quirks) == {
        "model": "m1",
        "messages": [{"role": "developer", "content": "s"}, {"role": "user", "content": "Hi"}],
        "stream": True,
        "max_completion_tokens": 5,
        "reasoning": {"effort": "low"},
        "return_progress": True,
        "top_k": 2,
    }
    assert encode_request(request, "m1")["reasoning_effort"] == "low"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_by_any_name(field: str) -> None:
    assert events_of(chunk({field: "hm", "content": "ok"}), chunk({}, "stop")) == [
        Started("c1", "m1"),
        ReasoningDelta("hm"),
        TextDelta("ok"),
        Finished("stop"),
    ]


def test_reasoning_told_twice_is_heard_once() -> None:
    events = events_of(chunk({"reasoning": "hm", "reasoning_content": "hm", "reasoning_details": [{"text": "hm"}]}))
    assert events.count(ReasoningDelta("hm")) == 1


def test_the_second_choice_is_not_heard() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}], "model": "m1"}
    message = message_of(chunk({"content": "yes"}), other, chunk({}, "stop"), other)
    assert (message.parts, message.finish_reason) == ((TextPart("yes"),), "stop")


def test_whole_tool_calls_without_a_number() -> None:
    calls = [{"id": f"c{n}", "function": {"name": "f", "arguments": {"n": n}}} for n in (1, 2)]
    message = message_of(chunk({"tool_calls": calls}), chunk({"tool_calls": [{**calls[0], "id": ""}]}))
    assert message.parts == (
        ToolCallPart("c1", "f", '{"n":1}'),
        ToolCallPart("c2", "f", '{"n":2}'),
        ToolCallPart("", "f", '{"n":1}'),
    )
    assert message.finish_reason == "tool_calls"


def test_tool_calls_that_are_all_number_0_are_told_apart_by_id() -> None:
    calls = [{"index": 0, "id": f"c{n}", "function": {"name": "f", "arguments": "{}"}} for n in (1, 2)]
    message = message_of(*(chunk({"tool_calls": [call]}) for call in calls))
    assert message.parts == (ToolCallPart("c1", "f", "{}"), ToolCallPart("c2", "f", "{}"))


def test_fragments_that_repeat_id_and_name_are_one_call() -> None:
    pieces = [{"index": 3, "id": "c1", "function": {"name": "f", "arguments": piece}} for piece in ("{", "}")]
    events = events_of(*(chunk({"tool_calls": [piece]}) for piece in pieces))
    assert [event.index for event in events if isinstance(event, ToolCallDelta)] == [0, 0]


def test_progress_of_llama_cpp_is_no_content() -> None:
    progress = {"total": 100, "cache": 0, "processed": 50, "time_ms": 12}
    events = events_of(chunk({"role": "assistant", "content": None}, prompt_progress=progress), chunk({}, "stop"))
    assert events == [Started("c1", "m1"), Finished("stop")]


def test_the_end_of_the_body_is_the_end_once_a_finish_reason_was_seen() -> None:
    assert message_of(chunk({"content": "a"}, "stop"), done=False).finish_reason == "stop"
    assert message_of(chunk({"content": "a"}, "stop"), '{"usage": {"prompt_tok', done=False).finish_reason == "stop"


def test_a_finish_reason_stands_though_a_later_chunk_has_none() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert message_of(chunk({"content": "a"}, "length"), chunk({"content": ""}, usage=usage)).finish_reason == "length"


@pytest.mark.parametrize("last", [None, '{"choices": [{"del', "null", "[]", "nonsense"])
def test_a_cut_stream_fails_and_keeps_its_text(last: str | None) -> None:
    events = events_of(chunk({"content": "half"}), *([last] if last else []), done=False)
    assert type(failure(events)) is UpstreamFailed
    assert fold(events).parts == (TextPart("half"),)


@pytest.mark.parametrize("done", [True, False])
def test_a_stream_with_nothing_in_it_fails(done: bool) -> None:
    assert type(failure(events_of(done=done))) is UpstreamFailed


def test_nothing_comes_after_the_end() -> None:
    decoder = StreamDecoder()
    events = decode(decoder, [b'data: {"model":"m","choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'])
    assert events == [Started(None, "m"), TextDelta("a"), Finished("stop")]
    assert decoder.close() == []


@pytest.mark.parametrize(
    ("reason", "expected"), [("error", UpstreamFailed), ("insufficient_system_resource", UpstreamOverloaded)]
)
def test_finish_reasons_that_are_failures(reason: str, expected: type[RouterError]) -> None:
    assert type(failure(events_of(chunk({"content": "a"}), chunk({}, reason)))) is expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("length", "length"), ("function_call", "tool_calls"), ("content_filter", "content_filter"), ("eos", "stop")],
)
def test_finish_reasons(reason: str, expected: str) -> None:
    assert message_of(chunk({"content": "a"}, reason)).finish_reason == expected


@pytest.mark.parametrize(
    "line",
    [
        'data: {"error": {"message": "boom", "code": 502}}',
        'event: error\ndata: {"message": "boom"}',
        'data: {"object": "error", "message": "boom", "code": 500}',
    ],
)
def test_an_error_in_the_stream_is_its_end(line: str) -> None:
    events = decode(StreamDecoder(), [f"{line}\n\ndata: [DONE]\n\n".encode()])
    assert len(events) == 1
    assert type(failure(events)) is UpstreamFailed
    assert "boom" in failure(events).message


def test_a_model_s_name_has_an_end() -> None:
    assert events_of(chunk({"content": "a"}, "stop", model="m" * 1_000_000))[0] == Started("c1", "m" * 200)
