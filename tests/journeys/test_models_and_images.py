"""The catalog as providers tell it, and images from the prompt to the file."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from tests.fake_provider import FakeProvider, Raw, png
from tests.journeys.client import Client
from tests.journeys.conftest import Start
from tests.journeys.rows import Rows
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

IMAGE_MODEL = "gpt-image-fake"


async def test_the_catalog_says_where_each_list_came_from(client: Client) -> None:
    catalog = await client.get("/api/usage/models")
    connections = {connection["name"]: connection for connection in catalog["connections"]}
    assert {name: connection["list"] for name, connection in connections.items()} == {
        "openai": "live",
        "anthropic": "live",
        "ollama": "live",
        "locked": "configured",
        "refused": "bundled",
        "nobody": "bundled",
        "patient": "live",
        "hasty": "live",
        "local": "bundled",
    }
    assert {name for name, connection in connections.items() if not connection["configured"]} == {"locked", "local"}
    assert connections["openai"]["error"] is None
    assert "key was refused" in connections["refused"]["error"]
    assert "Cannot connect" in connections["nobody"]["error"]
    assert "NO_SUCH_API_KEY" in connections["locked"]["error"]

    models = {model["id"]: model for model in catalog["models"]}
    hello = models["claude-fake-hello"]
    assert (hello["provider"], hello["available"], hello["context_window"]) == ("anthropic", True, 200_000)
    assert (hello["sources"]["listed"], hello["sources"]["context_window"]) == ("live", "live")
    assert hello["price"] is None
    assert models["gpt-fake-hello"]["connection"] == "openai"
    assert models["ollama/fake-hello"]["connection"] == "ollama"
    assert models[IMAGE_MODEL]["generates_images"]
    assert (models["locked/treasure"]["available"], models["locked/treasure"]["sources"]["listed"]) == (
        False,
        "configured",
    )
    bundled = next(model for name, model in models.items() if name.startswith("refused/") and model["price"])
    assert bundled["sources"]["price"] == "bundled"
    assert catalog["defaults"]["chat"] in models
    assert models[catalog["defaults"]["image"]]["generates_images"]


async def test_health_names_providers_and_no_secret(client: Client) -> None:
    health = await client.get("/health")
    assert health["status"] == "ok"
    assert health["database"]["path"] == str(client.server.database_path)
    configured = {provider["name"]: provider["configured"] for provider in health["providers"]}
    assert configured["openai"]
    assert configured["anthropic"]
    assert not configured["locked"]


async def test_without_any_key_a_prompt_is_told_what_to_do(start: Start, tmp_path: Path) -> None:
    nothing = tmp_path / "empty.toml"
    nothing.touch()
    client = await start(OPENAI_API_KEY="", ANTHROPIC_API_KEY="", LLM_ROUTER_CONFIG=str(nothing))
    answer = await client.post("/api/chat/submit", {"message": "Hello?"})
    assert (answer.status, answer.error["type"]) == (503, "no_route")
    assert "OPENAI_API_KEY" in answer.error["message"]
    assert Rows(client.server.database_path).counts()["messages"] == 0
    catalog = await client.get("/api/usage/models")
    assert catalog["defaults"] == {"chat": None, "image": None}
    assert not any(model["available"] for model in catalog["models"])


async def test_an_image_is_made_kept_and_served(client: Client, rows: Rows) -> None:
    answer = await client.post("/api/images/generate", {"prompt": "A cat in the rain", "model": IMAGE_MODEL})
    assert answer.status == 200
    made, message = answer.json["image"], answer.json["message"]
    assert message["status"] == "complete"
    assert message["parts"] == [
        {"type": "image", "image_id": made["id"], "media_type": "image/png", "url": f"/api/images/{made['id']}"}
    ]
    served = await client.ask("GET", made["url"])
    assert (served.status, served.body, served.headers["Content-Type"]) == (200, png(), "image/png")
    assert "immutable" in served.headers["Cache-Control"]
    (row,) = rows.usage(message["id"])
    assert (row["operation_name"], row["status"]) == ("image_generation", "complete")
    assert (row["tokens_input"], row["tokens_output"], row["cost_status"]) == (10, 272, "unpriced")
    assert json.loads(row["raw_usage"])["total_tokens"] == 282
    conversation = await client.get(f"/api/conversations/{answer.json['conversation_id']}")
    assert [each["role"] for each in conversation["messages"]] == ["user", "assistant"]
    assert conversation["messages"][0]["content"] == "A cat in the rain"
    events = await client.replay(message["id"])
    assert (events[0].name, events[-1].name) == ("start", "done")
    assert events[-1].json["message"] == message


async def test_an_image_under_its_key_is_made_and_paid_once(client: Client, rows: Rows) -> None:
    body, key = {"prompt": "One cat", "model": IMAGE_MODEL}, {"Idempotency-Key": "one-cat"}
    first = await client.post("/api/images/generate", body, headers=key)
    again = await client.post("/api/images/generate", body, headers=key)
    assert (again.status, again.json) == (200, first.json)
    assert len(rows.usage(first.json["message"]["id"])) == 1
    other = await client.post("/api/images/generate", {**body, "prompt": "Two cats"}, headers=key)
    assert (other.status, other.error["type"]) == (409, "conflict")


async def test_who_does_not_wait_for_an_image_is_told_which_answer_it_becomes(
    client: Client, fake: FakeProvider, rows: Rows
) -> None:
    upstream = Upstream(fake, "gpt-image-fake-gated-3")
    body = {"prompt": "A late cat", "model": upstream.model}
    headers = {"Idempotency-Key": "late-cat", "Prefer": "respond-async"}
    taken = await client.post("/api/images/generate", body, headers=headers)
    assert taken.status == 202
    assert taken.headers["Location"] == f"/api/messages/{taken.json['message_id']}"
    await upstream.waiting()
    assert (await client.post(f"/api/messages/{taken.json['message_id']}/stop")).json["status"] == "stopped"
    again = await client.post("/api/images/generate", body, headers=headers)
    assert (again.status, again.json["message_id"]) == (202, taken.json["message_id"])
    assert len(rows.usage(taken.json["message_id"])) == 1


async def test_an_image_stands_beside_the_prompt_that_follows_the_same_message(client: Client) -> None:
    first = await client.answered("One", model="ollama/fake-hello")
    await client.answered("Two", conversation_id=first["conversation_id"], model="ollama/fake-hello")
    body = {"prompt": "Draw it", "model": IMAGE_MODEL, "parent_id": first["id"]}
    made = (await client.post("/api/images/generate", body)).json
    assert made["conversation_id"] == first["conversation_id"]
    assert (await client.get(f"/api/messages/{made['user_message_id']}"))["parent_id"] == first["id"]


async def test_an_image_joins_a_conversation_and_the_talk_goes_on(client: Client, upstream: Upstream) -> None:
    first = await client.answered("One", model="ollama/fake-hello")
    body = {"prompt": "Draw it", "model": "dall-e-fake", "conversation_id": first["conversation_id"]}
    made = (await client.post("/api/images/generate", body)).json
    assert made["image"]["revised_prompt"] == made["message"]["content"] == "A picture of Draw it"
    upstream.say_gated("Nice.").release(None)
    message = await client.answered("And?", conversation_id=first["conversation_id"], model=upstream.model)
    assert message["status"] == "complete"
    assert (await client.get(f"/api/messages/{message['parent_id']}"))["parent_id"] == made["message"]["id"]


async def test_no_image_pushes_in_before_an_answer_that_is_still_made(
    client: Client, upstream: Upstream, rows: Rows
) -> None:
    upstream.say_gated("Wait.")
    submission = await client.submit(model=upstream.model)
    before = rows.counts()
    body = {"prompt": "Draw it", "model": IMAGE_MODEL, "conversation_id": submission["conversation_id"]}
    answer = await client.post("/api/images/generate", body)
    assert (answer.status, answer.error["type"]) == (409, "conflict")
    assert rows.counts() == before
    upstream.release(None)
    await client.finished(submission["message_id"])
    made = (await client.post("/api/images/generate", body)).json
    prompt = await client.get(f"/api/messages/{made['user_message_id']}")
    assert prompt["parent_id"] == submission["message_id"]


@pytest.mark.parametrize(
    ("model", "status", "error_type"),
    [
        ("gpt-image-fake-429", 429, "rate_limited"),
        ("gpt-image-fake-500", 502, "upstream_error"),
        ("gpt-image-fake-401", 502, "upstream_auth"),
        ("gpt-image-fake-json", 502, "upstream_error"),
    ],
)
async def test_an_image_that_fails_says_why_and_keeps_the_prompt(
    client: Client, rows: Rows, fake: FakeProvider, model: str, status: int, error_type: str
) -> None:
    upstream, before = Upstream(fake, model), rows.counts()
    answer = await client.post("/api/images/generate", {"prompt": "A cat", "model": model})
    assert (answer.status, answer.error["type"]) == (status, error_type)
    details = answer.error["details"]
    message = await client.get(f"/api/messages/{details['message_id']}")
    assert (message["status"], message["error"]["type"]) == ("error", error_type)
    assert (await client.get(f"/api/messages/{details['user_message_id']}"))["content"] == "A cat"
    # Not tried again: an image that was lost on the way may have been paid for.
    assert len(upstream.exchanges) == len(rows.usage(message["id"])) == 1
    assert rows.counts()["images"] == before["images"]


async def test_a_file_that_is_no_known_image_is_the_provider_s_mistake(client: Client, fake: FakeProvider) -> None:
    upstream = Upstream(fake, "gpt-image-drawn")
    body = {"output_format": "svg+xml", "data": [{"b64_json": base64.b64encode(b"<svg/>").decode()}]}
    upstream.script(Raw(200, {"Content-Type": "application/json"}, json.dumps(body).encode()))
    answer = await client.post("/api/images/generate", {"prompt": "A cat", "model": upstream.model})
    assert (answer.status, answer.error["type"]) == (502, "upstream_error")
    assert "image/svg+xml" in answer.error["message"]


async def test_an_image_can_be_stopped(client: Client, fake: FakeProvider, rows: Rows) -> None:
    upstream = Upstream(fake, "gpt-image-fake-gated-2")
    waiting = asyncio.create_task(
        client.post("/api/images/generate", {"prompt": "A slow cat", "model": upstream.model})
    )
    await upstream.waiting()
    message_id = rows.one("SELECT id FROM messages WHERE model = ?", upstream.model)["id"]
    assert (await client.post(f"/api/messages/{message_id}/stop")).json["status"] == "stopped"
    answer = await waiting
    assert answer.status == 200
    assert (answer.json["message"]["id"], answer.json["message"]["status"]) == (message_id, "stopped")
    assert answer.json["image"] is None
    await upstream.reached("hung_up")
    (row,) = rows.usage(message_id)
    assert (row["operation_name"], row["status"]) == ("image_generation", "cancelled")


async def test_an_image_lives_as_long_as_a_conversation_shows_it(client: Client) -> None:
    made = (await client.post("/api/images/generate", {"prompt": "A cat", "model": IMAGE_MODEL})).json
    (file,) = client.server.database_path.parent.glob(f"images/{made['image']['id']}.*")
    place = f"/api/conversations/{made['conversation_id']}"
    clone = (await client.post(f"{place}/clone")).json
    assert (await client.ask("DELETE", place)).status == 204
    assert (await client.ask("GET", made["image"]["url"])).status == 200
    assert (await client.ask("DELETE", f"/api/conversations/{clone['id']}")).status == 204
    assert (await client.ask("GET", made["image"]["url"])).status == 404
    assert not file.exists()
