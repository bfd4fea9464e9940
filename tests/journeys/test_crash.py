"""The server is taken away in the middle of an answer: by SIGKILL, and by SIGTERM as every update does."""

import asyncio

import pytest

from llm_router.domain.tokens import MESSAGE_TOKENS, count_tokens
from tests.fake_provider import Refusal
from tests.journeys.client import Client, text_of
from tests.journeys.conftest import Start
from tests.journeys.rows import Rows
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWELVE_CHARS = count_tokens("Twelve chars") + MESSAGE_TOKENS

BEYOND = 10_000_000


async def test_kill_in_the_middle_keeps_every_word_that_was_stored(start: Start, upstream: Upstream) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    upstream.say_gated("Saved ", "words ", "and more.")
    async with client.stream("Twelve chars", model=upstream.model, headers={"Idempotency-Key": "once"}) as stream:
        await stream.until("delta")
        upstream.release()
        await stream.until("delta")
        seen = list(stream.events)
        ids = seen[0].json
        await rows.until(lambda: len(rows.chunks(ids["message_id"])) == len(seen), "the chunks to be stored")
        assert rows.message(ids["message_id"])["status"] == "streaming"
        await client.server.kill()
    await client.server.start()

    message = await client.get(f"/api/messages/{ids['message_id']}")
    assert (message["status"], message["content"]) == ("interrupted", "Saved words ")
    assert (message["finish_reason"], message["error"]["type"]) == ("cancelled", "interrupted")
    (row,) = rows.usage(message["id"])
    assert (row["status"], row["error_type"]) == ("cancelled", "interrupted")
    assert (row["tokens_input"], row["tokens_output"]) == (TWELVE_CHARS, count_tokens("Saved words "))
    assert (row["device_id"], row["conversation_id"]) == ("phone", ids["conversation_id"])
    assert rows.chunks(message["id"]) == []

    # What had been sent is sent the same again, and then the end, with a number nobody has seen.
    events = await client.replay(message["id"])
    assert events[:-1] == seen
    assert (events[-1].name, events[-1].json["message"]) == ("error", message)
    for after in (len(seen), len(seen) + 1, events[-1].id - 1, BEYOND):
        assert await client.replay(message["id"], after) == events[-1:]
    at_the_end = await client.ask("GET", f"/api/messages/{message['id']}/stream?after={events[-1].id}")
    assert at_the_end.status == 204

    # A browser that sends its prompt again after the crash does not pay again.
    again = await client.submit("Twelve chars", model=upstream.model, headers={"Idempotency-Key": "once"})
    assert again["message_id"] == message["id"]
    assert len(upstream.exchanges) == 1
    await continues(client, upstream, message)


async def test_kill_before_the_first_word_leaves_a_message_that_has_ended(start: Start, upstream: Upstream) -> None:
    client = await start()
    upstream.say_gated("Never said", before=True)
    submission = await client.submit(model=upstream.model)
    await client.server.kill()
    await client.server.start()
    message = await client.get(f"/api/messages/{submission['message_id']}")
    assert (message["status"], message["content"], message["parts"]) == ("interrupted", "", [])
    events = await client.replay(message["id"])
    assert [event.name for event in events] == ["start", "error"]
    assert events[0].json == {
        "conversation_id": submission["conversation_id"],
        "user_message_id": submission["user_message_id"],
        "message_id": submission["message_id"],
        "model": upstream.model,
    }
    prompt = await client.get(f"/api/messages/{submission['user_message_id']}")
    assert (prompt["content"], prompt["status"]) == ("Hello?", "complete")


async def test_kill_after_a_failed_try_keeps_what_that_try_took(start: Start, upstream: Upstream) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    tries = [Refusal(429, "rate_limit_exceeded", "Slow down", {"Retry-After": seconds}) for seconds in ("0.6", "20")]
    upstream.script(*tries)
    async with client.stream(model=upstream.model) as stream:
        for number in (1, 2):
            await stream.until("notice")
            message_id = stream.events[0].json["message_id"]
            assert [(row["error_type"], row["cost"]) for row in rows.usage(message_id)] == [
                ("rate_limited", 0)
            ] * number
        await client.server.kill()
    await client.server.start()
    assert [row["error_type"] for row in rows.usage(message_id)] == ["rate_limited", "rate_limited", "interrupted"]


async def test_kill_of_several_answers_at_once_and_twice(start: Start, upstream: Upstream) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    upstream.say_gated("Some ")
    ids = [(await client.submit(f"Prompt {at}", model=upstream.model))["message_id"] for at in range(3)]
    await rows.until(lambda: all(len(rows.chunks(each)) == 2 for each in ids), "the chunks of all three")
    await client.server.kill()
    await client.server.start()
    await client.server.kill()
    await client.server.start()
    for message_id in ids:
        message = await client.get(f"/api/messages/{message_id}")
        assert (message["status"], message["content"]) == ("interrupted", "Some ")
        assert len(rows.usage(message_id)) == 1
    page = await client.get("/api/conversations")
    assert [conversation["is_live"] for conversation in page["conversations"]] == [False] * 3


async def test_sigterm_interrupts_what_runs_and_tells_everyone(start: Start, upstream: Upstream) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    upstream.say_gated("Kept ", "not said")
    async with client.stream(model=upstream.model) as stream:
        await stream.until("delta")
        message_id = stream.events[0].json["message_id"]
        waiting = asyncio.create_task(
            client.post(
                "/api/chat/submit",
                {"message": "Me too", "model": upstream.model},
                headers={"Prefer": "wait=120"},
            )
        )
        await upstream.waiting(2)
        async with client.at("desktop").follow(message_id, 1) as other:
            # Far below the twenty seconds that requests in flight would be given.
            async with asyncio.timeout(10):
                assert await client.server.terminate() == 0
            events = await stream.rest()
            assert await other.rest() == events[1:]
        answer = await waiting
    assert (events[-1].name, events[-1].json["error"]["type"]) == ("error", "interrupted")
    assert text_of(events) == "Kept "
    assert (answer.status, answer.json["status"]) == (200, "interrupted")
    await upstream.reached("hung_up", 1)
    await upstream.reached("hung_up", 2)
    # Everything was put away before the process ended, so the next start has nothing to mend.
    assert rows.message(message_id)["status"] == "interrupted"
    assert rows.all("SELECT * FROM messages WHERE status IN ('pending', 'streaming')") == []
    assert rows.counts()["message_chunks"] == 0
    assert [row["status"] for row in rows.usage(message_id)] == ["cancelled"]

    first_line = len(client.server.log)
    await client.server.start()
    assert not any("unfinished" in line for line in client.server.log[first_line:])
    assert await client.replay(message_id) == events
    message = await client.get(f"/api/messages/{message_id}")
    assert message == events[-1].json["message"]
    await continues(client, upstream, message)


async def continues(client: Client, upstream: Upstream, interrupted: dict[str, str]) -> None:
    """The conversation goes on behind what was said, and the model is told all of it."""
    before = len(upstream.exchanges)
    upstream.say_gated("On we go.").release(None)
    message = await client.answered("Go on", conversation_id=interrupted["conversation_id"])
    assert (message["status"], message["content"]) == ("complete", "On we go.")
    sent = upstream.exchanges[before].body["messages"]
    assert [(each["role"], each["content"]) for each in sent][1:] == [
        ("assistant", interrupted["content"]),
        ("user", "Go on"),
    ]
