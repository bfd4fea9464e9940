"""Budgets held against a server in a hurry: many at once, a restart in the middle, and one that is let through."""

import asyncio
import re
from typing import Any

import pytest

from llm_router.domain.tokens import MESSAGE_TOKENS, measure
from tests.fake_provider import HELLO, Answer, FakeProvider, Gate, Text, Tokens
from tests.journeys.client import Client
from tests.journeys.conftest import Start
from tests.journeys.rows import Rows
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMPT = "Hello?"
IMAGE_MODEL = "gpt-image-paid"
LIMIT = 0.05
NANO = 1_000_000_000
COST = 11 * 1_000 + 3 * 1_000_000
"""What each answer of `dear` costs in nano-dollars: three tenths of a cent, and its prompt."""
MAX_TOKENS = 4
WORST = (measure(PROMPT).high + MESSAGE_TOKENS) * 1_000 + MAX_TOKENS * 1_000_000
"""What it may cost, and so what is held back for it."""


def dear(fake: FakeProvider, *, gated: bool = False) -> Upstream:
    steps = (Text("Three dear "), Gate(), Text("words")) if gated else (Text("Three dear words"),)
    return Upstream(fake, "ollama/dear").script(Answer(steps, Tokens(output=3)))


async def limited(client: Client, limit: float | str = LIMIT, **of: Any) -> Any:
    answer = await client.post("/api/budgets", {"period": "day", "scope": "overall", "limit": limit, **of})
    assert answer.status == 201, answer
    return answer.json


async def status(client: Client) -> Any:
    (budget,) = (await client.get("/api/budgets"))["budgets"]
    (only,) = budget["status"]
    return only


async def asked(client: Client, upstream: Upstream, **body: Any) -> tuple[int, Any]:
    given = {"message": PROMPT, "model": upstream.model, "max_tokens": MAX_TOKENS, **body}
    answer = await client.post("/api/chat/submit", given)
    return answer.status, answer.json


@pytest.mark.parametrize("gated", [True, False])
async def test_a_hundred_at_once_never_overspend_by_more_than_one_answer(
    gated: bool, start: Start, fake: FakeProvider
) -> None:
    client = await start(MAX_CONCURRENT_RUNS="200")
    rows, upstream = Rows(client.server.database_path), dear(fake, gated=gated)
    await limited(client)
    taken: list[str] = []
    for _ in range(3):  # who is refused asks again when others have ended
        answers = await asyncio.gather(*(asked(client, upstream) for _ in range(100)))
        assert {status for status, _ in answers} <= {202, 402}
        if gated:
            held = (await status(client))["reserved"] * NANO
            spent = sum(row["cost"] for row in rows.all("SELECT cost FROM usage_logs"))
            assert spent + held <= LIMIT * NANO + WORST
        new = [body["message_id"] for code, body in answers if code == 202]
        if gated:
            upstream.release(len(new))
        for message_id in new:
            assert (await client.finished(message_id))["status"] == "complete"
        taken += new
    spent = sum(row["cost"] for row in rows.all("SELECT cost FROM usage_logs"))
    assert LIMIT * NANO - WORST < spent <= LIMIT * NANO + COST
    assert spent == len(taken) * COST
    # Those that were refused were neither written down nor asked.
    assert len(upstream.exchanges) == len(taken)
    assert rows.counts()["conversations"] == len(taken)
    assert (await status(client))["spent"] == spent / NANO


async def test_a_refusal_says_why_and_changes_nothing(start: Start, fake: FakeProvider) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), dear(fake)
    budget = await limited(client, "0.003")
    assert (await asked(client, upstream))[0] == 202  # alone, it may cost more than is left
    await rows.until(lambda: rows.all("SELECT * FROM reservations") == [], "the bill")
    before = rows.counts()
    message_id = rows.one("SELECT id FROM messages WHERE role = 'assistant'")["id"]
    body = {"message": PROMPT, "model": upstream.model}
    refusals = [
        await client.post(path, given)
        for path, given in (
            ("/api/chat/submit", body),
            ("/api/chat/stream", body),
            (f"/api/messages/{message_id}/retry", {"max_tokens": 1}),
            ("/api/images/generate", {"prompt": "A cat", "model": IMAGE_MODEL}),
        )
    ]
    for answer in refusals:
        assert (answer.status, answer.error["type"]) == (402, "budget_exceeded")
        details = answer.error["details"]
        assert (details["budget_id"], details["limit"], details["spent"]) == (budget["id"], 0.003, COST / NANO)
        assert "Today's budget has no room for this: $0.003 of $0.003 is spent" in answer.error["message"]
        assert re.search(r"It begins anew on \w+day \d+ \w+ at 00:00", answer.error["message"])
    assert rows.counts() == before
    assert len(upstream.exchanges) == 1


async def test_an_override_lets_one_through_and_is_written_down(start: Start, fake: FakeProvider) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), dear(fake)
    Upstream(fake, IMAGE_MODEL).script(Answer(()))
    await limited(client, "0.003")
    message = await client.answered(PROMPT, model=upstream.model)
    assert (await asked(client, upstream))[0] == 402
    code, taken = await asked(client, upstream, budget_override=True)
    assert code == 202
    await client.finished(taken["message_id"])
    retried = await client.post(f"/api/messages/{message['id']}/retry", {"budget_override": True})
    assert retried.status == 202
    await client.finished(retried.json["message_id"])
    image = {"prompt": "A cat", "model": IMAGE_MODEL, "budget_override": True}
    assert (await client.post("/api/images/generate", image)).status == 200
    assert (await asked(client, upstream))[0] == 402
    overridden = rows.all("SELECT message_id FROM usage_logs WHERE budget_override = 1")
    assert len(overridden) == 3
    assert rows.usage(message["id"])[0]["budget_override"] is None
    lines = [line for line in client.server.log if "was overridden" in line]
    assert [taken["message_id"] in line for line in lines] == [True, False, False]


