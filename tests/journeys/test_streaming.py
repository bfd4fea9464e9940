"""One answer and its readers: in order, whole, resumed at every event, by two at once, by one who leaves."""

import asyncio

import pytest

from tests.fake_provider import HELLO, Answer, FakeProvider, Reasoning, Text, Tokens
from tests.journeys.client import Client, Event, text_of
from tests.journeys.rows import Rows
from tests.journeys.upstream import PROVIDERS, Provider, Upstream, catalog_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = ("One ", "two, ", "three ⚡ ", "four.")
SAID = "".join(WORDS)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_answer_streams_in_order_and_is_stored_as_it_was_sent(
    provider: Provider, client: Client, rows: Rows
) -> None:
    model = catalog_id(provider, "fake-hello")
    async with client.stream("Say hello", model=model) as stream:
        events = await stream.rest()
    names = [event.name for event in events]
    assert names[0] == "start"
    # Anthropic counts the prompt at once, and is heard at once.
    assert set(names[1:-2]) - {"usage"} == {"delta"}
    assert names[-2:] == ["usage", "done"]
    assert [event.id for event in events] == list(range(1, len(events) + 1))

    start, usage, message = events[0].json, events[-2].json, events[-1].json["message"]
    assert message["content"] == text_of(events) == "Hello, world! ⚡"
    assert message["status"] == "complete"
    assert (message["provider"], message["model"], message["finish_reason"]) == (provider, model, "stop")
    assert start == {
        "conversation_id": message["conversation_id"],
        "user_message_id": message["parent_id"],
        "message_id": message["id"],
        "model": model,
    }
    assert usage.items() <= message.items()
    assert (usage["tokens_input"], usage["tokens_output"]) == (11, 7)
    assert await client.get(f"/api/messages/{message['id']}") == message
    conversation = await client.get(f"/api/conversations/{message['conversation_id']}")
    assert [kept["content"] for kept in conversation["messages"]] == ["Say hello", "Hello, world! ⚡"]
    assert conversation["messages"][1] == message
    assert conversation["active_leaf_id"] == message["id"]

    (row,) = rows.usage(message["id"])
    assert (row["provider"], row["model"], row["status"]) == (provider, model, "complete")
    assert (row["conversation_id"], row["device_id"], row["source"]) == (message["conversation_id"], "phone", "web")
    assert (row["tokens_input"], row["tokens_output"]) == (11, 7)
    # Nobody knows what a fake model costs, and unknown is not nothing.
    assert (row["cost"], row["cost_status"], message["cost"]) == (None, "unpriced", None)
    assert rows.chunks(message["id"]) == []


async def test_a_known_model_is_priced_to_the_nano_dollar(client: Client, rows: Rows, fake: FakeProvider) -> None:
    fake.script("claude-3-haiku", Answer(HELLO.steps, Tokens(input=111, cache_read=80, cache_write=20)))
    message = await client.answered(model="claude-3-haiku")
    (row,) = rows.usage(message["id"])
    # 11 at 0.25, 80 read at 0.03, 20 written at 0.30, 7 out at 1.25 dollars a million.
    assert row["cost"] == 11 * 250 + 80 * 30 + 20 * 300 + 7 * 1250
    assert message["cost"] == row["cost"] / 1e9
    assert (message["cost_status"], row["cost_status"]) == ("exact", "exact")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_thinking_is_told_apart_from_the_answer(provider: Provider, client: Client, fake: FakeProvider) -> None:
    upstream = Upstream(fake, catalog_id(provider, "thinking-aloud"))
    upstream.script(Answer((Reasoning("First, "), Reasoning("think."), Text("Then "), Text("speak."))))
    async with client.stream(model=upstream.model) as stream:
        events = await stream.rest()
    message = events[-1].json["message"]
    assert text_of(events, "reasoning") == "First, think."
    assert text_of(events) == message["content"] == "Then speak."
    assert [(part["type"], part["text"]) for part in message["parts"]] == [
        ("reasoning", "First, think."),
        ("text", "Then speak."),
    ]
    assert await client.replay(message["id"]) == events


