"""Lists of any length in one statement. SQLite takes some thousand parameters and no more; a list is one of them."""

from collections.abc import Iterable

import orjson
from sqlalchemy import BindParameter, ColumnElement, Text, func, literal


def listed(values: Iterable[str]) -> str:
    """A list as the parameter that `is_listed` takes."""
    return orjson.dumps(list(values)).decode()


def is_listed(column: ColumnElement[str], parameter: BindParameter[str]) -> ColumnElement[bool]:
    """Whether the column's value is in the list that `parameter` will hold."""
    return column.in_(func.json_each(parameter).table_valued("value").select())


def is_one_of(column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    return is_listed(column, literal(listed(values), Text))
