"""Every call becomes one row, however it ended, that is right or says how sure it is; and no row is lost or doubled."""

import asyncio
import re
from contextlib import closing
from typing import Any

import pytest

from llm_router.domain.tokens import MESSAGE_TOKENS, count_tokens
from tests.fake_provider import (
    HELLO,
    Answer,
    Cut,
    End,
    FakeProvider,
    Gate,
    Hangup,
    Reasoning,
    Refusal,
    Scenario,
    Stall,
    Step,
    StreamError,
    Text,
)
from tests.journeys.client import Client, text_of
from tests.journeys.conftest import Start
from tests.journeys.rows import Row, Rows
from tests.journeys.upstream import PROVIDERS, Provider, Upstream, catalog_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMPT = "What is it that you can say about this?"
SAID = "It is said in a few words, "
ALL_THAT_WAS_SAID = SAID + "and then some."
COUNTED = count_tokens(PROMPT) + MESSAGE_TOKENS
"""What we make of the prompt, where no provider counts it."""
IMAGE_MODEL = "gpt-image-paid"
IN, OUT = 11, 7
"""What the fake provider counts."""

Bill = tuple[str, str, int | None, int | None]
"""`(status, cost_status, tokens_input, tokens_output)`"""

FINISHED: Bill = ("complete", "exact", IN, OUT)
REFUSED: Bill = ("error", "exact", None, None)
SENT: Bill = ("error", "estimated", COUNTED, 0)

SLOW_DOWN = Refusal(429, "rate_limit_exceeded", "Slow down", {"Retry-After": "0.05"})


def broken(provider: Provider, said: str = ALL_THAT_WAS_SAID) -> Bill:
    """Anthropic counts the prompt before the first word; the others count at the end, which never came."""
    if provider == "anthropic":
        return ("error", "bounded", IN, count_tokens(said))
    return ("error", "estimated", COUNTED, count_tokens(said))


WORDS = (Text(SAID), Text("and then some."))

ENDINGS: dict[str, tuple[tuple[Scenario, ...], Any]] = {
    "finished": ((Answer(WORDS),), lambda _: [FINISHED]),
    "finished, and never counted": (
        (Answer(WORDS, tokens=None),),
        lambda _: [("complete", "estimated", COUNTED, count_tokens(ALL_THAT_WAS_SAID))],
    ),
    "refused": ((Refusal(400, "invalid_value", "no"),), lambda _: [REFUSED]),
    "refused, then answered": ((SLOW_DOWN, HELLO), lambda _: [REFUSED, FINISHED]),
    "cut before the headers, then answered": ((Hangup(), HELLO), lambda _: [SENT, FINISHED]),
    "failed before a word, then answered": (
        (Answer((StreamError(),)), HELLO),
        lambda provider: [broken(provider, ""), FINISHED],
    ),
    "cut after some words": ((Answer((*WORDS, Cut())),), lambda provider: [broken(provider)]),
    "ended after some words": ((Answer((*WORDS, End())),), lambda provider: [broken(provider)]),
    "failed after some words": ((Answer((*WORDS, StreamError())),), lambda provider: [broken(provider)]),
}


def bill_of(row: Row) -> Bill:
    return row["status"], row["cost_status"], row["tokens_input"], row["tokens_output"]


def paid(fake: FakeProvider, provider: Provider = "openai_compatible") -> Upstream:
    """A model whose price is written down: a thousand nano-dollars a token in, ten thousand one out."""
    return Upstream(fake, catalog_id(provider, "paid"))


