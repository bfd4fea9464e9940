"""Money between dollars and nano-dollars, and sums of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.usage import Cost, dollars, nanousd, total_cost


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


@pytest.mark.parametrize(
    ("costs", "total"),
    [
        ([], None),
        ([Cost(5, "exact", "v1")], Cost(5, "exact", "v1")),
        ([Cost(3, "estimated", "v1"), Cost(0, "exact"), Cost(4, "exact", "v1")], Cost(7, "estimated", "v1")),
        ([Cost(3, "bounded", "v1"), Cost(None, "unpriced")], Cost(None, "unpriced")),
    ],
)
def test_several_attempts_cost_their_sum_and_are_as_sure_as_the_least(costs: list[Cost], total: Cost | None) -> None:
    assert total_cost(costs) == total
