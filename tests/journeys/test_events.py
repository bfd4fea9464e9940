"""What changed, heard by another device: everything that is done to conversations and answers, and no word of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.journeys.client import Client, Event, Stream
from tests.journeys.conftest import Start

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Listener(Stream):
    """The changes as they come. Other tests change things too, so what is asked for is of one conversation."""

    def _check(self, event: Event) -> None:
        assert not self.events or event.id == self.events[-1].id + (event.name != "reset")

    async def hear(self, name: str, conversation_id: str) -> Event:
        while (event := await self.next()) is not None:
            if event.name == name and event.json.get("conversation_id") == conversation_id:
                return event
        raise AssertionError(f"the stream ended without {name}")


@asynccontextmanager
async def listening(client: Client, after: int | None = None) -> AsyncIterator[Listener]:
    async with client.opened("/api/events", after) as response:
        yield Listener(response, after or 0)


async def test_all_that_is_done_on_one_device_is_told_on_the_other(client: Client) -> None:
    async with listening(client.at("tablet")) as tablet:
        assert (await tablet.next() or pytest.fail("nothing")).name == "reset"
        message = await client.answered("A secret prompt", model="ollama/fake-hello")
        conversation_id = message["conversation_id"]
        await tablet.hear("conversation_created", conversation_id)
        started = await tablet.hear("message_started", conversation_id)
        finished = await tablet.hear("message_finished", conversation_id)
        told = {"conversation_id": conversation_id, "message_id": message["id"]}
        assert started.json == told | {"status": "pending"}
        assert finished.json == told | {"status": "complete"}
        # What is told is there to be fetched.
        assert (await client.get(f"/api/messages/{message['id']}"))["status"] == "complete"

        path = f"/api/conversations/{conversation_id}"
        for method, where, body in (
            ("PATCH", path, {"title": "renamed"}),
            ("POST", path + "/system", {"system_text": "Be brief."}),
        ):
            assert (await client.ask(method, where, body)).status == 200
            assert (await tablet.hear("conversation_updated", conversation_id)).json == {
                "conversation_id": conversation_id
            }
        copy = (await client.post(path + "/clone")).json["id"]
        await tablet.hear("conversation_created", copy)
        empty = (await client.post("/api/conversations", {})).json["id"]
        await tablet.hear("conversation_created", empty)
        again = (await client.post(f"/api/messages/{message['id']}/retry")).json["message_id"]
        assert (await tablet.hear("message_started", conversation_id)).json["message_id"] == again
        await tablet.hear("message_finished", conversation_id)
        assert (await client.ask("DELETE", path)).status == 204
        await tablet.hear("conversation_deleted", conversation_id)
        assert b"secret" not in b"".join(event.data for event in tablet.events)


async def test_who_was_away_hears_what_was_missed(client: Client) -> None:
    async with listening(client) as first:
        reset = await first.next()
    assert reset is not None
    made = [(await client.post("/api/conversations", {})).json["id"] for _ in range(3)]
    async with listening(client, after=reset.id) as again:
        for conversation_id in made:
            await again.hear("conversation_created", conversation_id)


async def test_after_a_restart_everything_is_to_be_fetched_anew(start: Start) -> None:
    client = await start()
    async with listening(client) as before:
        reset = await before.next()
        assert reset is not None
        conversation_id = (await client.post("/api/conversations", {})).json["id"]
        last = await before.hear("conversation_created", conversation_id)
    await client.server.kill()
    await client.server.start()
    async with listening(client, after=last.id) as after:
        assert (await after.next() or pytest.fail("nothing")).name == "reset"


async def test_a_shutdown_waits_for_no_listener(start: Start) -> None:
    client = await start()
    async with listening(client) as listener:
        await listener.next()
        ending = asyncio.create_task(client.server.terminate())
        assert await listener.next() is None
        assert await ending == 0
