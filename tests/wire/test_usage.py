"""One meaning for every vendor's counts. The numbers are recorded ones; see QUIRKS.md beside the recordings."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.wire.openai_usage import openai_usage, reported_cost


def counts(raw: dict[str, Any], has_answer: bool = True) -> tuple[int | None, ...]:
    usage = openai_usage(raw, "openai_chat", has_answer=has_answer)
    return (
        usage.tokens_input,
        usage.tokens_output,
        usage.tokens_cache_read,
        usage.tokens_cache_write,
        usage.tokens_reasoning,
    )


def raw(prompt: int, completion: int, total: int, reasoning: int | None = None, **fields: Any) -> dict[str, Any]:
    details = {} if reasoning is None else {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, **details, **fields}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(raw(13, 50, 63, 50), (13, 50, None, None, 50), id="OpenAI: reasoning is inside"),
        pytest.param(raw(213, 2, 413, 198), (213, 200, None, None, 198), id="xAI: outside, and in the total"),
        pytest.param(raw(100, 50, 170, 20), (100, 70, None, None, 20), id="xAI: however little"),
        pytest.param(raw(35, 12, 109), (35, 74, None, None, 62), id="Gemini: only in the total"),
        pytest.param(raw(9, 2, 11, 25), (9, 27, None, None, 25), id="Vercel: outside, and not in the total"),
        pytest.param(
            raw(10, 213, 223, 0, prompt_tokens_details={"cached_tokens": 161}),
            (171, 213, 161, None, 0),
            id="Grok at Azure: more cached than prompt",
        ),
        pytest.param(
            raw(451, 21, 472, prompt_cache_hit_tokens=384, prompt_cache_miss_tokens=67),
            (451, 21, 384, None, None),
            id="DeepSeek's own words",
        ),
        pytest.param(raw(41, 15, 56, cached_tokens=7), (41, 15, 7, None, None), id="Together: cached at the top"),
        pytest.param(
            raw(2572, 63, 2635, 0, prompt_tokens_details={"cached_tokens": 0, "cache_write_tokens": 2569}),
            (2572, 63, 0, 2569, 0),
            id="cache writes are inside",
        ),
        pytest.param(
            raw(1, 2, 3, prompt_tokens_details=None, completion_tokens_details=None),
            (1, 2, None, None, None),
            id="nulls",
        ),
        pytest.param(raw(9, 0, 9, 25), (9, 25, None, None, 25), id="Vercel: nothing but reasoning"),
        pytest.param({"prompt_tokens": 2, "total_tokens": 2}, (2, 0, None, None, None), id="embeddings"),
        pytest.param({}, (None, None, None, None, None), id="unknown is not zero"),
        pytest.param({"prompt_tokens": 5}, (5, None, None, None, None), id="half known"),
        pytest.param({"prompt_tokens": "5", "completion_tokens": -1}, (None, None, None, None, None), id="nonsense"),
        pytest.param({"prompt_tokens": 5.0, "completion_tokens": True}, (5, None, None, None, None), id="floats"),
    ],
)
def test_counts(usage: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    assert counts(usage) == expected


def test_reasoning_beyond_the_completion_is_a_miscount_where_nothing_else_came() -> None:
    """OpenRouter: 11 of 10, at a limit of 10."""
    assert counts(raw(43, 10, 53, 11), has_answer=False) == (43, 10, None, None, 10)
    assert counts(raw(43, 10, 64, 11), has_answer=False) == (43, 21, None, None, 11)  # the total says otherwise


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, None),
        ({"cost": None}, None),
        ({"cost": 0}, "0"),
        ({"cost": 4.025e-05, "is_byok": False, "cost_details": {"upstream_inference_cost": 4.025e-05}}, "0.00004025"),
        ({"cost": 0.0160614, "cost_details": {"upstream_inference_cost": 0.0001764}}, "0.0160614"),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.00417}}, "0.00417"),
        ({"cost": 0.0002, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.004}}, "0.0042"),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": {"total_cost": 0.00501, "request_cost": 0.005}}, "0.00501"),
        ({"cost": {"total_cost": 0, "input_tokens_cost": 0}}, None),
        ({"cost_in_usd_ticks": 3080400}, "0.00030804"),
        ({"cost_in_usd_ticks": 50_000_000_000}, "5"),
        ({"cost": 10_000}, "10000"),
        ({"cost": 10_000.01}, None),
        ({"cost_in_usd_ticks": 10_000 * 10**10 + 1}, None),
        ({"cost": True}, None),
        ({"cost": "nan"}, None),
        # No call gives money back, and none costs a house: what says so knows nothing.
        ({"cost": -5}, None),
        ({"cost": 9e9}, None),
        ({"cost": "1e999990"}, None),
        ({"cost_in_usd_ticks": "1e999999999999"}, None),
        ({"cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": -5}}, "0.1"),
    ],
)
def test_costs(usage: dict[str, Any], expected: str | None) -> None:
    assert reported_cost(usage) == (None if expected is None else Decimal(expected))


COUNT = st.none() | st.integers(0, 10_000)


@given(st.tuples(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT), st.booleans())
def test_the_parts_never_exceed_the_whole(numbers: tuple[int | None, ...], has_answer: bool) -> None:
    prompt, completion, total, reasoning, read, written = numbers
    usage = openai_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        },
        "openai_chat",
        has_answer=has_answer,
    )
    if usage.tokens_input is not None:
        assert (usage.tokens_cache_read or 0) + (usage.tokens_cache_write or 0) <= usage.tokens_input
    if usage.tokens_output is not None:
        assert (usage.tokens_reasoning or 0) <= usage.tokens_output
