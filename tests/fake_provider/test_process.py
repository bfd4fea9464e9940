"""The fake provider as a process of its own, driven by its control endpoints."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.fake_provider import LISTED_NAMES
from tests.fake_provider.scenario import named_scenarios

ROOT = Path(__file__).parents[2]
PROMPT = {"messages": [{"role": "user", "content": "Hello?"}], "stream": True}


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fake_provider", "--port", "0", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(url) as session:
            yield session
    finally:
        process.terminate()
        await process.wait()


async def test_gates_scripts_and_hangups_by_control_endpoint(client: aiohttp.ClientSession) -> None:
    await client.post("/control/script", json={"model": "mine", "scenarios": ["fake-429", "fake-gated-2"]})
    async with client.post("/compatible/v1/chat/completions", json={"model": "mine", **PROMPT}) as refused:
        assert (refused.status, refused.headers["Retry-After"]) == (429, "7")

    async with client.post("/compatible/v1/chat/completions", json={"model": "mine", **PROMPT}) as stream:
        assert stream.status == 200
        async with client.get("/control/requests/2?state=waiting") as waiting:
            assert (await waiting.json())["gates_passed"] == 0
        await client.post("/control/release", json={"model": "mine", "count": 2})
        assert (await stream.text()).endswith("data: [DONE]\n\n")

    async with client.post("/compatible/v1/chat/completions", json={"model": "mine", **PROMPT}):
        await client.get("/control/requests/3?state=waiting")
    async with client.get("/control/requests/3?state=hung_up") as left:
        assert (await left.json())["state"] == "hung_up"
    async with client.get("/control/requests?count=3") as listed:
        assert [request["model"] for request in (await listed.json())["requests"]] == ["mine"] * 3
    async with client.get("/control/requests?count=4&seconds=0.05") as in_vain:
        assert in_vain.status == 408


def test_every_listed_name_has_a_scenario_at_each_provider() -> None:
    for name in LISTED_NAMES:
        assert named_scenarios(name)
        assert named_scenarios(f"gpt-{name}") == named_scenarios(f"claude-{name}") == named_scenarios(name)
    assert named_scenarios("gpt-5") is None
