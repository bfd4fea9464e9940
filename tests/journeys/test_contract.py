"""Description, document and server say the same. The shapes of answers are held by `client.py` throughout."""

import re
from pathlib import Path

import aiohttp
import pytest

from tests.journeys.client import Client
from tests.journeys.server import RunningServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = Path(__file__).parents[2] / "docs" / "events.md"


async def test_every_route_is_in_the_document_and_every_documented_one_exists(client: Client) -> None:
    description = await client.get("/openapi.json")
    served = {
        (method.upper(), re.sub(r"\{\w+\}", "{id}", path))
        for path, methods in description["paths"].items()
        for method in methods
    }
    text = DOCUMENT.read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z]+) (/[^` ?]+)` \|", text, re.MULTILINE))
    assert documented == served


async def test_every_answer_has_a_shape_in_the_description(client: Client) -> None:
    description = await client.get("/openapi.json")
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            good = {status: response for status, response in operation["responses"].items() if status < "300"}
            assert good, (method, path)
            for status, response in good.items():
                streams = "text/event-stream" in response.get("content", {})
                bytes_or_nothing = status == "204" or path == "/api/images/{image_id}"
                assert streams or bytes_or_nothing or response["content"]["application/json"]["schema"], (method, path)


async def test_every_error_has_its_shape_in_the_description(client: Client) -> None:
    description = await client.get("/openapi.json")
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            shape = operation["responses"]["default"]["content"]["application/json"]["schema"]
            assert shape == {"$ref": "#/components/schemas/ErrorAnswer"}, (method, path)
            assert "422" not in operation["responses"], (method, path)  # FastAPI's own word, which we never say


async def test_every_field_of_a_prompt_is_in_the_document(client: Client) -> None:
    description = await client.get("/openapi.json")
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in ("ChatBody", "AnswerBody", "ConversationBody", "ConversationChanges", "CloneBody", "ImageBody"):
        for field in description["components"]["schemas"][name]["properties"]:
            assert field in text, (name, field)


async def test_responses_are_not_stored_by_browsers(client: Client) -> None:
    for path in ("/health", "/api/conversations", "/api/usage/models", "/api/nothing"):
        answer = await client.ask("GET", path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_monitor_may_ask_for_the_health_alone(server: RunningServer, session: aiohttp.ClientSession) -> None:
    async with session.head(f"{server.url}/health") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
