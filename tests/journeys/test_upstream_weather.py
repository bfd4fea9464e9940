"""Upstreams that refuse, fall silent, break off or talk nonsense: what was said is kept, and the end is one."""

import pytest

from tests.fake_provider import (
    HELLO,
    Answer,
    Cut,
    End,
    FakeProvider,
    Gate,
    Raw,
    Refusal,
    Scenario,
    Stall,
    StreamError,
    Text,
    Tokens,
)
from tests.journeys.client import Client, text_of
from tests.journeys.rows import Rows
from tests.journeys.upstream import PROVIDERS, Provider, Upstream, catalog_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = {"MAX_RETRIES": "1", "FIRST_TOKEN_TIMEOUT_SECONDS": "0.5", "IDLE_TIMEOUT_SECONDS": "0.5"}

REFUSALS: dict[str, tuple[str, int]] = {
    "fake-401": ("upstream_auth", 1),
    "fake-404": ("not_found", 1),
    "fake-400": ("invalid_request", 1),
    "fake-500": ("upstream_error", 2),
    "fake-529": ("overloaded", 2),
    "fake-html": ("upstream_error", 2),
    "fake-hangup": ("upstream_error", 2),
    "fake-json": ("upstream_error", 1),
    "fake-redirect": ("upstream_error", 1),
}
"""Scenario: what the message says of it, and how often it was tried."""


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refusal_ends_the_answer_and_keeps_the_prompt(
    provider: Provider, name: str, client: Client, rows: Rows, fake: FakeProvider
) -> None:
    error_type, tries = REFUSALS[name]
    upstream = Upstream(fake, catalog_id(provider, name))
    async with client.stream("Keep me", model=upstream.model) as stream:
        events = await stream.rest()
    assert [event.name for event in events if event.name != "usage"] == ["start", *["notice"] * (tries - 1), "error"]
    message = events[-1].json["message"]
    assert events[-1].json["error"] == message["error"]
    assert (message["status"], message["content"], message["finish_reason"]) == ("error", "", "error")
    assert message["error"]["type"] == error_type
    assert (
        upstream.model.partition("/")[0][:4] in message["error"]["message"] or provider in message["error"]["message"]
    )
    assert len(upstream.exchanges) == tries
    # A refusal costs nothing. What came in place of a stream may have been an answer, and so may what was lost when
    # the line broke behind the request; nobody knows its price.
    cost = None if name in ("fake-json", "fake-hangup") else 0
    assert [(row["status"], row["error_type"], row["cost"]) for row in rows.usage(message["id"])] == [
        ("error", error_type, cost)
    ] * tries
    assert (await client.get(f"/api/messages/{message['parent_id']}"))["content"] == "Keep me"
    assert await client.replay(message["id"]) == events


async def test_a_limit_that_passes_is_waited_for(client: Client, rows: Rows, upstream: Upstream) -> None:
    upstream.script(Refusal(429, "rate_limit_exceeded", "Slow down", {"Retry-After": "0.1"}), HELLO)
    async with client.stream(model=upstream.model) as stream:
        events = await stream.rest()
    (notice,) = [event.json["text"] for event in events if event.name == "notice"]
    assert "Slow down" in notice
    assert "Trying again" in notice
    message = events[-1].json["message"]
    assert (message["status"], message["content"], message["error"]) == ("complete", "Hello, world! ⚡", None)
    assert [row["status"] for row in rows.usage(message["id"])] == ["error", "complete"]
    assert await client.replay(message["id"]) == events


async def test_a_limit_that_lasts_is_not_waited_for(client: Client, upstream: Upstream) -> None:
    upstream.script(Refusal(429, "rate_limit_exceeded", "Slow down", {"Retry-After": "3600"}))
    message = await client.answered(model=upstream.model)
    assert (message["status"], message["error"]["type"]) == ("error", "rate_limited")
    assert len(upstream.exchanges) == 1


BREAKS: dict[str, tuple[Scenario, str]] = {
    "cut": (Answer((Text("I begin and "), Text("then"), Cut())), "upstream_error"),
    "stall": (Answer((Text("I begin and "), Text("then"), Stall())), "timeout"),
    "no end": (Answer((Text("I begin and "), Text("then"), End())), "upstream_error"),
    "error": (Answer((Text("I begin and "), Text("then"), StreamError())), "overloaded"),
}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_break_in_the_middle_keeps_what_was_said_and_is_not_tried_again(
    provider: Provider, name: str, client: Client, rows: Rows, fake: FakeProvider
) -> None:
    scenario, error_type = BREAKS[name]
    upstream = Upstream(fake, catalog_id(provider, f"break-{name}")).script(scenario)
    async with client.stream("Twelve chars", model=upstream.model) as stream:
        events = await stream.rest()
    message = events[-1].json["message"]
    assert events[-1].name == "error"
    assert (message["status"], message["error"]["type"]) == ("error", error_type)
    assert text_of(events) == message["content"] == "I begin and then"
    assert len(upstream.exchanges) == 1
    (row,) = rows.usage(message["id"])
    assert (row["status"], row["error_type"], row["tokens_output"]) == ("error", error_type, 4)
    assert await client.get(f"/api/messages/{message['id']}") == message
    assert await client.replay(message["id"]) == events


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_silence_before_the_first_word_is_tried_again_and_then_given_up(
    provider: Provider, client: Client, rows: Rows, fake: FakeProvider
) -> None:
    upstream = Upstream(fake, catalog_id(provider, "fake-comments-only"))
    message = await client.answered(model=upstream.model)
    assert (message["status"], message["error"]["type"]) == ("error", "timeout")
    assert "FIRST_TOKEN_TIMEOUT_SECONDS" in message["error"]["message"]
    for number in (1, 2):
        await upstream.reached("hung_up", number)
    assert len(rows.usage(message["id"])) == 2


