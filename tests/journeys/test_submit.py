"""Prompts that are handed in and fetched later, prompts that arrive twice, and one prompt too many."""

import asyncio

import pytest

from tests.journeys.client import Answer, Client
from tests.journeys.conftest import Start
from tests.journeys.rows import Rows
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_prompt_is_taken_at_once_and_its_answer_is_polled(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("One ", "two.")
    answer = await client.post("/api/chat/submit", {"message": "Count", "model": upstream.model})
    assert answer.status == 202
    submission = answer.json
    assert submission["status"] == "pending"
    assert answer.headers["Location"] == f"/api/messages/{submission['message_id']}"

    await upstream.waiting()
    conversation = await client.get(f"/api/conversations/{submission['conversation_id']}")
    assert conversation["is_live"]
    assert [message["id"] for message in conversation["messages"]] == [
        submission["user_message_id"],
        submission["message_id"],
    ]
    upstream.release(None)
    message = await client.finished(submission["message_id"])
    assert (message["status"], message["content"]) == ("complete", "One two.")
    assert not (await client.get(f"/api/conversations/{submission['conversation_id']}"))["is_live"]


async def test_a_poll_in_the_middle_shows_what_was_said_so_far(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("One ", "two.")
    async with client.stream(model=upstream.model) as stream:
        await stream.until("delta")
        message = await client.get(f"/api/messages/{stream.events[0].json['message_id']}")
        assert (message["status"], message["content"]) == ("streaming", "One ")
        upstream.release(None)
        await stream.rest()


async def test_who_prefers_to_wait_gets_the_finished_message(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("Done.")
    waiting = asyncio.create_task(submit_and_wait(client, upstream, "wait=25"))
    await upstream.waiting()
    upstream.release()
    answer = await waiting
    assert answer.status == 200
    assert (answer.json["status"], answer.json["content"]) == ("complete", "Done.")
    assert answer.headers["Preference-Applied"] == "wait=25"


async def test_a_wait_beyond_all_bounds_is_as_long_as_any(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("Done.").release(None)
    answer = await submit_and_wait(client, upstream, "wait=" + "9" * 5000)
    assert (answer.status, answer.headers["Preference-Applied"]) == (200, "wait=300")


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async, wait=1", "handling=lenient"])
async def test_who_waits_in_vain_gets_the_ids(client: Client, upstream: Upstream, prefer: str) -> None:
    upstream.say_gated("Late.")
    answer = await submit_and_wait(client, upstream, prefer)
    assert answer.status == 202
    upstream.release(None)
    assert (await client.finished(answer.json["message_id"]))["content"] == "Late."


@pytest.mark.parametrize("prefer", ["wait=soon", "wait=-1", "wait=1.5"])
async def test_a_preference_that_makes_no_sense_is_refused_before_anything_is_asked(
    client: Client, upstream: Upstream, rows: Rows, prefer: str
) -> None:
    before = rows.counts()
    answer = await submit_and_wait(client, upstream, prefer)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert rows.counts() == before
    assert upstream.exchanges == []


async def test_ten_posts_with_one_key_at_once_make_one_answer(client: Client, upstream: Upstream, rows: Rows) -> None:
    upstream.say_gated("Once ", "only.")
    before = rows.counts()
    key = {"Idempotency-Key": "ten-at-once"}
    prompt = {"message": "Pay once", "model": upstream.model}

    async def streamed() -> list[bytes]:
        async with client.stream("Pay once", model=upstream.model, headers=key) as stream:
            return [event.data for event in await stream.rest()]

    submitted = [asyncio.create_task(client.post("/api/chat/submit", prompt, headers=key)) for _ in range(5)]
    streams = [asyncio.create_task(streamed()) for _ in range(5)]
    answers = [await task for task in submitted]
    assert {answer.status for answer in answers} == {202}
    (message_id,) = {answer.json["message_id"] for answer in answers}
    await upstream.waiting()

    again = await client.submit("Pay once", model=upstream.model, headers=key)
    assert again["message_id"] == message_id
    upstream.release(None)
    told = [await task for task in streams]
    assert all(events == told[0] for events in told)

    # After the end as well, and by another door.
    async with client.stream("Pay once", model=upstream.model, headers=key) as stream:
        assert [event.data for event in await stream.rest()] == told[0]
    answer = await submit_and_wait(client, upstream, "wait=5", message="Pay once", **key)
    assert (answer.status, answer.json["id"]) == (200, message_id)

    after = rows.counts()
    assert len(upstream.exchanges) == 1
    assert len(rows.usage(message_id)) == 1
    assert after["messages"] == before["messages"] + 2
    assert after["conversations"] == before["conversations"] + 1


async def test_a_key_is_remembered_by_the_next_server(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("Once.").release(None)
    key = {"Idempotency-Key": "before-and-after"}
    first = await client.submit("Pay once", model=upstream.model, headers=key)
    await client.finished(first["message_id"])
    assert await client.server.terminate() == 0
    await client.server.start()
    again = await client.submit("Pay once", model=upstream.model, headers=key)
    assert again == {**first, "status": "complete"}
    assert len(upstream.exchanges) == 1


@pytest.mark.parametrize("other", [{"message": "Another"}, {"temperature": 0.5}, {"parent_id": None}])
async def test_a_key_is_good_for_one_prompt_only(
    client: Client, upstream: Upstream, rows: Rows, other: dict[str, object]
) -> None:
    upstream.say_gated("Once.").release(None)
    key = {"Idempotency-Key": upstream.model.replace("/", "-")}
    prompt = {"message": "First", "model": upstream.model}
    submission = await client.submit(**prompt, headers=key)
    await client.finished(submission["message_id"])
    before = rows.counts()
    answer = await client.post("/api/chat/submit", {**prompt, **other}, headers=key)
    assert (answer.status, answer.error["type"]) == (409, "conflict")
    assert rows.counts() == before


async def test_a_retry_under_its_key_is_asked_and_paid_once(client: Client, upstream: Upstream, rows: Rows) -> None:
    upstream.say_gated("Again.").release(None)
    first = await client.answered(model=upstream.model)
    path, key = f"/api/messages/{first['id']}/retry", {"Idempotency-Key": f"again-{first['id']}"}
    answers = [await client.post(path, headers=key) for _ in range(3)]
    assert {answer.json["message_id"] for answer in answers} == {answers[0].json["message_id"]}
    assert answers[0].json["message_id"] != first["id"]
    await client.finished(answers[0].json["message_id"])
    assert len(upstream.exchanges) == 2
    other = await client.post(path, {"temperature": 0.5}, headers=key)
    assert (other.status, other.error["type"]) == (409, "conflict")


async def test_one_answer_too_many_is_told_to_come_back(start: Start, upstream: Upstream) -> None:
    client = await start(MAX_CONCURRENT_RUNS="1")
    rows = Rows(client.server.database_path)
    upstream.say_gated("Slow.")
    first = await client.submit(model=upstream.model, headers={"Idempotency-Key": "first"})
    await upstream.waiting()
    before = rows.counts()
    for path in ("/api/chat/submit", "/api/chat/stream", f"/api/messages/{first['user_message_id']}/retry"):
        body = {"model": upstream.model} | ({} if path.endswith("retry") else {"message": "Me too"})
        answer = await client.post(path, body)
        assert (answer.status, answer.error["type"]) == (429, "rate_limited"), path
        assert int(answer.headers["Retry-After"]) > 0
    assert rows.counts() == before

    # Who only asks after the one that runs takes no place.
    again = await client.submit(model=upstream.model, headers={"Idempotency-Key": "first"})
    assert again["message_id"] == first["message_id"]
    upstream.release(None)
    await client.finished(first["message_id"])
    assert (await client.answered(model=upstream.model))["status"] == "complete"


async def submit_and_wait(
    client: Client, upstream: Upstream, prefer: str, message: str = "Hello?", **headers: str
) -> Answer:
    prompt = {"message": message, "model": upstream.model}
    return await client.post("/api/chat/submit", prompt, headers={"Prefer": prefer, **headers})
