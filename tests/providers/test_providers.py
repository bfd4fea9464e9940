"""What all providers have in common: a prompt goes out as it should, an answer comes in whole."""

import pytest

from llm_router.domain.chat import ChatRequest
from llm_router.domain.errors import InvalidRequest
from llm_router.domain.events import Finished, TextDelta
from llm_router.domain.messages import ChatMessage, TextPart, ToolCallPart
from llm_router.domain.usage import Usage
from tests.fake_provider import Answer, FakeProvider, Text, Tokens
from tests.providers.asking import ask, first_text, prompt, target
from tests.providers.conftest import KEY, KINDS, Connect, Kind

pytestmark = pytest.mark.parametrize("kind", KINDS)

PATHS = {
    "openai": "/v1/responses",
    "anthropic": "/v1/messages",
    "openai_compatible": "/compatible/v1/chat/completions",
}


async def test_an_answer_comes_in_pieces_with_its_usage_and_its_end(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-hello")
    assert asked.error is None
    assert [event.text for event in asked.events if isinstance(event, TextDelta)] == ["Hello", ", ", "world", "! ⚡"]
    assert asked.events[-1] == Finished("stop")
    assert asked.fold.response_model == "fake-hello"
    assert counts(asked.fold.usage) == (11, 7, 0, 0)


async def test_reasoning_is_told_apart_from_the_answer(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-reasoning")
    assert (asked.reasoning, asked.text) == ("First, think.", "Then speak.")
    assert asked.fold.usage is not None
    assert asked.fold.usage.tokens_output == 19


async def test_a_tool_call_is_put_together(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-tools")
    calls = [part for part in asked.fold.parts if isinstance(part, ToolCallPart)]
    assert calls == [ToolCallPart("call_fake_1", "get_weather", '{"city":"Paris"}')]
    assert asked.fold.finish_reason == "tool_calls"


async def test_cached_tokens_are_a_part_of_the_input(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-cached")
    # OpenAI's family does not say what was written to the cache here.
    assert counts(asked.fold.usage) == (111, 7, 80, 20 if kind == "anthropic" else 0)


@pytest.mark.parametrize(
    ("model", "finish_reason"), [("fake-length", "length"), ("fake-filter", "content_filter"), ("fake-empty", "stop")]
)
async def test_other_ends_are_ends_too(kind: Kind, model: str, finish_reason: str, connect: Connect) -> None:
    asked = await ask(connect(kind), model)
    assert asked.error is None
    assert asked.fold.finish_reason == finish_reason


@pytest.mark.parametrize("model", ["fake-bytes-1", "fake-bytes-7", "fake-comments", "fake-no-usage"])
async def test_odd_streams_come_out_whole(kind: Kind, model: str, connect: Connect) -> None:
    asked = await ask(connect(kind), model)
    assert asked.error is None
    assert asked.text == ("still here" if model == "fake-comments" else "Hello, world! ⚡")
    assert asked.events[-1] == Finished("stop")


async def test_a_huge_answer_comes_out_whole(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-huge-2048kb")
    assert len(asked.text) == 2048 * 1024


async def test_the_model_that_answers_may_not_be_the_one_that_was_asked(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-renamed")
    assert asked.fold.response_model == "fake-hello-2026-11-24"


async def test_the_request_is_posted_with_the_key_in_a_header_only(
    kind: Kind, fake: FakeProvider, connect: Connect
) -> None:
    request = ChatRequest(
        model="asked",
        messages=(
            ChatMessage("user", (TextPart("What is this?"),)),
            ChatMessage("assistant", (TextPart("A test."),)),
            ChatMessage("user", (TextPart("Is it ⚡?"),)),
        ),
        system="Be brief.",
        max_tokens=99,
    )
    await ask(connect(kind), "fake-hello", request)
    exchange = await fake.request(1)
    assert exchange.path == PATHS[kind]
    assert exchange.query == {}
    assert exchange.model == "fake-hello"
    assert exchange.headers["accept"] == "text/event-stream"
    assert exchange.headers["content-type"] == "application/json"
    assert exchange.headers["accept-encoding"] == "identity"
    assert "cookie" not in exchange.headers
    header, value = ("x-api-key", KEY) if kind == "anthropic" else ("authorization", f"Bearer {KEY}")
    assert [name for name, sent in exchange.headers.items() if KEY in sent] == [header]
    assert exchange.headers[header] == value
    body = str(exchange.body)
    assert all(words in body for words in ("What is this?", "A test.", "Is it ⚡?", "Be brief.", "99"))
    assert KEY not in body


@pytest.mark.filterwarnings("error::ResourceWarning")  # the client's, where one write would hold up the event loop
async def test_a_long_prompt_arrives_whole(kind: Kind, connect: Connect) -> None:
    text = "ünïcödé " * 250_000  # three megabytes: more than any buffer on the way
    asked = await ask(connect(kind), "fake-echo", prompt(text))
    assert asked.text.strip() == text.strip()


async def test_an_unpaired_surrogate_is_refused_before_it_is_sent(
    kind: Kind, fake: FakeProvider, connect: Connect
) -> None:
    asked = await ask(connect(kind), "fake-hello", prompt("half a \ud83d character"))
    assert isinstance(asked.failure, InvalidRequest)
    assert asked.failure.message.startswith("upstream: ")
    assert fake.exchanges == []


async def test_one_provider_answers_many_at_once(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    provider = connect(kind)
    async with provider.stream_chat(prompt(), target("fake-gated")) as first:
        await first_text(first)
        asked = await ask(provider, "fake-hello")
        assert asked.text == "Hello, world! ⚡"
        fake.release("fake-gated", None)
        assert [event async for event in first][-1] == Finished("stop")


async def test_usage_is_the_providers_not_a_sum(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    fake.script("counted", Answer(tuple(Text("x ") for _ in range(50)), Tokens(input=1234, output=567)))
    asked = await ask(connect(kind), "counted")
    assert counts(asked.fold.usage)[:2] == (1234, 567)


def counts(usage: Usage | None) -> tuple[int | None, int | None, int, int]:
    assert usage is not None
    return usage.tokens_input, usage.tokens_output, usage.tokens_cache_read or 0, usage.tokens_cache_write or 0