async def test_an_error_before_the_first_word_is_tried_again(client: Client, upstream: Upstream) -> None:
    upstream.script(Answer((StreamError(),)), HELLO)
    message = await client.answered(model=upstream.model)
    assert (message["status"], message["content"]) == ("complete", "Hello, world! ⚡")


async def test_a_server_that_is_not_there_is_named(client: Client, rows: Rows) -> None:
    message = await client.answered(model="nobody/home")
    assert (message["status"], message["error"]["type"]) == ("error", "upstream_error")
    assert "Cannot connect to 127.0.0.1:1" in message["error"]["message"]
    assert [row["cost"] for row in rows.usage(message["id"])] == [0, 0]


async def test_after_a_failure_the_conversation_goes_on(client: Client, upstream: Upstream) -> None:
    upstream.script(Answer((Text("Half "), Cut())), HELLO)
    broken = await client.answered("First", model=upstream.model)
    message = await client.answered("Second", conversation_id=broken["conversation_id"])
    assert message["content"] == "Hello, world! ⚡"
    sent = [(each["role"], each["content"]) for each in upstream.exchanges[1].body["messages"]]
    assert sent == [("user", "First"), ("assistant", "Half "), ("user", "Second")]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_after_a_failure_without_a_word_the_conversation_goes_on(
    provider: Provider, client: Client, fake: FakeProvider
) -> None:
    """Providers refuse an empty answer in the history, so it is left out, and so that two prompts follow each other."""
    upstream = Upstream(fake, catalog_id(provider, "first-fails"))
    upstream.script(Refusal(401, "invalid_api_key", "no"), HELLO)
    broken = await client.answered("First", model=upstream.model)
    message = await client.answered("Second", conversation_id=broken["conversation_id"])
    assert message["content"] == "Hello, world! ⚡"
    body = upstream.exchanges[1].body
    assert "First" in str(body)
    assert "Second" in str(body)
    assert not [each for each in body.get("messages", body.get("input")) if not each.get("content")]


async def test_a_message_costs_what_all_its_attempts_cost(client: Client, rows: Rows, upstream: Upstream) -> None:
    """The first one was accepted and failed before a word: it may be charged for, and nobody says how much."""
    priced = Upstream(upstream.fake, "claude-3-haiku-20240307")
    priced.script(Answer((StreamError(),)), HELLO)
    message = await client.answered(model=priced.model)
    attempts = rows.usage(message["id"])
    assert [row["cost_status"] for row in attempts] == ["bounded", "exact"]
    assert min(row["cost"] for row in attempts) > 0
    assert round(message["cost"] * 1e9) == sum(row["cost"] for row in attempts)
    assert message["cost_status"] == "bounded"


async def test_a_late_end_is_an_end(client: Client, upstream: Upstream) -> None:
    """A pause below the limit is no break."""
    upstream.script(Answer((Text("Slow "), Gate(), Text("but whole"))))
    async with client.stream(model=upstream.model) as stream:
        await stream.until("delta")
        upstream.release()
        assert (await stream.rest())[-1].json["message"]["content"] == "Slow but whole"


async def test_half_a_character_does_not_hurt(client: Client, upstream: Upstream) -> None:
    """Some servers cut an emoji into two escapes and send each half by itself."""
    pieces = ('{"content":"A \\ud83d"}', '{"content":"\\ude00 B"}')
    body = "".join(f'data: {{"id":"x","choices":[{{"index":0,"delta":{piece}}}]}}\n\n' for piece in pieces)
    upstream.script(Raw(200, {"Content-Type": "text/event-stream"}, f"{body}data: [DONE]\n\n".encode()))
    message = await client.answered(model=upstream.model)
    assert (message["status"], message["content"]) == ("complete", "A \ufffd\ufffd B")
    assert await client.get(f"/api/messages/{message['id']}") == message


@pytest.mark.parametrize("count", [-5, 2**63, 10**30])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_count_beyond_reason_does_not_hold_the_answer(
    provider: Provider, count: int, client: Client, fake: FakeProvider
) -> None:
    upstream = Upstream(fake, catalog_id(provider, "counts-oddly"))
    upstream.script(Answer((Text("Said"),), Tokens(output=count)))
    message = await client.answered(model=upstream.model)
    assert (message["status"], message["content"]) == ("complete", "Said")
    assert await client.get(f"/api/messages/{message['id']}") == message
