"""Titles, and messages and conversations as the API shows them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.conversations import (
    MAX_TITLE_LENGTH,
    Conversation,
    Message,
    shown_cost,
    shown_dollars,
    shown_time,
    title_from,
)
from llm_router.domain.messages import (
    ImagePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    parts_from_json,
    parts_to_json,
    reasoning_of,
    text_of,
)

metadata = st.none() | st.dictionaries(st.text(), st.text(), min_size=1)
parts = st.lists(
    st.one_of(
        st.builds(TextPart, st.text(), metadata),
        st.builds(ReasoningPart, st.text(), metadata),
        st.builds(ToolCallPart, st.text(), st.text(), st.text(), metadata),
        st.builds(ImagePart, st.text(), st.text()),
    )
)


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Hello", "Hello"),
        ("  two\n\n lines\tof it ", "two lines of it"),
        ("", "untitled"),
        (" \n", "untitled"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("word " * 20, "word word word word word word word word word word word…"),
        ("0123456789 " * 4 + "0123456789, eleven", "0123456789 " * 4 + "0123456789…"),
        ("a " + "x" * 80, "a " + "x" * 57 + "…"),  # one word left would be no title
    ],
)
def test_a_title_is_the_first_words(prompt: str, title: str) -> None:
    assert title_from(prompt) == title


@given(st.text())
def test_a_title_is_one_short_line(prompt: str) -> None:
    title = title_from(prompt)
    assert 0 < len(title) <= MAX_TITLE_LENGTH
    assert title == " ".join(title.split())


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_is_shown_to_the_millisecond_in_utc(milliseconds: int) -> None:
    shown = shown_time(milliseconds)
    assert len(shown) == len("2026-11-24T19:42:37.123Z")
    assert round(datetime.fromisoformat(shown).astimezone(UTC).timestamp() * 1000) == milliseconds


def test_unknown_money_is_not_zero() -> None:
    assert shown_dollars(None) is None
    assert shown_dollars(0) == 0.0
    assert shown_dollars(1) == 1e-9
    assert shown_dollars(999_999_123_456_789) == 999999.123456789
    assert shown_cost(None, "unpriced") == {"cost": None, "cost_status": "unpriced"}


@given(parts)
def test_parts_come_back_from_json(parts: list[Part]) -> None:
    assert parts_from_json(parts_to_json(parts)) == tuple(parts)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown part type 'video'"):
        parts_from_json([{"type": "video"}])


def test_a_message_is_shown_without_what_is_for_the_provider_only() -> None:
    said: tuple[Part, ...] = (
        ReasoningPart("think", {"anthropic_messages": {"signature": "s"}}),
        TextPart("a"),
        ImagePart("i1", "image/png"),
        TextPart("b"),
    )
    message = Message("m", "c", None, "assistant", text_of(said), said, "complete", 1_700_000_000_001)
    shown = message.as_dict()
    assert shown["parts"] == [
        {"type": "reasoning", "text": "think"},
        {"type": "text", "text": "a"},
        {"type": "image", "image_id": "i1", "media_type": "image/png", "url": "/api/images/i1"},
        {"type": "text", "text": "b"},
    ]
    assert (shown["content"], reasoning_of(said)) == ("ab", "think")
    assert (shown["cost"], shown["tokens_input"], shown["created_at"]) == (None, None, "2023-11-14T22:13:20.001Z")
    assert message.parts == said  # showing took nothing away
    assert message.as_chat_message().parts == said


def test_a_message_of_one_text_is_shown_with_it_once() -> None:
    def shown(content: str, *parts: Part) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = Message("m", "c", None, "user", content, parts, "complete", 1).as_dict()["parts"]
        return found

    assert shown("a", TextPart("a")) == shown("") == []
    assert shown("a", TextPart("a", {"openai_responses": {"id": "x"}})) == []
    assert shown("ab", TextPart("a"), TextPart("b")) == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert shown("", ReasoningPart("hm")) == [{"type": "reasoning", "text": "hm"}]


def test_a_conversation_is_shown() -> None:
    assert Conversation("c", "t", 0, 1, cost_nanousd=1_500_000_000).as_dict() == {
        "id": "c",
        "title": "t",
        "model": None,
        "system_prompt": None,
        "device_id": None,
        "active_leaf_id": None,
        "created_at": "1970-01-01T00:00:00.000Z",
        "updated_at": "1970-01-01T00:00:00.001Z",
        "cost": 1.5,
        "message_count": 0,
        "is_live": False,
    }


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("## Why the **judge**?", "Why the judge?"),
        ("> quoted\n- first\n- `second`", "quoted first second"),
        ("2 * 3 - 1 # five", "2 * 3 - 1 # five"),
        ("**", "untitled"),
    ],
)
def test_a_title_shows_no_marks(prompt: str, title: str) -> None:
    assert title_from(prompt) == title