def check_sums(rows: list[Row], message: Any) -> None:
    """Each row costs what its counts cost, and the message what its rows do."""
    for row in rows:
        assert row["cost"] == (row["tokens_input"] or 0) * 1_000 + (row["tokens_output"] or 0) * 10_000
        assert row["price_version"] == (None if bill_of(row) == REFUSED else "configured")
    assert round(message["cost"] * 1e9) == sum(row["cost"] for row in rows)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_each_call_is_one_row_however_it_ended(
    provider: Provider, ending: str, client: Client, rows: Rows, fake: FakeProvider
) -> None:
    scenarios, bills = ENDINGS[ending]
    upstream = paid(fake, provider).script(*scenarios)
    message = await client.answered(PROMPT, model=upstream.model)
    found = rows.usage(message["id"])
    assert [bill_of(row) for row in found] == bills(provider)
    assert len(upstream.exchanges) == len(found)
    check_sums(found, message)
    sure = ["exact", "bounded", "estimated"]
    assert message["cost_status"] == max((row["cost_status"] for row in found), key=sure.index)
    assert rows.all("SELECT * FROM reservations") == []


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stopped_call_is_one_row(
    provider: Provider, before: bool, client: Client, rows: Rows, fake: FakeProvider
) -> None:
    upstream = paid(fake, provider).script(Answer((Gate(), *WORDS) if before else (*WORDS, Gate())))
    async with client.stream(PROMPT, model=upstream.model) as stream:
        await upstream.waiting()
        while text_of(stream.events) != ("" if before else ALL_THAT_WAS_SAID):
            await stream.until("delta")
        start = stream.events[0] if stream.events else await stream.until("start")
        message = (await client.post(f"/api/messages/{start.json['message_id']}/stop")).json
    await upstream.reached("hung_up")
    (row,) = rows.usage(message["id"])
    (_, sureness, *counts) = broken(provider, "" if before else ALL_THAT_WAS_SAID)
    if before and provider == "anthropic":
        # The message may have begun by then or not.
        assert row["status"] == "cancelled"
    else:
        assert bill_of(row) == ("cancelled", sureness, *counts)
    check_sums([row], message)


async def test_how_long_was_thought_is_told(client: Client, fake: FakeProvider) -> None:
    upstream = paid(fake).script(Answer((Reasoning("First. "), Gate(), Reasoning("Then."), Text("So."))))
    async with client.stream(PROMPT, model=upstream.model) as stream:
        await stream.until("reasoning")
        upstream.release()
        message = (await stream.rest())[-1].json["message"]
    assert 0 < message["reasoning_duration"] < message["duration"]
    assert (await client.get(f"/api/messages/{message['id']}"))["reasoning_duration"] == message["reasoning_duration"]
    upstream.script(HELLO)
    assert (await client.answered(PROMPT, model=upstream.model))["reasoning_duration"] is None


# Stop, and listen on in silence.


async def stopped_while_it_runs(client: Client, upstream: Upstream) -> Any:
    """A message that was stopped after its first words, while its upstream waits at a gate."""
    upstream.script(Answer((Text(SAID), Gate(), Text("and then some."))))
    async with client.stream(PROMPT, model=upstream.model) as stream:
        await stream.until("delta")
        await upstream.waiting()
        answer = await client.post(f"/api/messages/{stream.events[0].json['message_id']}/stop")
        assert answer.status == 200
        events = await stream.rest()
    assert events[-1].json["message"] == answer.json
    assert (answer.json["status"], answer.json["content"]) == ("stopped", SAID)
    return answer.json


async def settled(client: Client, rows: Rows, message_id: str) -> Any:
    held = "SELECT * FROM reservations JOIN usage_logs ON reservations.message_id = usage_logs.id WHERE "
    await rows.until(lambda: rows.all(f"{held} usage_logs.message_id = ?", message_id) == [], "the last word")
    return await client.get(f"/api/messages/{message_id}")


async def test_a_stopped_answer_is_listened_to_for_its_bill(client: Client, rows: Rows, fake: FakeProvider) -> None:
    upstream = Upstream(fake, "patient/paid")
    message = await stopped_while_it_runs(client, upstream)
    (row,) = rows.usage(message["id"])
    assert bill_of(row) == ("cancelled", "estimated", COUNTED, count_tokens(SAID))
    check_sums([row], message)
    assert upstream.exchanges[0].state == "waiting"  # it is still connected
    held = rows.one("SELECT amount FROM reservations WHERE message_id = ?", row["id"])

    upstream.release()
    final = await settled(client, rows, message["id"])
    (last,) = rows.usage(message["id"])
    assert bill_of(last) == ("cancelled", "exact", IN, OUT)
    assert last["id"] == row["id"]
    check_sums([last], final)
    assert (final["status"], final["content"], final["cost_status"]) == ("stopped", SAID, "exact")
    assert (final["tokens_input"], final["tokens_output"]) == (IN, OUT)
    assert held["amount"] > 0
    assert (await client.replay(message["id"]))[-1].json["message"] == final


