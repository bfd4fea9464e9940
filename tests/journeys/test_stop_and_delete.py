"""Answers that are ended by their owner: stopped at any moment, asked again, or deleted with their conversation."""

import pytest

from llm_router.domain.tokens import MESSAGE_TOKENS, count_tokens
from tests.fake_provider import Answer, Gate, Refusal, Stall, Text
from tests.journeys.client import Client, text_of
from tests.journeys.rows import Rows
from tests.journeys.upstream import PROVIDERS, Provider, Upstream, catalog_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWELVE_CHARS = count_tokens("Twelve chars") + MESSAGE_TOKENS


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_stop_ends_the_call_and_keeps_the_text(
    provider: Provider, client: Client, rows: Rows, upstream: Upstream
) -> None:
    stopped = Upstream(upstream.fake, catalog_id(provider, "to-be-stopped"))
    stopped.script(Answer((Text("Kept "), Text("words."), Stall())))
    async with client.stream("Twelve chars", model=stopped.model) as stream:
        while text_of(stream.events) != "Kept words.":
            await stream.until("delta")
        message_id = stream.events[0].json["message_id"]
        answer = await client.post(f"/api/messages/{message_id}/stop")
        events = await stream.rest()
    message = answer.json
    assert answer.status == 200
    assert (message["status"], message["content"]) == ("stopped", "Kept words.")
    assert (message["finish_reason"], message["error"]) == ("cancelled", None)
    assert events[-1].name == "done"
    assert events[-1].json["message"] == message == await client.get(f"/api/messages/{message_id}")
    await stopped.reached("hung_up")
    assert await client.replay(message_id) == events

    (row,) = rows.usage(message_id)
    assert row["status"] == "cancelled"
    # Nobody said what it took, so what went and what came is counted. Anthropic had counted the prompt.
    assert row["tokens_input"] == (11 if provider == "anthropic" else TWELVE_CHARS)
    assert row["tokens_output"] == count_tokens("Kept words.")

    again = await client.post(f"/api/messages/{message_id}/stop")
    assert (again.status, again.json) == (200, message)
    assert len(rows.usage(message_id)) == 1


async def test_the_bill_of_a_stopped_answer_says_how_sure_it_is(client: Client, rows: Rows, upstream: Upstream) -> None:
    """Anthropic counts the prompt at once, so that only the output is ours to count."""
    priced = Upstream(upstream.fake, "claude-3-5-haiku-latest")
    priced.say_gated("Four")
    async with client.stream("Eight ch", model=priced.model) as stream:
        await stream.until("delta")
        message = (await client.post(f"/api/messages/{stream.events[0].json['message_id']}/stop")).json
    (row,) = rows.usage(message["id"])
    assert (row["cost_status"], message["cost_status"]) == ("bounded", "bounded")
    assert row["cost"] == row["tokens_input"] * 800 + row["tokens_output"] * 4000


async def test_stop_before_the_first_word(client: Client, rows: Rows, upstream: Upstream) -> None:
    upstream.say_gated("Never said", before=True)
    submission = await client.submit("Twelve chars", model=upstream.model)
    await upstream.waiting()
    message = (await client.post(f"/api/messages/{submission['message_id']}/stop")).json
    assert (message["status"], message["content"], message["parts"]) == ("stopped", "", [])
    assert message["time_to_first_chunk"] is None
    await upstream.reached("hung_up")
    (row,) = rows.usage(message["id"])
    assert (row["status"], row["tokens_input"], row["tokens_output"]) == ("cancelled", TWELVE_CHARS, 0)


async def test_stop_at_once_leaves_nothing_running(client: Client, upstream: Upstream) -> None:
    """Whether the call had gone out by then or not."""
    upstream.say_gated("Never said", before=True)
    submission = await client.submit(model=upstream.model)
    message = (await client.post(f"/api/messages/{submission['message_id']}/stop")).json
    assert message["status"] == "stopped"
    assert [event.name for event in await client.replay(message["id"])][-1] == "done"
    if upstream.exchanges:
        await upstream.reached("hung_up")


async def test_stop_ends_the_wait_for_another_try(client: Client, rows: Rows, upstream: Upstream) -> None:
    upstream.script(Refusal(429, "rate_limit_exceeded", "Slow down", {"Retry-After": "29"}))
    async with client.stream(model=upstream.model) as stream:
        notice = await stream.until("notice")
        assert "Slow down" in notice.json["text"]
        message_id = stream.events[0].json["message_id"]
        assert (await client.post(f"/api/messages/{message_id}/stop")).json["status"] == "stopped"
        assert (await stream.rest())[-1].name == "done"
    assert len(upstream.exchanges) == len(rows.usage(message_id)) == 1


async def test_stop_of_what_has_ended_changes_nothing(client: Client) -> None:
    message = await client.answered(model="ollama/fake-hello")
    for message_id, status in ((message["id"], "complete"), (message["parent_id"], "complete")):
        answer = await client.post(f"/api/messages/{message_id}/stop")
        assert (answer.status, answer.json["status"]) == (200, status)
    assert await client.get(f"/api/messages/{message['id']}") == message