@pytest.mark.parametrize("name", ["fake-empty", "fake-tools", "fake-no-usage", "fake-length", "fake-bytes-1"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_odd_answer_is_replayed_to_the_byte(provider: Provider, name: str, client: Client) -> None:
    async with client.stream(model=catalog_id(provider, name)) as stream:
        events = await stream.rest()
    assert events[-1].name == "done"
    assert await client.replay(events[0].json["message_id"]) == events


async def test_resume_at_every_event_neither_loses_nor_repeats(client: Client, upstream: Upstream) -> None:
    """While the answer is made, when it has ended, and after the server was started anew."""
    upstream.say_gated(*WORDS)
    async with client.stream(model=upstream.model) as stream:
        for _ in WORDS[:-1]:
            await stream.until("delta")
            upstream.release()
        await stream.until("delta")
        message_id = stream.events[0].json["message_id"]
        live = list(stream.events)
        assert [event.name for event in live] == ["start", "delta", "delta", "delta", "delta"]

        # Each one who resumes sees what there is, while the answer stands still at its last gate.
        resumed = [asyncio.create_task(resume(client, message_id, after)) for after in range(len(live) + 1)]
        upstream.release(None)
        whole = await stream.rest()
    assert whole[: len(live)] == live
    for after, task in enumerate(resumed):
        assert await task == whole[after:]

    await check_every_resume(client, message_id, whole)
    assert await client.server.terminate() == 0
    await client.server.start()
    await check_every_resume(client, message_id, whole)


async def test_resume_in_the_midst_of_a_running_answer_begins_with_what_is_there(
    client: Client, upstream: Upstream
) -> None:
    upstream.say_gated(*WORDS)
    async with client.stream(model=upstream.model) as stream:
        await stream.until("delta")
        message_id = stream.events[0].json["message_id"]
        async with client.follow(message_id, after=1) as second:
            assert (await second.next()) == stream.events[1]
            upstream.release()
            assert (await second.next()) == (await stream.next())
            # An id that this answer has not reached yet is no gap later on.
            async with client.follow(message_id, after=2, by_query=True) as third:
                upstream.release(None)
                whole = await stream.rest()
                assert await second.rest() == whole[1:]
                assert await third.rest() == whole[2:]


async def resume(client: Client, message_id: str, after: int) -> list[Event]:
    """As a browser that was gone, or, every other time, as a program that asks by address."""
    async with client.follow(message_id, after, by_query=after % 2 == 1) as stream:
        return await stream.rest()


async def check_every_resume(client: Client, message_id: str, whole: list[Event]) -> None:
    for after in range(len(whole)):
        assert await resume(client, message_id, after) == whole[after:]
    at_the_end = await client.ask("GET", f"/api/messages/{message_id}/stream?after={len(whole)}")
    assert (at_the_end.status, at_the_end.body) == (204, b"")
    # A number beyond the end comes from a server that was killed since: the end is told again.
    assert await resume(client, message_id, len(whole) + 100) == whole[-1:]


async def test_two_readers_see_the_same_and_one_who_leaves_stops_nothing(client: Client, upstream: Upstream) -> None:
    upstream.say_gated(*WORDS)
    async with client.stream(model=upstream.model) as leaver:
        await leaver.until("delta")
        message_id = leaver.events[0].json["message_id"]
    async with client.follow(message_id) as one, client.at("desktop").follow(message_id) as other:
        upstream.release(None)
        events = await one.rest()
        assert await other.rest() == events
    assert events[-1].json["message"]["content"] == text_of(events) == SAID
    (exchange,) = upstream.exchanges
    assert exchange.state == "finished"
    assert "hung_up" not in exchange.states


async def test_an_answer_without_any_reader_is_made_to_its_end(client: Client, upstream: Upstream) -> None:
    upstream.say_gated(*WORDS)
    async with client.stream(model=upstream.model) as stream:
        message_id = (await stream.until("start")).json["message_id"]
    upstream.release(None)
    message = await client.finished(message_id)
    assert (message["status"], message["content"]) == ("complete", SAID)


async def test_a_long_answer_arrives_whole_and_resumes_from_its_middle(client: Client) -> None:
    async with client.stream(model="ollama/fake-huge-512kb") as stream:
        events = await stream.rest()
    message = events[-1].json["message"]
    assert len(message["content"]) == 512 * 1024
    assert text_of(events) == message["content"]
    middle = len(events) // 2
    assert await client.replay(message["id"], middle) == events[middle:]


async def test_the_stream_of_a_prompt_tells_it_in_one_piece(client: Client) -> None:
    message = await client.answered("What was asked", model="ollama/fake-hello")
    events = await client.replay(message["parent_id"])
    assert [event.name for event in events] == ["start", "delta", "done"]
    assert text_of(events) == "What was asked"
