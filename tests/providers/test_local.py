"""The embedded model itself: a real child, real weights, a real socket. Skipped where this machine cannot run it."""

import asyncio
import os
import signal
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.errors import ContextTooLong, InvalidRequest, UpstreamFailed
from llm_router.domain.events import Finished, TextDelta
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import ChatMessage, TextPart, text_of
from llm_router.providers.base import ImageRequest
from llm_router.providers.local import PROMPT_TOKENS, LocalModel, LocalProvider, LocalUnavailable, detect_local_model
from llm_router.settings import Timeouts

TARGET = Target("local", "local", "smollm2")
LONG_PROMPT = " ".join(f"The {number}th river runs past village number {number}." for number in range(80))
"""Some 1,100 tokens, read in 18 batches."""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="watches processes in a way only Linux has")


@pytest.fixture
def model() -> LocalModel:
    match detect_local_model():
        case LocalUnavailable(reason):
            pytest.skip(reason)
        case found:
            return found


@pytest.fixture
def directory() -> Iterator[Path]:
    # Not tmp_path: its names are too long for the address of a socket.
    with tempfile.TemporaryDirectory(prefix="lr-") as path:
        yield Path(path)


@pytest.fixture
async def provider(model: LocalModel, directory: Path) -> AsyncIterator[LocalProvider]:
    provider = LocalProvider(model, timeouts=Timeouts(), idle_seconds=300, directory=directory)
    yield provider
    await provider.close()


def request(text: str, max_tokens: int | None = 16) -> ChatRequest:
    message = ChatMessage("user", (TextPart(text),))
    return ChatRequest("local/smollm2", (message,), temperature=0, max_tokens=max_tokens)


async def ask(provider: LocalProvider, text: str, max_tokens: int | None = 16) -> MessageFold:
    fold = MessageFold()
    async with provider.stream_chat(request(text, max_tokens), TARGET) as events:
        async for event in events:
            fold.feed(event)
    return fold


def contents(directory: Path) -> list[str]:
    return os.listdir(directory)


def running_id(provider: LocalProvider) -> int:
    assert provider.process_id is not None
    return provider.process_id


def environment_names(process_id: int) -> set[str]:
    variables = Path(f"/proc/{process_id}/environ").read_bytes().split(b"\0")
    return {variable.partition(b"=")[0].decode() for variable in variables if variable}


async def exit_of(process_id: int) -> None:
    """Returns once the process, anybody's, has ended."""
    descriptor = os.pidfd_open(process_id)
    loop = asyncio.get_running_loop()
    has_ended = asyncio.Event()
    loop.add_reader(descriptor, has_ended.set)
    try:
        async with asyncio.timeout(10):
            await has_ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def batches_when_at_rest(directory: Path) -> int:
    """How many batches the child has worked through, asked again and again until it works on nothing any more."""
    (folder,) = contents(directory)
    connector = aiohttp.UnixConnector(str(directory / folder / "model.sock"))
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.timeout(20):
        while True:
            async with session.get("http://child/metrics") as response:
                lines = [line.split() for line in (await response.text()).splitlines() if not line.startswith("#")]
            counts = {name: float(value) for name, value in lines}
            if counts["llamacpp:requests_processing"] == 0:
                return int(counts["llamacpp:n_decode_total"])


async def test_answers_and_counts(provider: LocalProvider) -> None:
    answer = await ask(provider, "What is the capital of France?")
    assert "Paris" in text_of(answer.parts)
    assert answer.response_model == "smollm2"
    assert answer.finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.tokens_input in range(20, 60)
    assert answer.usage.tokens_output in range(3, 17)


async def test_max_tokens_limit_the_answer(provider: LocalProvider) -> None:
    answer = await ask(provider, "Tell me a story.", max_tokens=3)
    assert answer.finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.tokens_output == 3


async def test_concurrent_first_users_share_one_child(provider: LocalProvider, directory: Path) -> None:
    # What they say is not looked at: two answers in one batch round differently from one alone.
    answers = await asyncio.gather(ask(provider, "Tell me of France."), ask(provider, "Tell me of Italy."))
    assert all(text_of(answer.parts) and answer.finish_reason for answer in answers)
    assert len(contents(directory)) == 1


async def test_only_the_owner_can_reach_the_socket_and_it_goes_with_the_child(
    provider: LocalProvider, directory: Path
) -> None:
    await ask(provider, "Hello")
    (folder,) = contents(directory)
    assert stat.S_IMODE(os.stat(directory / folder).st_mode) == 0o700
    assert contents(directory / folder) == ["model.sock"]
    await provider.close()
    assert provider.process_id is None
    assert contents(directory) == []


@linux_only
async def test_the_child_is_given_no_environment_beyond_what_it_needs(provider: LocalProvider) -> None:
    await ask(provider, "Hello")
    assert environment_names(running_id(provider)) <= {
        "PATH",
        "PYTHONPATH",
        "PYTHONHOME",
        "LD_LIBRARY_PATH",
        "TMPDIR",
        "LANG",
        "LC_ALL",
    }