async def test_what_a_stopped_answer_cost_after_all_is_in_the_sums(start: Start, fake: FakeProvider) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), Upstream(fake, "patient/paid")
    message = await stopped_while_it_runs(client, upstream)
    before = (await client.get("/api/usage/summary"))["totals"]
    assert (before["requests"], before["estimated"], before["cost"]) == (1, 1, message["cost"])
    upstream.release()
    final = await settled(client, rows, message["id"])
    after = (await client.get("/api/usage/summary"))["totals"]
    assert (after["requests"], after["estimated"], after["exact"]) == (1, 0, 1)
    assert after["cost"] == final["cost"] == (IN * 1_000 + OUT * 10_000) / 1e9


async def test_nobody_listens_for_longer_than_was_said(client: Client, rows: Rows, fake: FakeProvider) -> None:
    upstream = Upstream(fake, "hasty/paid")
    message = await stopped_while_it_runs(client, upstream)
    await upstream.reached("hung_up")
    final = await settled(client, rows, message["id"])
    (row,) = rows.usage(message["id"])
    assert bill_of(row) == ("cancelled", "estimated", COUNTED, count_tokens(SAID))
    check_sums([row], final)


async def test_nobody_listens_without_an_end(client: Client, rows: Rows, fake: FakeProvider) -> None:
    """A model that will not stop is left when it has said more than anyone would have read."""
    endless: tuple[Step, ...] = (Text(SAID), Gate(), *(Text("0123456789" * 1_000) for _ in range(25)), Stall())
    upstream = Upstream(fake, "patient/paid").script(Answer(endless))
    async with client.stream(PROMPT, model=upstream.model) as stream:
        await upstream.waiting()
        await stream.until("delta")
        message = (await client.post(f"/api/messages/{stream.events[0].json['message_id']}/stop")).json
    upstream.release()
    await upstream.reached("hung_up")
    final = await settled(client, rows, message["id"])
    (row,) = rows.usage(message["id"])
    assert (row["status"], row["cost_status"], final["content"]) == ("cancelled", "estimated", SAID)
    # What was heard is charged for, though nobody saw it.
    assert row["tokens_output"] > 20 * count_tokens("0123456789" * 1_000)
    check_sums([row], final)


async def test_a_stopped_answer_is_not_asked_again(client: Client, rows: Rows, fake: FakeProvider) -> None:
    """Its upstream fails before the first word, while nobody waits for one any more."""
    upstream = Upstream(fake, "patient/paid").script(Answer((Gate(), StreamError())), HELLO)
    submission = await client.submit(PROMPT, model=upstream.model)
    await upstream.waiting()
    message = (await client.post(f"/api/messages/{submission['message_id']}/stop")).json
    upstream.release()
    await settled(client, rows, message["id"])
    assert [bill_of(row) for row in rows.usage(message["id"])] == [("cancelled", "estimated", COUNTED, 0)]
    assert len(upstream.exchanges) == 1


async def test_a_conversation_that_is_deleted_meanwhile_is_billed_all_the_same(
    start: Start, fake: FakeProvider
) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), Upstream(fake, "patient/paid")
    message = await stopped_while_it_runs(client, upstream)
    assert (await client.ask("DELETE", f"/api/conversations/{message['conversation_id']}")).status == 204
    held = rows.one("SELECT * FROM reservations")
    assert (held["message_id"], held["amount"] > 0) == (rows.one("SELECT * FROM usage_logs")["id"], True)
    upstream.release()
    await rows.until(lambda: rows.one("SELECT * FROM usage_logs")["cost_status"] == "exact", "the last word")
    assert rows.all("SELECT * FROM reservations") == []
    row = rows.one("SELECT * FROM usage_logs")
    assert bill_of(row) == ("cancelled", "exact", IN, OUT)
    assert (row["message_id"], row["conversation_id"]) == (None, None)
    assert (await client.get("/api/usage/summary"))["totals"]["cost"] == row["cost"] / 1e9


