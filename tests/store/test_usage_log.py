"""The ledger call by call: every call that fits, once, the newest first."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.domain.attempts import Attempt
from llm_router.domain.errors import InvalidRequest
from llm_router.domain.usage import Usage
from llm_router.store.database import Database
from llm_router.store.devices import rename_device, touch_device
from llm_router.store.usage import Origin
from llm_router.store.usage_log import FIELDS, LogPage, Wanted, list_calls
from tests.store.ledgers import MOMENTS, ZONES, Ledger, bill_all, calls, every_call
from tests.store.rows import OWNER, STRANGER, attempt, bill, conversation, keep, message, origin

VALUES = {
    "model": ["gpt-5", "claude", "nobody"],
    "provider": ["openai", "openai_compatible"],
    "device_id": ["phone", "desk"],
    "source": ["web", "cli"],
    "status": ["complete", "error", "cancelled"],
    "cost_status": ["exact", "unpriced", "bounded"],
}
FILTERS = st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 2), max_size=2).map(
    lambda picked: {name: VALUES[name][at % len(VALUES[name])] for name, at in picked.items()}
)


@settings(max_examples=25, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    calls=st.lists(calls, max_size=2).map(lambda lists: [call for each in lists for call in each]),
    only=FILTERS,
    since=st.one_of(st.none(), MOMENTS),
    until=st.one_of(st.none(), MOMENTS),
    limit=st.integers(1, 5),
)
def test_pages_hold_every_call_that_fits(
    ledger: Ledger,
    zone: str,
    calls: list[tuple[Origin, Attempt]],
    only: dict[str, str],
    since: int | None,
    until: int | None,
    limit: int,
) -> None:
    async def work(database: Database) -> None:
        await bill_all(database, calls)
        wanted = Wanted(since, until, only={name: [value] for name, value in only.items()})
        async with database.read() as connection:
            rows = await every_call(connection)
            found = await every_page(database, wanted, limit)
        fitting = [
            row
            for row in sorted(rows, key=lambda row: (row["timestamp"], row["id"]), reverse=True)
            if all(row[name] == value for name, value in only.items())
            and (since is None or row["timestamp"] >= since)
            and (until is None or row["timestamp"] < until)
        ]
        assert found == [row["id"] for row in fitting]

    ledger.run(zone, work)


MONTH = 30 * 24 * 3_600_000


async def test_rare_calls_are_found_however_far_apart(database: Database) -> None:
    """A month, a day, an hour, a moment from each other, among many others."""
    now = 1_795_000_000_000
    moments = [now - ago for ago in (0, 1, 2, 3, 4, 3_600_000, 24 * 3_600_000, 3 * MONTH, 3 * MONTH + 1, 20 * MONTH)]
    await bill_all(database, [(origin(model="rare"), attempt(started_at=moment)) for moment in moments])
    await bill_all(database, [(origin(), attempt(started_at=now - at * 3_000_000)) for at in range(200)])
    async with database.read() as connection:
        ids = {row["timestamp"]: row["id"] for row in await every_call(connection) if row["model"] == "rare"}
    for limit in (1, 2, 3, 4, 9, 10):
        found = await every_page(database, Wanted(only={"model": ["rare"]}), limit)
        assert found == [ids[moment] for moment in moments]
    found = await every_page(database, Wanted(now - 3 * MONTH, now - 1, only={"model": ["rare"]}), 2)
    assert found == [ids[moment] for moment in moments[2:8]]


async def every_page(database: Database, wanted: Wanted, limit: int) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await a_page(database, wanted, limit=limit, cursor=cursor)
        assert len(page.calls) == limit or page.next_cursor is None
        found += [call.columns["id"] for call in page.calls]
        if (cursor := page.next_cursor) is None:
            return found


async def a_page(database: Database, wanted: Wanted | None = None, user_id: str = OWNER, **asked: Any) -> LogPage:
    async with database.read() as connection:
        return await list_calls(connection, user_id, wanted or Wanted(), **{"limit": 50, **asked})


async def test_the_calls_of_a_conversation(database: Database) -> None:
    await keep(database, conversation("c1"), conversation("c2"))
    await keep(database, conversation("c3"), user_id=STRANGER)
    await bill(database, origin(conversation_id="c1"), *(attempt(started_at=at) for at in (5, 7, 6)))
    await bill(database, origin(conversation_id="c2"), attempt(started_at=8))
    await bill(database, origin(conversation_id="c3", user_id=STRANGER), attempt(started_at=9))
    found = await a_page(database, Wanted(conversation_id="c1", since=6))
    assert [call.columns["timestamp"] for call in found.calls] == [7, 6]
    assert (await a_page(database, Wanted(conversation_id="c1", only={"model": ["claude"]}))).calls == []
    assert (await a_page(database, Wanted(conversation_id="c3"))).calls == []


async def test_a_call_is_shown_whole_and_what_is_unknown_is_null(database: Database) -> None:
    await keep(database, conversation(), messages=[message("m1")])
    usage = Usage(100, 20, 10, 5, 3, 4, 2, 1, 6, 7, 1, service_tier="flex", dialect="openai_chat", raw={"n": [1]})
    whole = attempt(123_456_789, "bounded", usage=usage, started_at=1_795_388_400_123, response_model="gpt-5-x")
    await bill(database, origin(device_id="p1", conversation_id="c1", message_id="m1", budget_override=True), whole)
    bare = attempt(None, "unpriced", usage=Usage(), outcome="error", error_type="timeout", duration=None, started_at=2)
    await bill(database, origin(source="gateway"), bare)
    async with database.write() as connection:
        await touch_device(connection, OWNER, "p1", None, 1)
        await rename_device(connection, OWNER, "p1", "Anna's phone")
    first, second = (call.as_dict() for call in (await a_page(database)).calls)
    assert tuple(first) == tuple(second) == FIELDS
    assert first == {
        "id": whole.id,
        "timestamp": "2026-11-22T23:00:00.123Z",
        "model": "gpt-5",
        "provider": "openai",
        "connection": "openai",
        "target": "openai/gpt-5",
        "response_model": "gpt-5-x",
        "device_id": "p1",
        "device_name": "Anna's phone",
        "source": "web",
        "conversation_id": "c1",
        "message_id": "m1",
        "operation_name": "chat",
        "status": "complete",
        "error_type": None,
        "cost": 0.123456789,
        "cost_status": "bounded",
        "price_version": None,
        "service_tier": "flex",
        "budget_override": True,
        "tokens_input": 100,
        "tokens_output": 20,
        "tokens_cache_read": 10,
        "tokens_cache_write": 5,
        "tokens_reasoning": 3,
        "tokens_cache_write_1h": 4,
        "tokens_input_audio": 2,
        "tokens_output_audio": 1,
        "tokens_input_image": 6,
        "tokens_output_image": 7,
        "web_searches": 1,
        "time_to_first_chunk": None,
        "duration": 1.0,
        "raw_usage": {"n": [1]},
    }
    assert second["budget_override"] is False
    assert {name for name, value in second.items() if value is not None} == {
        *("id", "timestamp", "model", "provider", "connection", "target", "source", "operation_name", "status"),
        *("error_type", "cost_status", "budget_override"),
    }


async def test_a_call_that_is_added_meanwhile_moves_no_page(database: Database) -> None:
    await bill(database, origin(), *(attempt(started_at=at) for at in range(5)))
    page = await a_page(database, limit=2)
    await bill(database, origin(), attempt(started_at=99))
    page = await a_page(database, limit=2, cursor=page.next_cursor)
    assert [call.columns["timestamp"] for call in page.calls] == [2, 1]


@pytest.mark.parametrize("cursor", ["", "x", "LTEuYQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTkuYQ", "é"])
async def test_a_cursor_of_another_list_is_refused(cursor: str, database: Database) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        await a_page(database, cursor=cursor)