async def test_a_stopped_answer_is_asked_again_beside_it(client: Client, upstream: Upstream) -> None:
    upstream.script(Answer((Text("Half "), Stall())), Answer((Text("Whole"),)))
    async with client.stream("Again?", model=upstream.model, temperature=0.25) as stream:
        await stream.until("delta")
        first_id = stream.events[0].json["message_id"]
        running = await client.post(f"/api/messages/{first_id}/retry")
        assert (running.status, running.error["type"]) == (409, "conflict")
        await client.post(f"/api/messages/{first_id}/stop")
    answer = await client.post(f"/api/messages/{first_id}/retry")
    assert answer.status == 202
    second = await client.finished(answer.json["message_id"])
    first = await client.get(f"/api/messages/{first_id}")
    assert (first["status"], first["content"]) == ("stopped", "Half ")
    assert (second["status"], second["content"]) == ("complete", "Whole")
    assert second["parent_id"] == first["parent_id"]
    assert (second["model"], second["temperature"]) == (first["model"], 0.25)
    conversation = await client.get(f"/api/conversations/{second['conversation_id']}")
    assert conversation["active_leaf_id"] == second["id"]
    assert [exchange.body["messages"] for exchange in upstream.exchanges] == [
        [{"role": "user", "content": "Again?"}]
    ] * 2


async def test_delete_while_streaming_keeps_the_bill_only(client: Client, rows: Rows, upstream: Upstream) -> None:
    upstream.script(Answer((Text("Doomed "), Gate(), Text("words"))))
    headers = {"Idempotency-Key": "doomed"}
    async with client.stream(model=upstream.model, headers=headers) as stream:
        await stream.until("delta")
        start = stream.events[0].json
        async with client.at("desktop").follow(start["message_id"]) as other:
            answer = await client.ask("DELETE", f"/api/conversations/{start['conversation_id']}")
            assert (answer.status, answer.body) == (204, b"")
            events = await stream.rest()
            assert await other.rest() == events
    assert events[-1].name == "done"
    assert events[-1].json["message"]["status"] == "stopped"
    await upstream.reached("hung_up")

    gone = ("GET", f"/api/conversations/{start['conversation_id']}"), ("GET", f"/api/messages/{start['message_id']}")
    for method, path in (
        *gone,
        ("GET", f"{gone[1][1]}/stream"),
        ("POST", f"{gone[1][1]}/stop"),
        ("DELETE", gone[0][1]),
    ):
        answer = await client.ask(method, path)
        assert (answer.status, answer.error["type"]) == (404, "not_found"), path
    for table, column in (("messages", "conversation_id"), ("conversations", "id")):
        assert rows.all(f"SELECT * FROM {table} WHERE {column} = ?", start["conversation_id"]) == []
    for table in ("message_chunks", "idempotency_keys", "reservations"):
        assert rows.all(f"SELECT * FROM {table} WHERE message_id = ?", start["message_id"]) == []
    # Its key stays: a client that has not heard of the end and asks again does not pay again.
    again = await client.post("/api/chat/submit", {"message": "Hello?", "model": upstream.model}, headers=headers)
    assert (again.status, again.error["type"]) == (409, "conflict")
    assert "deleted" in again.error["message"]
    assert len(upstream.exchanges) == 1
    row = rows.one("SELECT * FROM usage_logs WHERE model = ?", upstream.model)
    assert (row["conversation_id"], row["message_id"], row["status"]) == (None, None, "cancelled")
    assert rows.all("PRAGMA foreign_key_check") == []


async def test_the_money_of_a_deleted_conversation_stays_in_the_sum(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("Paid.").release(None)
    message = await client.answered(model=upstream.model)
    before = await client.get("/api/usage/summary")
    answer = await client.ask("DELETE", f"/api/conversations/{message['conversation_id']}")
    assert answer.status == 204
    assert await client.get("/api/usage/summary") == before


async def test_what_is_deleted_behind_the_servers_back_is_billed_all_the_same(
    client: Client, rows: Rows, upstream: Upstream
) -> None:
    """By the owner's shell, say: the answer has nowhere to go, but the call was made."""
    upstream.say_gated("Going ", "nowhere")
    async with client.stream(model=upstream.model) as stream:
        await stream.until("delta")
        start = stream.events[0].json
        rows.execute(("DELETE FROM conversations WHERE id = ?", (start["conversation_id"],)))
        upstream.release(None)
        assert (await stream.rest())[-1].json["message"]["content"] == "Going nowhere"
    row = rows.one("SELECT * FROM usage_logs WHERE model = ?", upstream.model)
    assert (row["conversation_id"], row["message_id"], row["status"]) == (None, None, "complete")
    assert rows.chunks(start["message_id"]) == []