async def test_a_bill_whose_words_are_deleted_and_whose_last_word_is_killed_stays_one(
    start: Start, fake: FakeProvider
) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), Upstream(fake, "patient/paid")
    message = await stopped_while_it_runs(client, upstream)
    await client.ask("DELETE", f"/api/conversations/{message['conversation_id']}")
    await client.server.kill()
    await client.server.start()
    assert bill_of(rows.one("SELECT * FROM usage_logs")) == ("cancelled", "estimated", COUNTED, count_tokens(SAID))
    assert rows.all("SELECT * FROM reservations") == []


@pytest.mark.parametrize("is_killed", [True, False])
async def test_the_end_of_the_server_leaves_the_bill_that_there_was(
    is_killed: bool, start: Start, fake: FakeProvider
) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), Upstream(fake, "patient/paid")
    message = await stopped_while_it_runs(client, upstream)
    if is_killed:
        await client.server.kill()
    else:
        async with asyncio.timeout(10):
            assert await client.server.terminate() == 0
    await client.server.start()
    (row,) = rows.usage(message["id"])
    assert bill_of(row) == ("cancelled", "estimated", COUNTED, count_tokens(SAID))
    final = await client.get(f"/api/messages/{message['id']}")
    check_sums([row], final)
    assert (final["status"], final["content"]) == ("stopped", SAID)
    assert rows.all("SELECT * FROM reservations") == []


async def test_the_last_word_waits_for_a_locked_database(start: Start, fake: FakeProvider) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), Upstream(fake, "patient/paid")
    message = await stopped_while_it_runs(client, upstream)
    with closing(rows.connect()) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        upstream.release()
        await client.server.logged(re.compile(f"what the stopped answer {message['id']} cost has to wait"))
        lock.execute("ROLLBACK")
    assert (await settled(client, rows, message["id"]))["cost_status"] == "exact"


# Never lost, never doubled.


async def test_what_was_said_to_be_done_is_in_the_ledger_whatever_happens_next(
    start: Start, fake: FakeProvider
) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), paid(fake)
    upstream.script(HELLO)
    done = 0
    for _ in range(4):
        endings = [asyncio.create_task(client.answered(PROMPT, model=upstream.model)) for _ in range(3)]
        ended, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        await client.server.kill()
        # Those that had not ended see their stream break; of those that had, some may have ended at the last moment.
        results = await asyncio.gather(*endings, return_exceptions=True)
        done += sum(isinstance(result, dict) for result in results)
        assert len(ended) >= 1
        await client.server.start()
    found = rows.all("SELECT * FROM usage_logs")
    exact = [row for row in found if row["cost_status"] == "exact"]
    assert len(exact) >= done
    # As many calls as the provider was asked for, at least where it was: one that was about to go out may be there too.
    assert len({row["id"] for row in found}) == len(found) >= len(upstream.exchanges)
    assert len(found) == len(rows.all("SELECT * FROM messages WHERE role = 'assistant'"))
    assert {bill_of(row) for row in exact} == {FINISHED}
    totals = (await client.get("/api/usage/summary"))["totals"]
    assert round(totals["cost"] * 1e9) == sum(row["cost"] for row in found)
    assert totals["requests"] == len(found)


async def test_a_try_that_failed_is_not_lost_with_the_server(start: Start, fake: FakeProvider) -> None:
    """It may be charged for, and the next one runs already."""
    client = await start()
    rows = Rows(client.server.database_path)
    upstream = paid(fake).script(Hangup(), Answer((Text(SAID), Gate())))
    submission = await client.submit(PROMPT, model=upstream.model)
    await upstream.waiting(2)
    await rows.until(lambda: len(rows.chunks(submission["message_id"])) >= 3, "the first words to be stored")
    await client.server.kill()
    await client.server.start()
    found = rows.usage(submission["message_id"])
    said = count_tokens(SAID)
    assert [bill_of(row) for row in found] == [SENT, ("cancelled", "estimated", COUNTED, said)]
    check_sums(found, await client.get(f"/api/messages/{submission['message_id']}"))


