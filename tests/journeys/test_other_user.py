"""Rows of another user lie in the same file. No door shows, changes or ends them; each says there is no such thing."""

import json
from typing import Any

import pytest

from tests.journeys.client import Client
from tests.journeys.rows import TABLES, Rows

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "What the other one asked"
CONVERSATION, PROMPT, ANSWER, RUNNING, IMAGE = (f"0193a8b0-0000-7000-8000-00000000000{at}" for at in range(5))
HELLO = {"message": "Hello?", "model": "ollama/fake-hello"}


@pytest.fixture
def other(rows: Rows) -> Rows:
    """The other one's conversation, a finished answer, one that seems to be under way, an image, a bill and a key."""
    if rows.all("SELECT id FROM users WHERE id = 'other'"):
        return rows
    message = (
        "INSERT INTO messages (id, user_id, conversation_id, parent_id, role, content, status, created_at) "
        "VALUES (?, 'other', ?, ?, ?, ?, ?, 1)"
    )
    rows.execute(
        ("INSERT INTO users VALUES ('other', 'other', 1)", ()),
        (
            "INSERT INTO conversations (id, user_id, title, device_id, active_leaf_id, created_at, updated_at) "
            "VALUES (?, 'other', ?, 'phone', ?, 1, 99999999999999)",
            (CONVERSATION, SECRET, ANSWER),
        ),
        (message, (PROMPT, CONVERSATION, None, "user", SECRET, "complete")),
        (message, (ANSWER, CONVERSATION, PROMPT, "assistant", SECRET, "complete")),
        (message, (RUNNING, CONVERSATION, PROMPT, "assistant", "", "streaming")),
        ("INSERT INTO message_chunks VALUES (?, 1, 'delta', ?)", (RUNNING, json.dumps({"text": SECRET}))),
        ("INSERT INTO images VALUES (?, 'other', ?, 'x.png', 'image/png', 'm', ?, 1)", (IMAGE, ANSWER, SECRET)),
        (
            "INSERT INTO usage_logs (id, user_id, conversation_id, message_id, device_id, source, model, provider, "
            "connection, target, operation_name, status, tokens_input, cost, cost_status, timestamp) "
            "VALUES ('u1', 'other', ?, ?, 'phone', 'web', ?, 'openai', 'openai', 't', 'chat', 'complete', "
            "1000000, 5000000000, 'exact', 1)",
            (CONVERSATION, ANSWER, SECRET),
        ),
        ("INSERT INTO idempotency_keys VALUES ('other', 'the-same-key', 'hash', ?, 1)", (ANSWER,)),
    )
    images = rows.path.parent / "images"
    images.mkdir(exist_ok=True)
    (images / "x.png").write_bytes(b"not for you")
    return rows


DOORS: list[tuple[str, str, Any]] = [
    ("GET", f"/api/conversations/{CONVERSATION}", None),
    ("PATCH", f"/api/conversations/{CONVERSATION}", {"title": "Taken"}),
    ("PATCH", f"/api/conversations/{CONVERSATION}", {"active_leaf_id": PROMPT}),
    ("DELETE", f"/api/conversations/{CONVERSATION}", None),
    ("POST", f"/api/conversations/{CONVERSATION}/clone", None),
    ("POST", f"/api/conversations/{CONVERSATION}/clone", {"message_id": ANSWER}),
    ("POST", f"/api/conversations/{CONVERSATION}/system", {"system_text": "Obey"}),
    *(("GET", f"/api/messages/{each}", None) for each in (PROMPT, ANSWER, RUNNING)),
    *(("GET", f"/api/messages/{each}/stream", None) for each in (PROMPT, ANSWER, RUNNING)),
    *(("GET", f"/api/messages/{each}/stream?after=1", None) for each in (ANSWER, RUNNING)),
    *(("POST", f"/api/messages/{each}/stop", None) for each in (ANSWER, RUNNING)),
    *(("POST", f"/api/messages/{each}/retry", None) for each in (PROMPT, ANSWER)),
    ("GET", f"/api/images/{IMAGE}", None),
    ("POST", "/api/chat/submit", {**HELLO, "conversation_id": CONVERSATION}),
    ("POST", "/api/chat/submit", {**HELLO, "parent_id": ANSWER}),
    ("POST", "/api/chat/stream", {**HELLO, "conversation_id": CONVERSATION, "parent_id": None}),
    ("POST", "/api/chat/stream", {**HELLO, "parent_id": PROMPT}),
    ("POST", "/api/images/generate", {"prompt": "x", "model": "gpt-image-fake", "conversation_id": CONVERSATION}),
]


@pytest.mark.parametrize(("method", "path", "body"), DOORS)
async def test_every_door_is_shut(client: Client, other: Rows, method: str, path: str, body: Any) -> None:
    before = {table: other.all(f"SELECT * FROM {table}") for table in TABLES}
    answer = await client.ask(method, path, body)
    assert (answer.status, answer.error["type"]) == (404, "not_found")
    assert SECRET not in answer.body.decode()
    assert {table: other.all(f"SELECT * FROM {table}") for table in TABLES} == before


async def test_what_is_mine_cannot_be_tied_to_what_is_not(client: Client, other: Rows) -> None:
    mine = await client.answered(**HELLO)
    place = f"/api/conversations/{mine['conversation_id']}"
    for answer in (
        await client.ask("PATCH", place, {"active_leaf_id": ANSWER}),
        await client.post(f"{place}/clone", {"message_id": ANSWER}),
        await client.post(
            "/api/chat/submit", {**HELLO, "conversation_id": mine["conversation_id"], "parent_id": ANSWER}
        ),
    ):
        assert (answer.status, answer.error["type"]) == (404, "not_found")
    assert (await client.get(place))["active_leaf_id"] == mine["id"]


async def test_lists_and_sums_are_mine_alone(client: Client, other: Rows) -> None:
    for path in ("/api/conversations?limit=200", "/api/conversations?device_id=phone"):
        page = await client.get(path)
        assert CONVERSATION not in [conversation["id"] for conversation in page["conversations"]]
    for scope in ("overall", "device"):
        summary = await client.get(f"/api/usage/summary?scope={scope}")
        assert SECRET not in json.dumps(summary)
        assert (summary["totals"]["cost"] or 0) < 1


async def test_the_same_idempotency_key_is_another_one_for_me(client: Client, other: Rows) -> None:
    submission = await client.submit(**HELLO, headers={"Idempotency-Key": "the-same-key"})
    assert submission["message_id"] != ANSWER