async def test_what_was_held_back_by_a_server_that_was_killed_is_let_go(start: Start, fake: FakeProvider) -> None:
    client = await start()
    rows, upstream = Rows(client.server.database_path), dear(fake, gated=True)
    await limited(client, "0.006")
    code, _ = await asked(client, upstream)
    assert code == 202
    await upstream.waiting()
    assert (await asked(client, upstream))[0] == 402
    assert await status(client) == {**(await status(client)), "spent": 0.0, "reserved": WORST / NANO}
    await client.server.kill()
    await client.server.start()
    (row,) = rows.all("SELECT * FROM usage_logs")
    now = await status(client)
    assert (row["cost_status"], now["spent"], now["reserved"]) == ("estimated", row["cost"] / NANO, 0.0)
    code, taken = await asked(client, upstream)
    assert code == 202
    upstream.release()
    assert (await client.finished(taken["message_id"]))["status"] == "complete"
    assert (await status(client))["spent"] == (row["cost"] + COST) / NANO


async def test_a_refused_or_failed_call_gives_its_money_back(start: Start, fake: FakeProvider) -> None:
    client = await start()
    await limited(client)
    message = await client.answered(PROMPT, model="ollama/fake-400")
    assert message["status"] == "error"
    assert (await status(client))["reserved"] == 0.0


@pytest.mark.parametrize("scope", ["device", "model"])
async def test_each_device_and_each_model_has_its_own(scope: str, start: Start, fake: FakeProvider) -> None:
    client = await start()
    upstream, other = dear(fake), Upstream(fake, "ollama/paid").script(HELLO)
    await limited(client, "0.003", scope=scope)
    await client.answered(PROMPT, model=upstream.model)
    code, body = await asked(client, upstream)
    assert (code, body["error"]["details"]["subject"]) == (402, "phone" if scope == "device" else upstream.model)
    assert (await asked(client, other))[0] == (402 if scope == "device" else 202)
    assert (await asked(client.at("laptop"), upstream))[0] == (202 if scope == "device" else 402)


async def test_budgets_are_made_listed_and_deleted(start: Start) -> None:
    client = await start()
    assert await client.get("/api/budgets") == {"budgets": []}
    await client.answered(PROMPT, model="ollama/fake-hello")  # so that the device is known
    made = [
        await limited(client, 5),
        await limited(client, 0.1, period="month", scope="device", subject="phone"),
        await limited(client, "2.50", scope="model", subject="ollama/fake-hello"),
        await limited(client, 1, scope="model"),
    ]
    assert [budget["limit"] for budget in made] == [5.0, 0.1, 2.5, 1.0]
    assert [budget["subject"] for budget in made] == [None, "phone", "ollama/fake-hello", None]
    assert [len(budget["status"]) for budget in made] == [1, 1, 1, 1]
    assert made[0]["status"][0]["unpriced"] == 1
    assert (await client.get("/api/budgets"))["budgets"] == made
    answer = await client.ask("DELETE", f"/api/budgets/{made[0]['id']}")
    assert (answer.status, answer.body) == (204, b"")
    assert (await client.get("/api/budgets"))["budgets"] == made[1:]
    assert (await client.ask("DELETE", f"/api/budgets/{made[0]['id']}")).status == 404


async def test_a_sum_is_kept_to_the_nano_dollar(start: Start) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    for limit in ("0.000000001", 0.1, 999_999.999999999, "1000000"):
        await limited(client, limit)
    amounts = [row["amount"] for row in rows.all("SELECT amount FROM budgets ORDER BY id")]
    assert amounts == [1, 100_000_000, 999_999_999_999_999, 10**15]


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"limit": 0}, 400, "`limit` should be greater than 0"),
        ({"limit": -1}, 400, "`limit` should be greater than 0"),
        ({"limit": 1_000_001}, 400, "`limit` should be less than or equal to 1000000"),
        ({"limit": "1e-10"}, 400, "9 decimal places"),
        ({"limit": "much"}, 400, "`limit` should be a valid decimal"),
        ({"limit": None}, 400, "`limit`"),
        ({"limit": True}, 400, "`limit`"),
        ({"limit": 10**400}, 400, "`limit`"),
        ({"period": "week"}, 400, "`period`"),
        ({"scope": "user"}, 400, "`scope`"),
        ({"subject": "phone"}, 400, "no subject"),
        ({"scope": "device", "subject": "nobody"}, 404, "no such device"),
        ({"scope": "model", "subject": "no-such-model"}, 404, "no model is called"),
        ({"limits": 5}, 400, "`limits` is not a field of this request"),
    ],
)
async def test_what_makes_no_budget_is_told_why(
    body: dict[str, Any], code: int, words: str, client: Client, rows: Rows
) -> None:
    answer = await client.post("/api/budgets", {"period": "day", "scope": "overall", "limit": 1, **body})
    assert (answer.status, words in answer.error["message"]) == (code, True), answer.error
    assert rows.all("SELECT * FROM budgets") == []
