"""Counts that repeat and grow, and money between dollars and nano-dollars."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.usage import Usage, dollars, estimate_tokens, nanousd

counts = st.none() | st.integers(0, 10**9)
usages = st.builds(Usage, counts, counts, counts, counts, counts, st.none() | st.decimals(0, 10, places=9))


@given(usages, usages)
def test_a_later_report_replaces_what_it_knows_and_nothing_else(earlier: Usage, later: Usage) -> None:
    merged = earlier.merged(later)
    for name in Usage.__dataclass_fields__:
        known = getattr(later, name)
        assert getattr(merged, name) == (getattr(earlier, name) if known is None else known)


@given(usages)
def test_a_report_that_repeats_changes_nothing(usage: Usage) -> None:
    assert usage.merged(usage) == usage.merged(Usage()) == Usage().merged(usage) == usage


def test_zero_is_known() -> None:
    assert Usage(tokens_output=5).merged(Usage(tokens_output=0)).tokens_output == 0


@given(st.integers(-(10**18), 10**18))
def test_money_comes_back_exactly(amount: int) -> None:
    there = dollars(amount)
    assert there is not None
    assert nanousd(there) == amount


@pytest.mark.parametrize(("amount", "expected"), [("0.0000000005", 0), ("0.0000000015", 2), ("0.00079", 790_000)])
def test_a_half_nano_dollar_goes_to_the_even_one(amount: str, expected: int) -> None:
    assert nanousd(Decimal(amount)) == expected


def test_unknown_money_stays_unknown() -> None:
    assert dollars(None) is None


@pytest.mark.parametrize(("length", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (4000, 1000)])
def test_an_estimate_rounds_up_and_nothing_is_nothing(length: int, tokens: int) -> None:
    assert estimate_tokens(length) == tokens
