"""What the next prompt would cost, asked of a running server."""

import pytest

from tests.fake_provider import Answer, Text, Tokens
from tests.journeys.client import Client
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/api/chat/estimate"


async def test_an_answer_makes_the_next_estimate_the_providers_own_count_and_nobody_is_asked(
    client: Client, upstream: Upstream
) -> None:
    upstream.script(Answer((Text("Once."),), tokens=Tokens(input=700, output=30)))
    first = (await client.post(PATH, {"message": "Tell me.", "models": [upstream.model]})).json
    assert first["basis"] == "counted"
    message = await client.answered("Tell me.", model=upstream.model)
    asked = {"message": "And then?", "conversation_id": message["conversation_id"]}
    second = (await client.post(PATH, asked)).json
    [model] = second["models"]
    assert (second["basis"], model["model"], model["available"]) == ("reported", upstream.model, True)
    assert 730 < second["tokens_input"]["low"] <= second["tokens_input"]["likely"] < 750
    assert model["tokens_output"]["likely"] == 30
    assert (model["cost"], model["reason"]) == (None, f"no price is known for {upstream.model}")
    assert len(upstream.exchanges) == 1
    new_root = (await client.post(PATH, {**asked, "parent_id": None})).json
    assert new_root["basis"] == "counted"


async def test_models_are_compared_in_one_question(client: Client) -> None:
    answer = await client.post(PATH, {"message": "Hello?", "models": ["gpt-5", "claude-opus-4-1", "locked/treasure"]})
    dear, dearer, locked = answer.json["models"]
    assert 0 < dear["cost"]["low"] < dear["cost"]["likely"] < dear["cost"]["high"]
    assert dearer["cost_input"]["likely"] > dear["cost_input"]["likely"]
    assert (locked["available"], locked["cost"]) == (False, None)
    assert "NO_SUCH_API_KEY" in locked["reason"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "`message` is missing."),
        ({"message": "  "}, "`message`: must not be empty."),
        ({"message": "x" * 1_000_001}, "`message`"),
        ({"message": "x", "models": []}, "`models`"),
        ({"message": "x", "models": ["gpt-5"] * 21}, "`models`"),
        ({"message": "x", "model": "gpt-5"}, "`model` is not a field of this request."),
        ({"message": "x", "max_tokens": 0}, "`max_tokens`"),
    ],
)
async def test_limits_are_those_of_a_prompt(client: Client, body: dict[str, object], expected: str) -> None:
    answer = await client.post(PATH, body)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert answer.error["message"].startswith(expected)


async def test_an_unknown_model_is_404_with_those_that_are_near(client: Client) -> None:
    answer = await client.post(PATH, {"message": "x", "models": ["gpt-5", "olama/fake-hello"]})
    assert (answer.status, answer.error["type"]) == (404, "not_found")
    assert "ollama/fake-hello" in answer.error["details"]["suggestions"]
