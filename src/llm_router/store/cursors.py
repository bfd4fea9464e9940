"""Cursors of lists that are ordered by a moment and an id: the place of the last row seen.

They hold whatever is added to the list meanwhile.
"""

import base64
import binascii

from llm_router.domain.errors import InvalidRequest

_MAX_INTEGER = 2**63 - 1
"""The largest that SQLite takes."""


def cursor_at(moment: int, row_id: str) -> str:
    return base64.urlsafe_b64encode(f"{moment}.{row_id}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> tuple[int, str]:
    """`(moment, row id)`. Raises InvalidRequest."""
    try:
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        written, _, row_id = decoded.partition(".")
        moment = int(written)
    except (binascii.Error, ValueError):
        moment, row_id = -1, ""
    if not 0 <= moment <= _MAX_INTEGER:
        raise InvalidRequest("The cursor is not one that this list gave out.")
    return moment, row_id
