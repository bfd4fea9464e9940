"""Identifiers: UUIDv7, unique, and sorted by when they were made."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from llm_router.domain.ids import new_id

MANY = 20_000


def test_they_sort_by_the_order_they_were_made_in() -> None:
    ids = [new_id() for _ in range(MANY)]
    assert ids == sorted(ids)


def test_they_are_unique_across_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: new_id(), range(MANY)))
    assert len(set(ids)) == MANY


def test_they_are_uuids_of_version_7_that_hold_the_time() -> None:
    before = time.time_ns() // 1_000_000
    for _ in range(100):
        text = new_id()
        parsed = uuid.UUID(text)
        assert str(parsed) == text
        assert parsed.variant == uuid.RFC_4122
        assert parsed.version == 7
        assert before <= parsed.int >> 80 <= time.time_ns() // 1_000_000


def test_the_rest_is_random() -> None:
    """Each of the 62 bits is seen as 0 and as 1."""
    ones = zeros = 0
    for _ in range(200):
        bits = uuid.UUID(new_id()).int & ((1 << 62) - 1)
        ones, zeros = ones | bits, zeros | ~bits
    assert ones == (1 << 62) - 1
    assert zeros & ones == ones