async def test_leaving_while_the_prompt_is_read_stops_the_reading(provider: LocalProvider, directory: Path) -> None:
    async with provider.stream_chat(request(LONG_PROMPT), TARGET):
        pass
    assert await batches_when_at_rest(directory) < 10


async def test_leaving_in_the_middle_of_an_answer_stops_it(provider: LocalProvider, directory: Path) -> None:
    async with provider.stream_chat(request("Count from one to one thousand.", max_tokens=400), TARGET) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert await batches_when_at_rest(directory) < 100


@linux_only
async def test_an_idle_child_ends_and_the_next_prompt_starts_another(model: LocalModel, directory: Path) -> None:
    provider = LocalProvider(model, timeouts=Timeouts(), idle_seconds=0.2, directory=directory)
    try:
        async with provider.stream_chat(request("Hello"), TARGET) as events:
            first = running_id(provider)
            assert [event async for event in events if isinstance(event, Finished)]
        await exit_of(first)
        assert contents(directory) == []
        async with provider.stream_chat(request("Hello"), TARGET):
            assert running_id(provider) != first
    finally:
        await provider.close()


async def test_a_child_killed_in_the_middle_of_an_answer_is_named_and_replaced(provider: LocalProvider) -> None:
    seen = MessageFold()

    async def watch_it_die() -> None:
        async with provider.stream_chat(request("Count from one to one thousand.", max_tokens=400), TARGET) as events:
            async for event in events:
                if isinstance(event, TextDelta) and not seen.text_length:
                    os.kill(running_id(provider), signal.SIGKILL)
                seen.feed(event)

    with pytest.raises(UpstreamFailed, match=r"embedded model's process ended unexpectedly \(SIGKILL\)"):
        await watch_it_die()
    assert text_of(seen.parts)
    assert text_of((await ask(provider, "Hello")).parts)


PARENT = """
import asyncio, sys
from pathlib import Path
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.messages import ChatMessage, TextPart
from llm_router.providers.local import LocalProvider, detect_local_model
from llm_router.settings import Timeouts

async def main():
    provider = LocalProvider(detect_local_model(), timeouts=Timeouts(), idle_seconds=300, directory=Path(sys.argv[1]))
    request = ChatRequest("smollm2", (ChatMessage("user", (TextPart("Tell me a long story."),)),))
    async with provider.stream_chat(request, Target("local", "local", "smollm2")):
        print(provider.process_id, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@linux_only
async def test_the_child_does_not_outlive_a_killed_parent(model: LocalModel, directory: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(directory)), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child_id = int(await asyncio.wait_for(parent.stdout.readline(), 20))
    parent.kill()
    await exit_of(child_id)
    assert contents(directory) == []
    await parent.wait()


async def test_a_prompt_that_is_too_long_is_refused_with_the_numbers(provider: LocalProvider) -> None:
    with pytest.raises(ContextTooLong, match="tiny demo model reads 1,500 at most") as refusal:
        await ask(provider, LONG_PROMPT + LONG_PROMPT)
    assert refusal.value.details is not None
    assert refusal.value.details["tokens"] > PROMPT_TOKENS
    assert refusal.value.details["max_tokens"] == PROMPT_TOKENS


async def test_a_failed_start_says_why_leaves_nothing_and_may_be_tried_again(
    model: LocalModel, directory: Path, tmp_path: Path
) -> None:
    weights_path = tmp_path / "weights.gguf"
    provider = LocalProvider(LocalModel(weights_path), timeouts=Timeouts(), idle_seconds=300, directory=directory)
    try:
        with pytest.raises(UpstreamFailed, match=r"embedded model could not start \(exit code 1\): \w+"):
            await ask(provider, "Hello")
        assert contents(directory) == []
        weights_path.symlink_to(model.weights_path)
        assert text_of((await ask(provider, "Hello")).parts)
    finally:
        await provider.close()


async def test_a_prompt_stopped_while_the_child_starts_leaves_nothing(provider: LocalProvider, directory: Path) -> None:
    prompt = asyncio.create_task(ask(provider, "Hello"))
    await asyncio.sleep(0)  # one turn of the loop: up to the wait for the new process
    assert contents(directory)
    prompt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await prompt
    assert contents(directory) == []
    assert text_of((await ask(provider, "Hello")).parts)


async def test_lists_itself_as_a_demo_and_makes_no_images(provider: LocalProvider) -> None:
    (listed,) = await provider.list_models()
    assert (listed.model, listed.label) == ("smollm2", "SmolLM2 135M (tiny demo model)")
    with pytest.raises(InvalidRequest, match="makes no images"):
        await provider.generate_image(ImageRequest("a cat", "smollm2"), TARGET)
    assert provider.process_id is None
