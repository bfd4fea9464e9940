"""Every recorded stream folds to what it says, and does so however its bytes are cut."""

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_router.domain.events import Failed, Finished, Started, StreamEvent
from llm_router.domain.messages import ReasoningPart, ToolCallPart, reasoning_of, text_of
from tests.recordings import has_recordings, needs_recordings, recording, recordings
from tests.wire.expected_streams import EXPECTED, Expected
from tests.wire.streams import DECODERS, cut, decode, fold

pytestmark = needs_recordings

each_stream = pytest.mark.parametrize("expected", EXPECTED, ids=[expected.stream for expected in EXPECTED])


def events_of(stream: str, places: list[int] | None = None) -> list[StreamEvent]:
    recorded = recording(stream)
    return decode(DECODERS[recorded.endpoint](), cut(recorded.body, places or []))


def digest(said: str) -> tuple[int, str] | None:
    return (len(said), hashlib.sha256(said.encode()).hexdigest()[:12]) if said else None


@each_stream
def test_folds_to_what_it_says(expected: Expected) -> None:
    message = fold(events_of(expected.stream))
    calls = [f"{part.name} {part.arguments}" for part in message.parts if isinstance(part, ToolCallPart)]
    lines = digest("\n".join(calls))
    assert (
        Expected(
            expected.stream,
            message.response_model,
            digest(text_of(message.parts)),
            digest(reasoning_of(message.parts)),
            (len(calls), lines[1]) if lines else None,
            type(message.error).__name__ if message.error else str(message.finish_reason),
        )
        == expected
    )


@each_stream
def test_starts_once_and_ends_once_and_last(expected: Expected) -> None:
    events = events_of(expected.stream)
    assert [isinstance(event, Started) for event in events].count(True) == 1
    assert isinstance(events[0], Started)
    assert [isinstance(event, Finished | Failed) for event in events].count(True) == 1
    assert isinstance(events[-1], Finished | Failed)


@each_stream
def test_does_not_care_where_the_bytes_are_cut(expected: Expected) -> None:
    whole = events_of(expected.stream)
    size = len(recording(expected.stream).body)
    in_bytes = events_of(expected.stream, list(range(size)))
    assert comparable(in_bytes) == comparable(whole)


@pytest.mark.skipif(not has_recordings, reason="no recordings")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expected=st.sampled_from(EXPECTED), places=st.lists(st.integers(0, 100_000), max_size=12))
def test_random_cuts_change_nothing(expected: Expected, places: list[int]) -> None:
    assert comparable(events_of(expected.stream, places)) == comparable(events_of(expected.stream))


def comparable(events: list[StreamEvent]) -> list[object]:
    """Errors have no equality of their own."""
    return [event.error.as_dict() if isinstance(event, Failed) else event for event in events]


def test_no_recorded_stream_is_left_out() -> None:
    streams = {recorded.name for recorded in recordings() if recorded.is_stream and recorded.endpoint in DECODERS}
    assert streams == {expected.stream for expected in EXPECTED}


@each_stream
def test_a_stream_cut_before_its_end_says_so_and_keeps_what_came(expected: Expected) -> None:
    """Cut after every event. Nothing but a whole answer may look like one."""
    recorded = recording(expected.stream)
    separator = b"\r\n\r\n" if b"\r\n\r\n" in recorded.body else b"\n\n"
    blocks = recorded.body.split(separator)
    whole = fold(events_of(expected.stream))
    for end in range(len(blocks) - 1):
        events = decode(DECODERS[recorded.endpoint](), [separator.join([*blocks[:end], b""])])
        message = fold(events)
        assert isinstance(events[-1], Finished | Failed)
        assert text_of(whole.parts).startswith(text_of(message.parts))
        if message.error is None:
            assert text_of(message.parts) == text_of(whole.parts)
            assert message.finish_reason == (whole.finish_reason or "length")


@pytest.mark.parametrize(
    ("stream", "field"),
    [
        ("anthropic/messages/messages-stream-thinking-signature-claude-3-7-sonnet-2025", "signature"),
        ("anthropic/messages/stop-reason-refusal-at-the-end-of-a-stream-w-claude-fable-5", "signature"),
        ("openai/responses/responses-stream-reasoning-summary-o4-mini-3", "encrypted_content"),
        ("xai/responses/xai-responses-stream-grok-4-3", "encrypted_content"),
    ],
)
def test_what_must_go_back_with_reasoning_is_kept_beside_it(stream: str, field: str) -> None:
    [part] = [part for part in fold(events_of(stream)).parts if isinstance(part, ReasoningPart)]
    [dialect] = ["anthropic_messages" if stream.startswith("anthropic") else "openai_responses"]
    assert part.text
    assert part.provider_metadata is not None
    kept = part.provider_metadata[dialect][field]
    assert kept.encode() in recording(stream).body
