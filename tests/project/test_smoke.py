"""The smoke scripts as their user runs them: processes that look at a running instance."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_provider import FakeProvider
from tests.journeys.conftest import configured
from tests.journeys.server import RunningServer

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


async def smoke(script: str, *arguments: str, **environ: str) -> tuple[int, str]:
    """Exit status and all that was printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        ROOT / "scripts" / script,
        *arguments,
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as fake:
        yield fake


@pytest.fixture
async def server(tmp_path: Path, fake: FakeProvider) -> AsyncIterator[RunningServer]:
    """With keys to a fake provider."""
    server = configured(tmp_path, fake, {})
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def keyless(tmp_path: Path) -> AsyncIterator[RunningServer]:
    folder = tmp_path / "keyless"
    folder.mkdir()
    server = RunningServer(folder, {})
    await server.start()
    yield server
    await server.close()


async def test_smoke_api_asks_looks_and_cleans_up(server: RunningServer) -> None:
    status, printed = await smoke("smoke_api.py", "--url", server.url, "--model", "ollama/fake-hello")
    assert status == 0, printed
    assert "answer        'Hello, world! ⚡'" in printed
    assert "clean up      the conversation was deleted, and now answers 404" in printed
    assert printed.endswith("All is well.\n")


@pytest.mark.parametrize("model", ["ollama/fake-cut", "ollama/fake-empty", "ollama/fake-404", "no-such-model"])
async def test_smoke_api_fails_where_no_answer_comes_and_cleans_up_all_the_same(
    model: str, server: RunningServer
) -> None:
    status, printed = await smoke("smoke_api.py", "--model", model, LLM_ROUTER_URL=server.url)
    assert status == 1
    assert printed.splitlines()[-1].startswith("FAILED  ")
    assert ("clean up" in printed) == (model != "no-such-model")


async def test_smoke_api_fails_where_nothing_can_answer_or_nobody_listens(keyless: RunningServer) -> None:
    status, printed = await smoke("smoke_api.py", "--url", keyless.url)
    assert (status, printed.splitlines()[-1]) == (
        1,
        "FAILED  nothing can answer: set a key in .env, or LOCAL_MODEL=on",
    )
    await keyless.terminate()
    status, printed = await smoke("smoke_api.py", "--url", keyless.url)
    assert status == 1
    assert "Connection refused" in printed
    assert "Traceback" not in printed


async def test_smoke_image_makes_one_and_takes_it_away(server: RunningServer, tmp_path: Path) -> None:
    arguments = ("--url", server.url, "--model", "gpt-image-fake", "--save", str(tmp_path / "made.png"))
    status, printed = await smoke("smoke_image.py", *arguments)
    assert status == 0, printed
    assert "image         image/png by gpt-image-fake" in printed
    assert printed.endswith("All is well.\n")
    assert (tmp_path / "made.png").read_bytes().startswith(b"\x89PNG")
    assert list((server.database_path.parent / "images").iterdir()) == []


async def test_smoke_image_says_where_no_model_makes_images(keyless: RunningServer) -> None:
    status, printed = await smoke("smoke_image.py", "--url", keyless.url)
    assert status == 0, printed
    assert printed.startswith("No image model is available: no key for openai: set OPENAI_API_KEY in .env")


async def test_smoke_image_fails_where_the_provider_refuses(server: RunningServer) -> None:
    status, printed = await smoke("smoke_image.py", "--url", server.url, "--model", "gpt-image-fake-429")
    assert status == 1
    assert printed.splitlines()[-1].startswith("FAILED  POST /api/images/generate answered 429")
