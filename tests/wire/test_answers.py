"""An answer in one piece means what its stream would have meant."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_router.domain.errors import UpstreamError, UpstreamFailed
from llm_router.domain.events import Failed, Finished, Started, UsageReported
from llm_router.domain.messages import Part, ReasoningPart, ToolCallPart, reasoning_of, text_of
from llm_router.wire import anthropic_messages, openai_chat, openai_responses
from llm_router.wire.json import mapping, read_json
from tests.recordings import needs_recordings, recording, recordings
from tests.wire.expected_answers import ANSWERS, Answer
from tests.wire.streams import DECODERS, decode, fold

each_answer = pytest.mark.parametrize("expected", ANSWERS, ids=[answer.recording for answer in ANSWERS])

DECODE = {
    "chat-completions": openai_chat.decode_answer,
    "messages": anthropic_messages.decode_answer,
    "responses": openai_responses.decode_answer,
    "responses-retrieve": openai_responses.decode_answer,
}


@needs_recordings
@each_answer
def test_says_what_it_says(expected: Answer) -> None:
    recorded = recording(expected.recording)
    message = fold(DECODE[recorded.endpoint](recorded.body))
    assert expected == Answer(
        expected.recording,
        message.response_model or "",
        str(message.finish_reason),
        len(text_of(message.parts)),
        len(reasoning_of(message.parts)),
        tuple(part.name for part in message.parts if isinstance(part, ToolCallPart)),
    )
    assert message.usage is not None


@needs_recordings
@each_answer
def test_has_the_order_of_a_stream(expected: Answer) -> None:
    recorded = recording(expected.recording)
    first, *content, usage, last = DECODE[recorded.endpoint](recorded.body)
    assert isinstance(first, Started)
    assert isinstance(usage, UsageReported)
    assert isinstance(last, Finished)
    assert not any(isinstance(event, Started | UsageReported | Finished | Failed) for event in content)


@needs_recordings
def test_no_recorded_answer_is_left_out() -> None:
    whole = {
        each.name for each in recordings() if each.status == 200 and not each.is_stream and each.endpoint in DECODE
    }
    assert whole == {answer.recording for answer in ANSWERS}


def responses_in_streams() -> list[tuple[str, dict[str, Any]]]:
    """A Responses stream repeats the whole response in its last event, as it would have been without the stream."""
    found = []
    for recorded in recordings():
        if recorded.is_stream and recorded.endpoint in ("responses", "responses-retrieve"):
            *_, last = (line for line in recorded.body.split(b"\n") if line.startswith(b"data: {"))
            found.append((recorded.name, json.loads(last[5:])["response"]))
    return found


def said(parts: Sequence[Part]) -> list[object]:
    """Encrypted reasoning is encrypted anew each time it is sent."""
    return [replace(part, provider_metadata=None) if isinstance(part, ReasoningPart) else part for part in parts]


@needs_recordings
@pytest.mark.parametrize(("name", "response"), responses_in_streams(), ids=[name for name, _ in responses_in_streams()])
def test_a_response_in_one_piece_is_its_stream(name: str, response: dict[str, Any]) -> None:
    streamed = fold(decode(DECODERS["responses"](), [recording(name).body]))
    whole = fold(openai_responses.decode_answer(json.dumps(response).encode()))
    assert said(whole.parts) == said(streamed.parts)
    assert whole.usage == streamed.usage
    assert (whole.finish_reason, whole.response_model) == (streamed.finish_reason, streamed.response_model)
    assert type(whole.error) is type(streamed.error)


@needs_recordings
def test_a_filtered_answer_without_a_message_is_still_counted() -> None:
    answer = fold(
        openai_chat.decode_answer(
            recording("azure/chat-completions/azure-content-filter-finish-openllmetry-testing").body
        )
    )
    assert answer.parts == ()
    assert answer.usage is not None
    assert (answer.usage.tokens_input, answer.usage.tokens_output) == (15, 19)


@needs_recordings
def test_padding_before_the_json_is_no_part_of_it() -> None:
    body = recording("openrouter/chat-completions/openrouter-cost-o1").body
    assert body.startswith(b"\n")
    assert text_of(fold(openai_chat.decode_answer(body)).parts)


@needs_recordings
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("anthropic/messages/messages-thinking-claude-sonnet-5", "signature"),
        ("anthropic/messages/redacted-thinking-block-claude-sonnet-4-5-2025", "redacted_data"),
        ("openai/responses/image-generation-call-item-in-responses-gpt-5", "encrypted_content"),
    ],
)
def test_what_must_go_back_with_reasoning_is_kept_beside_it(name: str, field: str) -> None:
    recorded = recording(name)
    [part] = [part for part in fold(DECODE[recorded.endpoint](recorded.body)).parts if isinstance(part, ReasoningPart)]
    [kept] = (part.provider_metadata or {}).values()
    assert kept[field].encode() in recorded.body


@pytest.mark.parametrize("dialect", [openai_chat, openai_responses, anthropic_messages])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"answer"',
        b'{"choices": []}',
        b'{"choices": [{"message": {}}]}',
        b'{"choices": "none", "output": "none", "type": "error"}',
        b'{"error": {"message": "no"}}',
        b'{"object": "list", "data": []}',
        b'{"message": "Hello"}',
    ],
)
def test_what_is_no_answer_gives_nothing(dialect: Any, body: bytes) -> None:
    assert dialect.decode_answer(body) == []


JUNK = st.sampled_from([None, True, 0, -1, 1.5, "", "word", [], ["word", None], {}, {"type": "text", "text": 7}])


@needs_recordings
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expected=st.sampled_from(ANSWERS), choose=st.data(), junk=JUNK)
def test_a_value_of_another_type_breaks_nothing(expected: Answer, choose: st.DataObject, junk: object) -> None:
    recorded = recording(expected.recording)
    answer = json.loads(recorded.body)
    place, key = choose.draw(st.sampled_from(list(places(answer))))
    place[key] = junk
    events = DECODE[recorded.endpoint](json.dumps(answer).encode())
    assert not events or isinstance(events[-1], Finished | Failed)
    assert [isinstance(event, Finished | Failed) for event in events].count(True) == bool(events)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value, with each of its keys."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def test_a_cut_answer_is_none() -> None:
    body = json.dumps({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}).encode()
    assert [openai_chat.decode_answer(body[:end]) for end in range(len(body))] == [[]] * len(body)


def test_an_answer_that_failed_keeps_what_it_took() -> None:
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    failed = {"status": "failed", "output": [], "usage": usage, "error": {"code": "server_error", "message": "Sorry"}}
    message = fold(openai_responses.decode_answer(json.dumps(failed).encode()))
    assert isinstance(message.error, UpstreamError)
    assert "Sorry" in message.error.message
    assert message.usage is not None
    assert message.usage.tokens_output == 2


def test_an_error_beside_a_choice_is_an_error() -> None:
    body = {
        "choices": [{"message": {"content": "I had"}, "finish_reason": "length"}],
        "error": {"code": 400, "message": "Token limit reached"},
        "usage": {"prompt_tokens": 43, "completion_tokens": 10, "total_tokens": 53, "cost": 0},
    }
    events = openai_chat.decode_answer(json.dumps(body).encode())
    assert isinstance(events[-1], Failed)
    message = fold(events)
    assert (text_of(message.parts), message.usage is not None) == ("I had", True)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_that_is_not_made_yet_is_no_answer(status: str) -> None:
    [_, end] = openai_responses.decode_answer(json.dumps({"id": "r", "status": status, "output": []}).encode())
    assert isinstance(end, Failed)
    assert isinstance(end.error, UpstreamFailed)


def test_only_the_first_choice_is_heard_and_only_its_message() -> None:
    body = {
        "choices": [
            {"index": 0, "message": {"content": "whole"}, "delta": {"content": "piece"}, "finish_reason": "stop"},
            {"index": 1, "message": {"content": "second"}, "finish_reason": "stop"},
        ]
    }
    assert text_of(fold(openai_chat.decode_answer(json.dumps(body).encode())).parts) == "whole"


@needs_recordings
def test_a_stream_whose_chunks_carry_the_whole_message_too_is_heard_once() -> None:
    """As Perplexity's do."""
    recorded = recording("perplexity/chat-completions/usage-on-every-chunk-growing-crlf-no-done-sonar")
    *_, last = (line for line in recorded.body.split(b"\r\n") if line.startswith(b"data: {"))
    whole = mapping(mapping(read_json(last[5:]))["choices"][0])["message"]["content"]
    assert text_of(fold(decode(DECODERS["chat-completions"](), [recorded.body])).parts) == whole
