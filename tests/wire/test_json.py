import pytest

from llm_router.wire.json import count, read_json


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r'{"text":"\ud83d\ude00"}', "😀"),
        (r'{"text":"a\ud83d"}', "a\ufffd"),
        (r'{"text":"\ude00b"}', "\ufffdb"),
        (r'{"text":"\ud83d\ud83d\ude00"}', "\ufffd😀"),
        (r'{"text":"\uD83D"}', "\ufffd"),
    ],
)
def test_half_a_character_does_not_cost_the_answer(source: str, expected: str) -> None:
    assert read_json(source) == {"text": expected}
    assert read_json(source.encode()) == {"text": expected}


@pytest.mark.parametrize("source", ["", "{", '{"text":"', "data", b"\xff"])
def test_what_is_no_json_is_nothing(source: str | bytes) -> None:
    assert read_json(source) is None


def test_what_nobody_can_have_counted_is_no_count() -> None:
    assert [count(value) for value in (0, 12.0, 10**9)] == [0, 12, 10**9]
    assert [count(value) for value in (-1, 1.5, True, "7", None, 10**9 + 1, 2**53, 1e300, float("nan"))] == [None] * 9
