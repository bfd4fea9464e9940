"""Counts and money as a terminal shows them."""

from decimal import Decimal

import pytest

from llm_router.commands.text import amount, percent, table


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (None, "$?"),
        (Decimal(0), "$0.0000"),
        (Decimal("0.000000001"), "$0.000000001"),
        (Decimal("1E-7"), "$0.0000001"),
        (Decimal("1234.5"), "$1,234.5000"),
        (Decimal("-0.25"), "-$0.2500"),
    ],
)
def test_money_is_shown_to_its_last_digit_and_unknown_is_not_zero(dollars: Decimal | None, shown: str) -> None:
    assert amount(dollars) == shown


def test_a_difference_has_its_sign() -> None:
    assert [amount(Decimal(each), signed=True) for each in ("0.1", "-0.1", "0")] == ["+$0.1000", "-$0.1000", "$0.0000"]
    assert [percent(each) for each in (Decimal("1.005"), Decimal(-2), None)] == ["+1.00", "-2.00", "?"]


def test_columns_are_as_wide_as_their_widest_cell_and_a_text_is_in_no_column() -> None:
    rows = [["gpt-5", "1,000"], "    - a long remark that belongs to the row above", ["o3", "7"]]
    assert table(["model", "calls"], rows).splitlines() == [
        "model  calls",
        "gpt-5  1,000",
        "    - a long remark that belongs to the row above",
        "o3         7",
    ]