async def test_what_is_deleted_or_copied_changes_no_sum(start: Start, fake: FakeProvider) -> None:
    client = await start()
    upstream = paid(fake).script(HELLO)
    kept, gone = [await client.answered(PROMPT, model=upstream.model) for _ in range(2)]
    before = await client.get("/api/usage/summary")
    assert before["totals"]["requests"] == 2
    place = f"/api/conversations/{kept['conversation_id']}"
    copy = (await client.post(f"{place}/clone")).json
    assert (await client.ask("DELETE", f"/api/conversations/{gone['conversation_id']}")).status == 204
    assert await client.get("/api/usage/summary") == before
    assert (await client.ask("DELETE", place)).status == 204
    assert (await client.ask("DELETE", f"/api/conversations/{copy['id']}")).status == 204
    assert await client.get("/api/usage/summary") == before
    series = await client.get("/api/usage/series?bucket=day&by=model")
    assert sum(bucket["totals"]["requests"] for bucket in series["buckets"]) == 2


# Images.


async def test_an_image_that_was_paid_for_is_kept_when_the_database_is_locked(start: Start, fake: FakeProvider) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), Upstream(fake, IMAGE_MODEL).script(Answer((Gate(),)))
    body = {"prompt": "A slow cat", "model": upstream.model}
    asked = asyncio.create_task(client.post("/api/images/generate", body))
    await upstream.waiting()
    message_id = rows.one("SELECT id FROM messages WHERE role = 'assistant'")["id"]
    async with client.follow(message_id) as stream:
        with closing(rows.connect()) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            upstream.release()
            assert "locked" in (await stream.until("notice")).json["text"]
            lock.execute("ROLLBACK")
        assert (await stream.rest())[-1].name == "done"
    answer = await asked
    assert answer.status == 200
    assert (await client.ask("GET", answer.json["image"]["url"])).status == 200
    (row,) = rows.usage(message_id)
    assert bill_of(row) == ("complete", "exact", 10, 272)
    assert rows.one("SELECT message_id FROM images")["message_id"] == message_id


async def test_an_image_that_was_killed_is_billed_as_an_image(start: Start, fake: FakeProvider) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), Upstream(fake, IMAGE_MODEL).script(Answer((Gate(),)))
    body = {"prompt": "A slow cat", "model": upstream.model}
    asked = asyncio.create_task(client.post("/api/images/generate", body))
    await upstream.waiting()
    await client.server.kill()
    await asyncio.gather(asked, return_exceptions=True)
    await client.server.start()
    row = rows.one("SELECT * FROM usage_logs")
    assert (row["operation_name"], row["device_id"], row["error_type"]) == ("image_generation", "phone", "interrupted")
    tokens = row["tokens_output_image"]
    assert bill_of(row) == ("cancelled", "estimated", count_tokens("A slow cat"), tokens)
    assert tokens > 1_000
    check_sums([row], await client.get(f"/api/messages/{row['message_id']}"))


async def test_images_are_listed_the_newest_first(start: Start, fake: FakeProvider) -> None:
    client = await start()
    Upstream(fake, IMAGE_MODEL).script(Answer(()))
    assert await client.get("/api/images") == {"images": [], "next_cursor": None}
    made = [
        (await client.post("/api/images/generate", {"prompt": f"Cat {at}", "model": IMAGE_MODEL})).json
        for at in range(3)
    ]
    newest, *_ = page = (await client.get("/api/images"))["images"]
    assert [image["prompt"] for image in page] == ["Cat 2", "Cat 1", "Cat 0"]
    message = made[2]["message"]
    assert newest == {
        "id": made[2]["image"]["id"],
        "url": made[2]["image"]["url"],
        "media_type": "image/png",
        "model": IMAGE_MODEL,
        "prompt": "Cat 2",
        "conversation_id": message["conversation_id"],
        "message_id": message["id"],
        "cost": message["cost"],
        "cost_status": "exact",
        "created_at": newest["created_at"],
    }
    first = await client.get("/api/images?limit=2")
    rest = await client.get(f"/api/images?limit=2&cursor={first['next_cursor']}")
    assert [*first["images"], *rest["images"]] == page
    assert rest["next_cursor"] is None

    place = f"/api/conversations/{message['conversation_id']}"
    assert (await client.post(f"{place}/clone")).status == 201
    assert (await client.ask("DELETE", place)).status == 204
    orphan = (await client.get("/api/images"))["images"][0]
    assert orphan == {**newest, "conversation_id": None, "message_id": None, "cost": None, "cost_status": None}
