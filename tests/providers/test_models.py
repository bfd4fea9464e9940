"""Model lists, images and the registry: what is asked for in one piece."""

import pytest

from llm_router.domain.errors import InvalidRequest, RateLimited, UpstreamError, UpstreamFailed, UpstreamRejected
from llm_router.providers.base import ImageRequest, ListedModel
from llm_router.providers.http import open_session
from llm_router.providers.openai_compatible import quirks_at
from llm_router.providers.registry import build_providers
from llm_router.settings import ConnectionSettings, Secret, Timeouts
from tests.fake_provider import LISTED_NAMES, Answer, FakeProvider, Raw, Text, png
from tests.providers.asking import ask, prompt, target
from tests.providers.conftest import KEY, KINDS, Connect, Kind


@pytest.mark.parametrize(
    ("kind", "path", "name"),
    [
        ("openai", "/v1/models", "gpt-fake-hello"),
        ("anthropic", "/v1/models", "claude-fake-hello"),
        ("openai_compatible", "/compatible/v1/models", "fake-hello"),
    ],
)
async def test_the_list_is_the_providers_own(
    kind: Kind, path: str, name: str, fake: FakeProvider, connect: Connect
) -> None:
    models = await connect(kind).list_models()
    assert name in [listed.model for listed in models]
    assert {exchange.path for exchange in fake.exchanges} == {path}


async def test_anthropics_pages_are_turned(fake: FakeProvider, connect: Connect) -> None:
    models = await connect("anthropic").list_models()
    assert [listed.model for listed in models] == [f"claude-{name}" for name in LISTED_NAMES]
    assert models[0] == ListedModel("claude-fake-hello", "Claude Fake Hello", 200_000, 64_000)
    assert len(fake.exchanges) > 1
    assert {exchange.query["limit"] for exchange in fake.exchanges} == {"1000"}
    assert {exchange.headers["anthropic-version"] for exchange in fake.exchanges} == {"2023-06-01"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_key_shows_at_the_list_too(kind: Kind, connect: Connect) -> None:
    with pytest.raises(UpstreamRejected, match="upstream: ") as failure:
        await connect(kind, key="sk-wrong-abcdefghijklmnop").list_models()
    assert "sk-wrong" not in str(failure.value.as_dict())


async def test_a_server_without_a_key_is_asked_without_one(fake: FakeProvider, connect: Connect) -> None:
    provider = connect("openai_compatible", key=None)
    assert await provider.list_models()
    assert (await ask(provider, "fake-hello")).error is None
    assert all("authorization" not in exchange.headers for exchange in fake.exchanges)


@pytest.mark.parametrize("kind", ["openai", "openai_compatible"])
async def test_an_image_comes_whole_with_its_usage(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    request = ImageRequest("a cat", "gpt-image-fake", size="1024x1024", quality="low")
    image = await connect(kind).generate_image(request, target("gpt-image-fake"))
    assert (image.content, image.media_type) == (png(), "image/png")
    assert image.usage is not None
    assert (image.usage.tokens_input, image.usage.tokens_output) == (10, 272)
    assert image.usage.raw is not None
    assert image.usage.raw["output_tokens_details"] == {"image_tokens": 272, "text_tokens": 0}
    sent = (await fake.request(1)).body
    assert sent == {"model": "gpt-image-fake", "prompt": "a cat", "n": 1, "size": "1024x1024", "quality": "low"}


async def test_dall_e_is_asked_for_the_bytes(connect: Connect) -> None:
    image = await connect("openai").generate_image(ImageRequest("a cat", "dall-e-fake"), target("dall-e-fake"))
    assert image.content == png()
    assert image.revised_prompt == "A picture of a cat"
    assert image.usage is None


async def test_the_address_of_an_image_is_not_fetched(connect: Connect) -> None:
    with pytest.raises(UpstreamError, match=r"upstream: .* address of an image") as failure:
        await connect("openai_compatible").generate_image(ImageRequest("a", "fake-image-url"), target("fake-image-url"))
    assert "169.254" not in str(failure.value.as_dict())


async def test_a_refused_image_says_why(connect: Connect) -> None:
    with pytest.raises(RateLimited, match="upstream: ") as failure:
        await connect("openai").generate_image(
            ImageRequest("a cat", "gpt-image-fake-429"), target("gpt-image-fake-429")
        )
    assert failure.value.retry_after_seconds == 7


async def test_an_image_that_is_no_json(fake: FakeProvider, connect: Connect) -> None:
    fake.script("gpt-image-fake", Raw(200, {"Content-Type": "text/html"}, b"<html>"))
    with pytest.raises(UpstreamFailed, match="upstream: "):
        await connect("openai").generate_image(ImageRequest("a cat", "gpt-image-fake"), target("gpt-image-fake"))


async def test_anthropic_makes_no_images(fake: FakeProvider, connect: Connect) -> None:
    with pytest.raises(InvalidRequest, match="make no images"):
        await connect("anthropic").generate_image(ImageRequest("a cat", "claude"), target("claude"))
    assert fake.exchanges == []


async def test_only_connections_with_their_key_have_a_provider(fake: FakeProvider) -> None:
    connections = [
        ConnectionSettings("openai", "openai", fake.openai_url, Secret(KEY), "OPENAI_API_KEY"),
        ConnectionSettings("anthropic", "anthropic", fake.url, None, "ANTHROPIC_API_KEY"),
        ConnectionSettings("ollama", "openai_compatible", fake.compatible_url),
        ConnectionSettings("groq", "openai_compatible", fake.compatible_url, None, "GROQ_API_KEY"),
    ]
    async with open_session(Timeouts()) as session:
        providers = build_providers(connections, session, Timeouts())
        assert list(providers) == ["openai", "ollama"]
        assert (await ask(providers["ollama"], "fake-hello")).text == "Hello, world! ⚡"


async def test_a_vendors_words_are_chosen_by_its_host(fake: FakeProvider, connect: Connect) -> None:
    assert quirks_at("https://openrouter.ai/api/v1").reasoning_field == "reasoning"
    assert quirks_at("https://me.openai.azure.com/openai/v1").max_tokens_field == "max_completion_tokens"
    assert quirks_at("https://notopenrouter.ai/v1") == quirks_at("http://localhost:11434/v1")
    fake.script("any", Answer((Text("ok"),)))
    await ask(connect("openai_compatible"), "any", prompt())
    assert (await fake.request(1)).body["stream_options"] == {"include_usage": True}
