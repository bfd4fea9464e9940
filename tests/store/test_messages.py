"""Messages: what is kept comes back, the path through a deep tree, copies of whole ones."""

from dataclasses import replace
from decimal import Decimal

import pytest

from llm_router.domain.conversations import Message
from llm_router.domain.errors import NotFound
from llm_router.domain.messages import ImagePart, ReasoningPart, TextPart, ToolCallPart
from llm_router.domain.usage import Usage
from llm_router.store.database import Database
from llm_router.store.images import StoredImage, delete_unused_images, get_image, images_of_conversation, insert_image
from llm_router.store.messages import copy_messages, get_message, list_messages, path_to
from llm_router.store.tables import messages
from tests.store.rows import OWNER, STRANGER, conversation, keep, message

WHOLE = message(
    "m2",
    "m1",
    role="assistant",
    status="error",
    parts=(
        ReasoningPart("hm", {"anthropic_messages": {"signature": "s"}}),
        TextPart("a\x00 ⚡"),
        ToolCallPart("t1", "get", '{"a": '),
        TextPart("b"),
        ImagePart("i1", "image/png"),
    ),
    model="gpt-5",
    provider="openai",
    connection="openai",
    response_model="gpt-5-2026",
    temperature=0.5,
    reasoning="high",
    max_tokens=100,
    usage=Usage(1, 2, 3, 4, 5),
    cost_nanousd=2**53 + 1,
    cost_status="bounded",
    finish_reason="error",
    error={"type": "timeout", "message": "…", "details": {"a": [1, None]}},
    time_to_first_chunk=0.25,
    duration=1.5,
    created_at=1_700_000_000_001,
)


async def test_a_message_comes_back_as_it_was_kept(database: Database) -> None:
    await keep(database, conversation(), messages=[WHOLE, message("m1", text="hi"), message("m3", parts=())])
    async with database.read() as connection:
        assert await list_messages(connection, OWNER, "c1") == [
            message("m1", text="hi"),
            WHOLE,
            message("m3"),
        ]
        assert await get_message(connection, OWNER, "m2") == WHOLE
        columns = (await connection.execute(messages.select().where(messages.c.id == "m1"))).one()
    assert columns.parts is None  # the text alone says it all


async def test_what_only_the_ledger_keeps_is_not_asked_of_a_message(database: Database) -> None:
    told = message("m1", usage=Usage(tokens_input=1, cost_reported=Decimal("0.1"), raw={"a": 1}, service_tier="flex"))
    await keep(database, conversation(), messages=[told])
    async with database.read() as connection:
        assert (await get_message(connection, OWNER, "m1")).usage == Usage(tokens_input=1)


async def test_the_path_through_two_thousand_messages(database: Database) -> None:
    def at(number: int) -> Message:
        return message(f"m{number:04}", f"m{number - 1:04}" if number else None, text=str(number))

    branches = [message(f"b{number:04}", f"m{number:04}") for number in range(0, 2000, 10)]
    await keep(database, conversation(), messages=[*branches, *(at(number) for number in reversed(range(2000)))])
    async with database.read() as connection:
        path = await path_to(connection, OWNER, "m1999")
        assert [step.id for step in path] == [f"m{number:04}" for number in range(2000)]
        assert [step.id for step in await path_to(connection, OWNER, "b0010")][-3:] == ["m0009", "m0010", "b0010"]
        assert [step.id for step in await path_to(connection, OWNER, "m0000")] == ["m0000"]


async def test_a_tree_of_another_user_is_not_there(database: Database) -> None:
    await keep(database, conversation("theirs"), messages=[message("t1", conversation_id="theirs")], user_id=STRANGER)
    async with database.read() as connection:
        for attempted in (get_message(connection, OWNER, "t1"), path_to(connection, OWNER, "t1")):
            with pytest.raises(NotFound, match="There is no such message"):
                await attempted
        assert await list_messages(connection, OWNER, "theirs") == []
        assert await images_of_conversation(connection, OWNER, "theirs") == []
        assert len(await path_to(connection, STRANGER, "t1")) == 1


async def test_a_copy_is_the_same_tree_under_new_names(database: Database) -> None:
    original = [message("m1", text="q"), WHOLE, message("m3", "m1", text="other"), message("m4", "m2")]
    await keep(database, conversation("c1"), conversation("c2"), messages=original)
    async with database.write() as connection:
        new_ids = await copy_messages(connection, OWNER, "d", original, "c2")
        assert await copy_messages(connection, OWNER, "d", [], "c2") == {}
    async with database.read() as connection:
        copies = await list_messages(connection, OWNER, "c2")
        assert await list_messages(connection, OWNER, "c1") == original
    old_ids = {new: old for old, new in new_ids.items()}
    assert len(old_ids) == 4
    assert not set(old_ids) & set(new_ids)
    assert [(old_ids[it.id], it.parent_id and old_ids[it.parent_id]) for it in copies] == [
        ("m1", None),
        ("m2", "m1"),
        ("m3", "m1"),
        ("m4", "m2"),
    ]
    copied = copies[1]
    assert (copied.parts, copied.cost_nanousd, copied.usage) == (WHOLE.parts, WHOLE.cost_nanousd, WHOLE.usage)


async def test_an_image_stays_as_long_as_any_message_shows_it(database: Database) -> None:
    shows = (ImagePart("i1", "image/png"),)
    await keep(database, conversation("c1"), conversation("c2"), messages=[message("m1", parts=shows)])
    image = StoredImage("i1", "m1", "i1.png", "image/png", "gpt-image", "a cat", 1)
    async with database.write() as connection:
        await insert_image(connection, OWNER, image)
        await copy_messages(connection, OWNER, None, [message("m1", parts=shows)], "c2")
        assert await images_of_conversation(connection, OWNER, "c1") == [image]
        await connection.execute(messages.delete().where(messages.c.id == "m1"))
        assert await delete_unused_images(connection, OWNER, [image]) == []
        assert await get_image(connection, OWNER, "i1") == replace(image, message_id=None)
        with pytest.raises(NotFound):
            await get_image(connection, STRANGER, "i1")
        await connection.execute(messages.delete())
        assert await delete_unused_images(connection, STRANGER, [image]) == [image]
        assert (await get_image(connection, OWNER, "i1")).id == "i1"  # another's wish takes nothing
        assert await delete_unused_images(connection, OWNER, [image]) == [image]
        with pytest.raises(NotFound):
            await get_image(connection, OWNER, "i1")
