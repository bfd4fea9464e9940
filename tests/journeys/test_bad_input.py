"""Requests that make no sense: each gets its status and the one error body, and nothing is written down."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.fake_provider import Answer, FakeProvider, Refusal, Scenario, StreamError, Text
from tests.journeys.client import KEYS, Client
from tests.journeys.rows import Rows
from tests.journeys.server import PATIENCE_SECONDS
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = "0193a8b0-0000-7000-8000-000000000000"
HELLO = {"message": "Hello?", "model": "ollama/fake-hello"}


@dataclass(frozen=True)
class Case:
    status: int
    type: str
    method: str
    path: str
    """`{message}` and `{conversation}` are ids that exist."""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    """A word that a person needs."""


def prompt(status: int, type: str, says: str = "", **changes: Any) -> Case:
    return Case(status, type, "POST", "/api/chat/submit", {**HELLO, **changes}, says=says)


CASES = {
    "unknown model": prompt(404, "not_found", "nope-9000", model="nope-9000"),
    "unknown connection": prompt(404, "not_found", model="nowhere/llama"),
    "near miss": prompt(404, "not_found", "did you mean", model="olama/fake-hello"),
    "no key": prompt(503, "no_route", "NO_SUCH_API_KEY", model="locked/treasure"),
    "image model": prompt(400, "invalid_request", "/api/images/generate", model="gpt-image-fake"),
    "empty message": prompt(400, "invalid_request", "message", message=""),
    "white message": prompt(400, "invalid_request", "must not be empty", message=" \n\t\u00a0"),
    "number as message": prompt(400, "invalid_request", "message", message=42),
    "list as message": prompt(400, "invalid_request", message=["Hello?"]),
    "null message": prompt(400, "invalid_request", message=None),
    "half a character": Case(
        400, "invalid_request", "POST", "/api/chat/submit", b'{"message": "\\ud83d", "model": "ollama/fake-hello"}'
    ),
    "message of 10 MB": prompt(413, "request_too_large", "4 MB", message="x" * 10_000_000),
    "message of 2 MB": prompt(400, "invalid_request", "message", message="x" * 2_000_000),
    "text as temperature": prompt(400, "invalid_request", "temperature", temperature="0.5"),
    "temperature above 2": prompt(400, "invalid_request", "temperature", temperature=2.1),
    "temperature below 0": prompt(400, "invalid_request", "temperature", temperature=-0.1),
    "temperature above 1 at Anthropic": prompt(
        400, "invalid_request", "from 0 to 1", model="claude-fake-hello", temperature=1.5
    ),
    "temperature where none is taken": prompt(400, "invalid_request", "temperature", model="o3", temperature=0.5),
    "temperature that is no number": Case(
        400, "invalid_request", "POST", "/api/chat/submit", b'{"message": "Hello?", "temperature": NaN}'
    ),
    "unknown reasoning": prompt(400, "invalid_request", "reasoning", reasoning="hard"),
    "reasoning where there is none": prompt(
        400, "invalid_request", "does not reason", model="claude-3-haiku", reasoning="high"
    ),
    "no tokens": prompt(400, "invalid_request", "max_tokens", max_tokens=0),
    "half a token": prompt(400, "invalid_request", "max_tokens", max_tokens=1.5),
    "misspelt field": prompt(400, "invalid_request", "`temprature` is not a field of this request", temprature=1),
    "misspelt field of a retry": Case(
        400, "invalid_request", "POST", "/api/messages/{message}/retry", {"models": "x"}, says="`models`"
    ),
    "misspelt field of an image": Case(
        400, "invalid_request", "POST", "/api/images/generate", {"prompt": "A cat", "sise": "auto"}, says="`sise`"
    ),
    "misspelt field of a conversation": Case(
        400, "invalid_request", "POST", "/api/conversations", {"name": "x"}, says="`name`"
    ),
    "word as override": prompt(400, "invalid_request", "budget_override", budget_override="yes"),
    "unknown conversation": prompt(404, "not_found", conversation_id=UNKNOWN),
    "unknown parent": prompt(404, "not_found", "parent_id", parent_id=UNKNOWN),
    "number as parent": prompt(400, "invalid_request", "parent_id", parent_id=7),
    "white system text": prompt(400, "invalid_request", "system_text", system_text="  "),
    "prompt to stream without text": Case(400, "invalid_request", "POST", "/api/chat/stream", {"message": ""}),
    "stream of an unknown model": Case(
        404, "not_found", "POST", "/api/chat/stream", {"message": "Hello?", "model": "nope-9000"}
    ),
    "no body": Case(400, "invalid_request", "POST", "/api/chat/submit"),
    "no JSON": Case(400, "invalid_request", "POST", "/api/chat/submit", b'{"message": "Hello', says="not JSON"),
    "no UTF-8": Case(400, "invalid_request", "POST", "/api/chat/submit", b'{"message": "\xff\xfe"}'),
    "a list": Case(400, "invalid_request", "POST", "/api/chat/submit", []),
    "a form": Case(
        415,
        "unsupported_media_type",
        "POST",
        "/api/chat/submit",
        json.dumps(HELLO).encode(),
        {"Content-Type": "text/plain"},
        "application/json",
    ),
    "long idempotency key": Case(
        400, "invalid_request", "POST", "/api/chat/submit", HELLO, {"Idempotency-Key": "k" * 129}
    ),
    "bad device": Case(400, "invalid_request", "POST", "/api/chat/submit", HELLO, {"X-Device-ID": "my phone!"}),
    "foreign page": Case(403, "permission", "POST", "/api/chat/submit", HELLO, {"Origin": "https://evil.example"}),
    "unknown message": Case(404, "not_found", "GET", f"/api/messages/{UNKNOWN}"),
    "no id at all": Case(404, "not_found", "GET", "/api/messages/..%2f..%2fetc"),
    "stream of an unknown message": Case(404, "not_found", "GET", f"/api/messages/{UNKNOWN}/stream"),
    "stop of an unknown message": Case(404, "not_found", "POST", f"/api/messages/{UNKNOWN}/stop"),
    "retry of an unknown message": Case(404, "not_found", "POST", f"/api/messages/{UNKNOWN}/retry"),
    "retry with an unknown model": Case(404, "not_found", "POST", "/api/messages/{message}/retry", {"model": "nope"}),
    "retry with a bad temperature": Case(
        400, "invalid_request", "POST", "/api/messages/{message}/retry", {"temperature": 3}
    ),
    "word as Last-Event-ID": Case(
        400, "invalid_request", "GET", "/api/messages/{message}/stream", headers={"Last-Event-ID": "last"}
    ),
    "negative Last-Event-ID": Case(
        400, "invalid_request", "GET", "/api/messages/{message}/stream", headers={"Last-Event-ID": "-1"}
    ),
    "long Last-Event-ID": Case(
        400, "invalid_request", "GET", "/api/messages/{message}/stream", headers={"Last-Event-ID": "1" * 33}
    ),
    "word as after": Case(400, "invalid_request", "GET", "/api/messages/{message}/stream?after=x"),
    "negative after": Case(400, "invalid_request", "GET", "/api/messages/{message}/stream?after=-1"),
    "bad cursor": Case(400, "invalid_request", "GET", "/api/conversations?cursor=!!!", says="cursor"),
    "cursor of another list": Case(400, "invalid_request", "GET", "/api/conversations?cursor=bm9uc2Vuc2U"),
    "cursor beyond ASCII": Case(400, "invalid_request", "GET", "/api/conversations?cursor=%C3%A9"),
    "no limit": Case(400, "invalid_request", "GET", "/api/conversations?limit=0"),
    "large limit": Case(400, "invalid_request", "GET", "/api/conversations?limit=100000"),
    "unknown conversation's tree": Case(404, "not_found", "GET", f"/api/conversations/{UNKNOWN}"),
    "conversation with a white title": Case(400, "invalid_request", "POST", "/api/conversations", {"title": " "}),
    "conversation with an unknown model": Case(404, "not_found", "POST", "/api/conversations", {"model": "nope"}),
    "change of an unknown one": Case(404, "not_found", "PATCH", f"/api/conversations/{UNKNOWN}", {"title": "x"}),
    "unknown leaf": Case(404, "not_found", "PATCH", "/api/conversations/{conversation}", {"active_leaf_id": UNKNOWN}),
    "number as title": Case(400, "invalid_request", "PATCH", "/api/conversations/{conversation}", {"title": 1}),
    "unknown model as default": Case(404, "not_found", "PATCH", "/api/conversations/{conversation}", {"model": "no"}),
    "delete of an unknown one": Case(404, "not_found", "DELETE", f"/api/conversations/{UNKNOWN}"),
    "clone of an unknown one": Case(404, "not_found", "POST", f"/api/conversations/{UNKNOWN}/clone"),
    "clone to an unknown message": Case(
        404, "not_found", "POST", "/api/conversations/{conversation}/clone", {"message_id": UNKNOWN}
    ),
    "system text of an unknown one": Case(
        404, "not_found", "POST", f"/api/conversations/{UNKNOWN}/system", {"system_text": "x"}
    ),
    "empty system text": Case(
        400, "invalid_request", "POST", "/api/conversations/{conversation}/system", {"system_text": ""}
    ),
    "unknown scope": Case(400, "invalid_request", "GET", "/api/usage/summary?scope=everyone"),
    "image without a prompt": Case(400, "invalid_request", "POST", "/api/images/generate", {"prompt": " "}),
    "image of an odd size": Case(
        400, "invalid_request", "POST", "/api/images/generate", {"prompt": "A cat", "size": "huge"}
    ),
    "image from a chat model": Case(
        400,
        "invalid_request",
        "POST",
        "/api/images/generate",
        {"prompt": "A cat", "model": "gpt-fake-hello"},
        says="no images",
    ),
    "image in an unknown conversation": Case(
        404,
        "not_found",
        "POST",
        "/api/images/generate",
        {"prompt": "A cat", "model": "gpt-image-fake", "conversation_id": UNKNOWN},
    ),
    "unknown image": Case(404, "not_found", "GET", f"/api/images/{UNKNOWN}"),
    "unknown route": Case(404, "not_found", "GET", "/api/nothing-here"),
    "wrong method": Case(405, "invalid_request", "DELETE", "/api/chat/submit"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def message(client: Client) -> Any:
    """One that is there, for cases about what is not."""
    return await client.answered(**HELLO)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    case: Case, client: Client, rows: Rows, message: dict[str, str], fake: FakeProvider
) -> None:
    before, asked = rows.counts(), len(fake.requests)
    stood = rows.all("SELECT * FROM conversations")
    path = case.path.format(message=message["id"], conversation=message["conversation_id"])
    answer = await client.ask(case.method, path, case.body, headers=case.headers)
    assert (answer.status, answer.error["type"]) == (case.status, case.type), answer.body
    assert case.says in json.dumps(answer.json, ensure_ascii=False)
    assert len(answer.body) < 2000
    assert answer.error["message"].strip()
    assert rows.counts() == before
    assert rows.all("SELECT * FROM conversations") == stood
    assert len(fake.requests) == asked


async def test_a_message_of_another_conversation_is_no_parent_and_no_leaf(
    client: Client, rows: Rows, message: dict[str, str]
) -> None:
    other = (await client.post("/api/conversations", {"title": "Other"})).json
    before = rows.counts()
    place = f"/api/conversations/{other['id']}"
    for answer in (
        await client.post("/api/chat/submit", {**HELLO, "conversation_id": other["id"], "parent_id": message["id"]}),
        await client.ask("PATCH", place, {"active_leaf_id": message["id"]}),
        await client.post(f"{place}/clone", {"message_id": message["id"]}),
    ):
        assert (answer.status, answer.error["type"]) == (400, "invalid_request")
        assert "another conversation" in answer.error["message"]
    assert rows.counts() == before


@pytest.mark.parametrize(
    "head",
    [
        b"GET /%b",
        b"GET /health HTTP/1.1\r\nX-Long: %b",
        b"GET /health HTTP/1.1\r\nX-%b",
        b"POST /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nX-Trailer: %b",
    ],
)
async def test_a_head_without_an_end_is_not_kept(client: Client, head: bytes) -> None:
    address = urlsplit(client.server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(head % (b"x" * 1_000_000))
        async with asyncio.timeout(PATIENCE_SECONDS):
            with contextlib.suppress(ConnectionError):  # closed on what was not read, which may undo the answer
                await reader.read()
    finally:
        writer.close()
    assert (await client.ask("GET", "/health", headers={"X-Long": "x" * 30_000})).status == 200


@pytest.mark.parametrize("door", ["submit", "stream"])
async def test_nothing_follows_an_answer_that_is_still_made(client: Client, fake: FakeProvider, door: str) -> None:
    submission = await client.submit(model="ollama/fake-gated-2")
    answer = await client.post(
        f"/api/chat/{door}", {"message": "And?", "conversation_id": submission["conversation_id"]}
    )
    assert (answer.status, answer.error["type"]) == (409, "conflict")
    await client.post(f"/api/messages/{submission['message_id']}/stop")


@pytest.mark.parametrize("model", ["refused/gpt-fake-hello", "ollama/fake-401", "gpt-fake-401", "claude-fake-401"])
async def test_a_refused_key_is_named_and_never_shown(client: Client, rows: Rows, model: str) -> None:
    """The fake provider repeats a part of the key, as real ones do. `Client` looks for it in every answer."""
    message = await client.answered(model=model)
    assert (message["status"], message["error"]["type"]) == ("error", "upstream_auth")
    assert "redacted" in message["error"]["message"]
    (row,) = rows.usage(message["id"])
    assert (row["status"], row["error_type"], row["cost"]) == ("error", "upstream_auth", 0)
    await client.get("/api/usage/models")
    await client.ask("GET", "/health")


@pytest.mark.parametrize("where", ["refusal", "stream"])
async def test_a_key_that_is_repeated_whole_is_not_shown(client: Client, upstream: Upstream, where: str) -> None:
    """One without a known beginning, which only its owner can recognise."""
    words = f"The token {KEYS['OLLAMA_API_KEY']} may not do this"
    refusals: dict[str, Scenario] = {
        "refusal": Refusal(403, "forbidden", words),
        "stream": Answer((Text("Well, "), StreamError("permission_error", words))),
    }
    message = await client.answered(model=upstream.script(refusals[where]).model)
    assert (message["status"], message["error"]["type"]) == ("error", "upstream_auth")
    assert "The token [redacted] may not do this" in message["error"]["message"]


async def test_no_key_lies_in_the_database(rows: Rows, message: dict[str, str]) -> None:
    stored = b"".join(path.read_bytes() for path in rows.path.parent.iterdir() if path.is_file())
    for key in KEYS.values():
        assert key.encode() not in stored
    assert b"planted" not in stored
    assert b"zQxW" not in stored
