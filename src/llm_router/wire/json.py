"""Reads JSON that others wrote, one suspicious value at a time. Knows no dialect.

Vendors leave fields out, send null where a list belongs and numbers where a word belongs. Each function here
answers with the wanted type or with nothing, so that a codec says what it wants and never checks twice.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

_LONE_SURROGATE = re.compile(
    r"""(?xi)
    \\ud[89ab][0-9a-f]{2} (?! \\ud[c-f][0-9a-f]{2} )
    | (?<! \\ud[89ab][0-9a-f]{2} ) \\ud[c-f][0-9a-f]{2}
    """
)


MAX_COUNT = 10**9
"""No call takes more tokens: a thousand of the longest prompts there are. Without a bound one slip of a vendor would
cost more than money can be counted in, and drown every sum it is a part of."""


def read_json(data: str | bytes) -> Any:
    """The value, None where it is not JSON. Half an emoji, which a server that cuts text by tokens may send, is `�`."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    source = data if isinstance(data, str) else data.decode("utf-8", "replace")
    try:
        return orjson.loads(_LONE_SURROGATE.sub(r"\\ufffd", source))
    except orjson.JSONDecodeError:
        return None


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list; whatever else is in it is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def count(value: Any, most: int = MAX_COUNT) -> int | None:
    """A number of things. Some write `12.0`; what no counter can have counted is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or value % 1:
        return None
    return int(value)


MAX_DOLLARS = 10_000
"""No call costs more: a million tokens at the dearest rates there are come to some hundred. What a provider says beyond
that is a slip of a unit, and is not believed. Nor would the arithmetic come to an end with `1e999999`, a number too."""


def amount(value: Any) -> Decimal | None:
    """A sum of dollars, as a number or as digits in a string; what nobody can have charged is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() and 0 <= number <= MAX_DOLLARS else None
