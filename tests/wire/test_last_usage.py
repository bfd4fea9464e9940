"""A stream's usage is the last one it sent and never a sum, however often it is repeated, wherever it is cut."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_router.domain.events import UsageReported
from llm_router.domain.usage import Usage
from llm_router.wire import openai_chat
from tests.recordings import Recording, needs_recordings, recording
from tests.wire.expected_bills import BILLS
from tests.wire.streams import DECODERS, cut, decode, fold

STREAMS = [bill.recording for bill in BILLS if bill.kind in ("stream", "failed") and bill.counts]

bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def blocks(recorded: Recording) -> list[bytes]:
    """The events of a stream, each with its blank line."""
    separator = b"\r\n\r\n" if b"\r\n\r\n" in recorded.body else b"\n\n"
    return [block + separator for block in recorded.body.split(separator) if block.strip()]


def usage_of(recorded: Recording, body: bytes, places: list[int]) -> Usage | None:
    return fold(decode(DECODERS[recorded.endpoint](), cut(body, places))).usage


def repeated(block: bytes, times: int) -> bytes:
    """`block`, and what it says of usage some times more."""
    if b'"usage"' not in block or b"[DONE]" in block:
        return block
    line = next(line for line in block.splitlines() if line.startswith(b"data:"))
    document = json.loads(line.removeprefix(b"data:"))
    if "choices" in document:
        document["choices"] = []  # only usage is said again
    return block + b"data: %b\n\n" % json.dumps(document).encode() * times


@needs_recordings
@bounded
@given(st.sampled_from(STREAMS), st.integers(1, 3), st.lists(st.integers(0, 100_000), max_size=8))
def test_repeats_add_nothing(name: str, times: int, places: list[int]) -> None:
    recorded = recording(name)
    body = b"".join(repeated(block, times) for block in blocks(recorded))
    assert usage_of(recorded, body, places) == usage_of(recorded, recorded.body, [])


@needs_recordings
@bounded
@given(st.sampled_from(STREAMS), st.integers(0, 100_000))
def test_a_stream_that_breaks_off_has_counted_no_more_than_the_whole(name: str, place: int) -> None:
    recorded = recording(name)
    whole = usage_of(recorded, recorded.body, [])
    part = usage_of(recorded, recorded.body[: place % (len(recorded.body) + 1)], [])
    if part is None:
        return
    assert whole is not None
    for count, of_whole in zip(part.counts().values(), whole.counts().values(), strict=True):
        assert count is None or count <= (of_whole or 0)


TOKENS = st.integers(0, 10_000)


@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=6), st.lists(st.integers(0, 10_000), max_size=6))
def test_whatever_came_before_the_last_one_counts(sent: list[tuple[int, int]], places: list[int]) -> None:
    def chunk(prompt: int, completion: int) -> dict[str, Any]:
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        return {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "a"}}], "usage": usage}

    lines = [b"data: %b\n\n" % json.dumps(chunk(*tokens)).encode() for tokens in sent]
    events = decode(openai_chat.StreamDecoder(), cut(b"".join([*lines, b"data: [DONE]\n\n"]), places))
    usage = fold(events).usage
    assert usage is not None
    assert (usage.tokens_input, usage.tokens_output) == sent[-1]
    # One that says nothing new is not passed on.
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    assert all(one != other for one, other in pairwise(reports))
