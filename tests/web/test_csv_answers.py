"""Rows as CSV: what a reader of RFC 4180 gets back is what was there, and no cell is a formula."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.web.csv_answers import csv_lines

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


@given(rows=st.lists(st.lists(words, min_size=2, max_size=3), max_size=5))
def test_what_is_written_is_read_again(rows: list[list[str]]) -> None:
    written = csv_lines(rows).decode()
    found = list(csv.reader(io.StringIO(written, newline="")))
    assert [[cell.removeprefix("'") for cell in row] for row in found] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=HYPERLINK("x")'])
def test_no_text_is_a_formula(text: str) -> None:
    ((found,),) = csv.reader(io.StringIO(csv_lines([[text]]).decode(), newline=""))
    assert found == f"'{text}"


def test_values_are_written_plainly() -> None:
    row = [None, True, False, 7, -3, 0.25, Decimal("1E-9"), Decimal("1E+2"), Decimal("0"), 'say "a, b"']
    assert csv_lines([row]) == b',true,false,7,-3,0.25,0.000000001,100,0,"say ""a, b"""\r\n'
