"""The ring of changes and those who read along: in order, once, each at their own pace, or told to begin anew."""

import asyncio
from collections.abc import AsyncGenerator

import orjson
from hypothesis import given
from hypothesis import strategies as st

from llm_router.services.changes import RING_LENGTH, Change, Changes
from llm_router.services.event_log import NumberedEvent

OWNER = "owner"


def created(tail: int) -> Change:
    return Change("conversation_created", f"c{tail}")


def publish(changes: Changes, count: int, first: int = 0) -> None:
    for tail in range(first, first + count):
        changes.publish(OWNER, created(tail))


async def take(reader: AsyncGenerator[NumberedEvent], count: int) -> list[NumberedEvent]:
    async with asyncio.timeout(10):
        return [await anext(reader) for _ in range(count)]


def told(events: list[NumberedEvent]) -> list[str]:
    return [event.name if event.name == "reset" else orjson.loads(event.data)["conversation_id"] for event in events]


async def test_who_comes_without_a_number_begins_anew_and_then_hears_everything_once() -> None:
    changes = Changes()
    publish(changes, 3)
    reader = changes.read(OWNER, None)
    (reset,) = await take(reader, 1)
    publish(changes, 2, first=3)
    events = await take(reader, 2)
    assert told([reset, *events]) == ["reset", "c3", "c4"]
    assert [event.seq for event in events] == [reset.seq + 1, reset.seq + 2]


async def test_who_waits_is_woken_and_hears_nothing_of_another_owner() -> None:
    changes = Changes()
    reader = changes.read(OWNER, None)
    await take(reader, 1)
    upcoming = asyncio.create_task(take(reader, 1))
    await asyncio.sleep(0)
    changes.publish("somebody else", created(9))
    await asyncio.sleep(0)
    assert not upcoming.done()
    publish(changes, 1)
    assert told(await upcoming) == ["c0"]


async def test_what_is_told_is_ids_and_a_status() -> None:
    changes = Changes()
    reader = changes.read(OWNER, None)
    await take(reader, 1)
    changes.publish(OWNER, Change("message_finished", "c1", "m1", "stopped"))
    (event,) = await take(reader, 1)
    assert (event.name, orjson.loads(event.data)) == (
        "message_finished",
        {"conversation_id": "c1", "message_id": "m1", "status": "stopped"},
    )


async def test_a_number_of_another_process_begins_anew() -> None:
    changes = Changes()
    publish(changes, 1)
    (reset,) = await take(changes.read(OWNER, None), 1)
    for number in (0, 1, reset.seq + 1, reset.seq - 2, 2**200):
        assert told(await take(changes.read(OWNER, number), 1)) == ["reset"]


@given(before=st.integers(0, 2 * RING_LENGTH), during=st.integers(0, 2 * RING_LENGTH))
async def test_back_after_any_absence_nothing_is_missed_unsaid(before: int, during: int) -> None:
    changes = Changes()
    publish(changes, before)
    (reset,) = await take(changes.read(OWNER, None), 1)
    publish(changes, during, first=before)
    publish(changes, 1, first=-1)
    reader = changes.read(OWNER, reset.seq)
    if during + 1 > RING_LENGTH:
        assert told(await take(reader, 1)) == ["reset"]
    else:
        heard = told(await take(reader, during + 1))
        assert heard == [*(f"c{tail}" for tail in range(before, before + during)), "c-1"]


async def test_a_reader_that_stands_still_is_told_to_begin_anew_and_holds_nobody_up() -> None:
    changes = Changes()
    slow, quick = changes.read(OWNER, None), changes.read(OWNER, None)
    await take(slow, 1)
    await take(quick, 1)
    heard = 0
    for _ in range(4):
        publish(changes, RING_LENGTH)
        heard += len(await take(quick, RING_LENGTH))
    assert heard == 4 * RING_LENGTH
    assert told(await take(slow, 1)) == ["reset"]
    publish(changes, 1, first=7)
    assert told(await take(slow, 1)) == ["c7"]
