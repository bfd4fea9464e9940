"""The catalog over providers that answer, hang or fail when the test says so; the clock is the test's."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from llm_router.domain.catalog import ModelInfo
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.errors import InvalidRequest, NoRoute, UnknownModel, UpstreamFailed
from llm_router.domain.events import StreamEvent
from llm_router.domain.pricing import FREE, ModelPrice
from llm_router.providers.base import GeneratedImage, ImageRequest, ListedModel, Provider
from llm_router.services.catalog import Catalog, CatalogView
from llm_router.services.snapshot import Snapshot, load_snapshot
from llm_router.settings import ConnectionSettings, Secret

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class ListingProvider:
    """A provider that only lists. `gate` holds its answer back, `error` replaces it."""

    def __init__(self, *models: str | ListedModel) -> None:
        self.models = [model if isinstance(model, ListedModel) else ListedModel(model) for model in models]
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Semaphore(0)
        self.times_asked = 0
        self.was_cancelled = False

    async def list_models(self) -> list[ListedModel]:
        self.times_asked += 1
        self.asked.release()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        if self.error is not None:
            raise self.error
        return list(self.models)

    def stream_chat(
        self, request: ChatRequest, target: Target
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        raise NotImplementedError

    async def generate_image(self, request: ImageRequest, target: Target) -> GeneratedImage:
        raise NotImplementedError

    async def close(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_snapshot()


def openai(key: str | None = "k") -> ConnectionSettings:
    secret = Secret(key) if key else None
    return ConnectionSettings("openai", "openai", "https://api.openai.com/v1", secret, "OPENAI_API_KEY")


def anthropic(key: str | None = "k") -> ConnectionSettings:
    secret = Secret(key) if key else None
    return ConnectionSettings("anthropic", "anthropic", "https://api.anthropic.com", secret, "ANTHROPIC_API_KEY")


def compatible(
    name: str, base_url: str = "http://localhost:11434/v1", models: tuple[str, ...] | None = None
) -> ConnectionSettings:
    return ConnectionSettings(name, "openai_compatible", base_url, models=models)


def catalog_of(
    snapshot: Snapshot,
    *connections: ConnectionSettings,
    providers: Mapping[str, Provider] | None = None,
    clock: Clock | None = None,
    configured_prices: Mapping[str, ModelPrice] | None = None,
    local_unavailable_reason: str | None = None,
    timeout_seconds: float = 5.0,
) -> Catalog:
    return Catalog(
        connections,
        providers or {},
        snapshot,
        configured_prices=configured_prices,
        local_unavailable_reason=local_unavailable_reason,
        clock=clock or Clock(),
        now=lambda: NOW,
        ttl_seconds=3600,
        retry_seconds=60,
        timeout_seconds=timeout_seconds,
    )


def ids(models: tuple[ModelInfo, ...]) -> list[str]:
    return [info.id for info in models]


# The lists


async def test_a_live_list_names_the_models_and_the_snapshot_fills_in(snapshot: Snapshot) -> None:
    listing = ListingProvider(ListedModel("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", max_output_tokens=64_001))
    async with catalog_of(snapshot, anthropic(), providers={"anthropic": listing}) as catalog:
        view = await catalog.models()
    (info,) = view.models
    assert info.id == "claude-sonnet-4-5-20250929"
    assert info.target == Target("anthropic", "anthropic", "claude-sonnet-4-5-20250929")
    assert info.label == "Claude Sonnet 4.5"
    assert info.max_output_tokens == 64_001
    assert info.supports_vision is True
    assert info.price is not None
    assert info.price.version == snapshot.version
    assert (info.price.rates.input, info.price.rates.web_search) == (Decimal(3), Decimal(10))
    assert info.sources["listed"] == info.sources["max_output_tokens"] == "live"
    assert info.sources["price"] == info.sources["supports_vision"] == "bundled"
    (status,) = view.connections
    assert (status.list, status.listed_at, status.error, status.is_configured) == ("live", NOW, None, True)


async def test_openai_lists_what_chats_and_what_draws(snapshot: Snapshot) -> None:
    listing = ListingProvider(
        *("gpt-4o-mini", "text-embedding-3-small", "tts-1-hd", "whisper-1", "omni-moderation-latest", "davinci-002"),
        *("gpt-4o-mini-tts", "gpt-4o-transcribe", "gpt-realtime", "gpt-audio", "sora-2", "gpt-3.5-turbo-instruct"),
        *("gpt-image-1", "dall-e-3", "gpt-5", "ft:gpt-4o-2024-08-06:me::1", "canary-whisper", "computer-use-preview"),
    )
    async with catalog_of(snapshot, openai(), providers={"openai": listing}) as catalog:
        view = await catalog.models()
    assert ids(view.models) == ["dall-e-3", "ft:gpt-4o-2024-08-06:me::1", "gpt-4o-mini", "gpt-5", "gpt-image-1"]
    assert [info.id for info in view.models if info.generates_images] == ["dall-e-3", "gpt-image-1"]
    assert (view.defaults.chat, view.defaults.image) == ("gpt-4o-mini", "gpt-image-1")


async def test_other_lists_are_rid_of_what_does_not_answer_too(snapshot: Snapshot) -> None:
    listing = ListingProvider(
        *("mistral-embed", "codestral-embed-2505", "voxtral-mini-tts", "mistral-ocr-latest", "mistral-moderation-2603"),
        *("BAAI/bge-m3", "nomic-embed-text:latest", "Qwen/Qwen3-Reranker-8B", "whisper-large-v3", "intfloat/e5-base"),
        *("mistral-small-latest", "qwen3-30b-a3b-instruct", "gpt-oss:20b", "llama-guard-3"),
    )
    connection = compatible("relay", "https://api.together.xyz/v1")
    async with catalog_of(snapshot, connection, providers={"relay": listing}) as catalog:
        view = await catalog.models()
    names = [info.target.model for info in view.models]
    # Nothing tells that the first one makes vectors.
    assert names == [
        "intfloat/e5-base",
        *("mistral-small-latest", "qwen3-30b-a3b-instruct", "gpt-oss:20b", "llama-guard-3"),
    ]


async def test_what_puts_nothing_out_is_known_by_its_price(snapshot: Snapshot) -> None:
    listing = ListingProvider("together/Tev1-4B-experimental", "moonshotai/Kimi-K3")
    connection = compatible("relay", "https://api.together.xyz/v1")
    async with catalog_of(snapshot, connection, providers={"relay": listing}) as catalog:
        assert ids((await catalog.models()).models) == ["relay/moonshotai/Kimi-K3"]


async def test_without_a_list_the_snapshot_stands_in_and_says_so(snapshot: Snapshot) -> None:
    listing = ListingProvider()
    listing.error = UpstreamFailed("openai answered 500")
    async with catalog_of(snapshot, openai(), providers={"openai": listing}) as catalog:
        view = await catalog.models()
    (status,) = view.connections
    assert (status.list, status.listed_at) == ("bundled", None)
    assert "openai answered 500" in (status.error or "")
    info = next(info for info in view.models if info.id == "gpt-5.4-mini")
    assert info.available
    assert info.sources["listed"] == "bundled"
    assert not any("embedding" in name or "gpt-3.5" in name for name in ids(view.models))


async def test_a_failing_list_keeps_its_last_good_copy(snapshot: Snapshot) -> None:
    clock, listing = Clock(), ListingProvider("llama3.2")
    async with catalog_of(snapshot, compatible("den"), providers={"den": listing}, clock=clock) as catalog:
        await catalog.models()
        listing.error = UpstreamFailed("connection refused")
        clock.seconds += 3601
        await catalog.models()
        await _until_asked(listing, 2)
        view = await _settled(catalog)
        assert ids(view.models) == ["den/llama3.2"]
        assert view.connections[0].list == "live"
        assert "connection refused" in (view.connections[0].error or "")

        listing.error, listing.models = None, [ListedModel("qwen3")]
        clock.seconds += 61
        await catalog.models()
        await _until_asked(listing, 3)
        view = await _settled(catalog)
    assert ids(view.models) == ["den/qwen3"]
    assert view.connections[0].error is None


async def test_a_bug_in_a_provider_is_shown_and_not_fatal(snapshot: Snapshot) -> None:
    broken, sound = ListingProvider(), ListingProvider("m")
    broken.error = KeyError("data")
    providers = {"broken": broken, "sound": sound}
    async with catalog_of(snapshot, compatible("broken"), compatible("sound"), providers=providers) as catalog:
        view = await catalog.models()
    assert ids(view.models) == ["sound/m"]
    assert view.connections[0].error == "its list of models could not be read"


async def test_a_silent_provider_costs_one_timeout_and_nobody_else_anything(snapshot: Snapshot) -> None:
    silent, quick = ListingProvider("never"), ListingProvider("m")
    silent.gate.clear()
    connections = compatible("silent"), compatible("quick")
    providers = {"silent": silent, "quick": quick}
    async with catalog_of(snapshot, *connections, providers=providers, timeout_seconds=0.01) as catalog:
        view = await catalog.models()
    assert ids(view.models) == ["quick/m"]
    assert view.connections[0].error == "its list of models did not come within 0.01 s"


async def test_lists_are_fetched_at_the_same_time_and_once(snapshot: Snapshot) -> None:
    one, two = ListingProvider("a"), ListingProvider("b")
    one.gate.clear()
    two.gate.clear()
    async with catalog_of(
        snapshot, compatible("one"), compatible("two"), providers={"one": one, "two": two}
    ) as catalog:
        callers = [asyncio.create_task(catalog.models()) for _ in range(3)]
        await _until_asked(one, 1)
        await _until_asked(two, 1)
        one.gate.set()
        two.gate.set()
        views = await asyncio.gather(*callers)
    assert all(ids(view.models) == ["one/a", "two/b"] for view in views)
    assert (one.times_asked, two.times_asked) == (1, 1)


async def test_a_stale_list_is_served_at_once_and_fetched_behind(snapshot: Snapshot) -> None:
    clock, listing = Clock(), ListingProvider("old")
    async with catalog_of(snapshot, compatible("den"), providers={"den": listing}, clock=clock) as catalog:
        await catalog.models()
        clock.seconds += 3599
        await _settled(catalog)
        assert listing.times_asked == 1

        listing.models = [ListedModel("new")]
        listing.gate.clear()
        clock.seconds += 1
        assert ids((await catalog.models()).models) == ["den/old"]
        await _until_asked(listing, 2)
        assert ids((await catalog.models()).models) == ["den/old"]
        listing.gate.set()
        view = await _settled(catalog)
    assert ids(view.models) == ["den/new"]
    assert listing.times_asked == 2


async def test_a_caller_who_leaves_does_not_end_the_fetch(snapshot: Snapshot) -> None:
    listing = ListingProvider("m")
    listing.gate.clear()
    async with catalog_of(snapshot, compatible("den"), providers={"den": listing}) as catalog:
        caller = asyncio.create_task(catalog.models())
        await _until_asked(listing, 1)
        caller.cancel()
        await asyncio.wait({caller})
        listing.gate.set()
        assert ids((await catalog.models()).models) == ["den/m"]
    assert listing.times_asked == 1


async def test_closing_ends_the_fetch(snapshot: Snapshot) -> None:
    listing = ListingProvider()
    listing.gate.clear()
    async with asyncio.timeout(5):
        async with catalog_of(snapshot, compatible("den"), providers={"den": listing}, timeout_seconds=3600):
            await _until_asked(listing, 1)
    assert listing.was_cancelled


async def test_configured_models_are_offered_as_written_and_never_fetched(snapshot: Snapshot) -> None:
    listing = ListingProvider("other")
    connection = compatible("den", models=("b-model", "a-model"))
    async with catalog_of(snapshot, connection, providers={"den": listing}) as catalog:
        view = await catalog.models()
    assert ids(view.models) == ["den/b-model", "den/a-model"]
    assert view.connections[0].list == "configured"
    assert {info.sources["listed"] for info in view.models} == {"configured"}
    assert listing.times_asked == 0


async def test_a_connection_without_a_key_is_shown_with_what_to_do(snapshot: Snapshot) -> None:
    view = await catalog_of(snapshot, openai(None), anthropic(None)).models()
    assert all(not status.is_configured and status.list == "bundled" for status in view.connections)
    info = next(info for info in view.models if info.id == "claude-sonnet-5")
    assert not info.available
    assert info.unavailable_reason == "no key for anthropic: set ANTHROPIC_API_KEY in .env and restart"
    assert (view.defaults.chat, view.defaults.image) == (None, None)


async def test_the_embedded_model_is_a_free_demo(snapshot: Snapshot) -> None:
    local = ListingProvider(ListedModel("smollm2", "SmolLM2", context_window=4096))
    async with catalog_of(snapshot, openai(None), providers={"local": local}) as catalog:
        view = await catalog.models()
    info = view.models[-1]
    assert (info.id, info.is_demo, info.available, info.context_window) == ("local/smollm2", True, True, 4096)
    assert info.price == FREE
    assert view.defaults.chat == "local/smollm2"


async def test_an_embedded_model_that_cannot_run_says_why(snapshot: Snapshot) -> None:
    view = await catalog_of(snapshot, local_unavailable_reason="this processor has no AVX2").models()
    (info,) = view.models
    assert (info.id, info.available, info.unavailable_reason) == ("local/smollm2", False, "this processor has no AVX2")


async def test_the_owners_own_server_comes_before_the_demo(snapshot: Snapshot) -> None:
    providers = {"den": ListingProvider("llama3.2"), "local": ListingProvider("smollm2")}
    async with catalog_of(snapshot, openai(None), compatible("den"), providers=providers) as catalog:
        assert (await catalog.models()).defaults.chat == "den/llama3.2"


# Names


async def _resolving(snapshot: Snapshot) -> Catalog:
    """openai with a key, anthropic without, two servers of one's own, and the embedded model; all lists in."""
    providers = {
        "openai": ListingProvider("gpt-4o-mini", "gpt-image-1"),
        "den": ListingProvider("llama3.2", "gpt-oss:20b", "shared", "org/some-model"),
        "attic": ListingProvider("shared"),
        "local": ListingProvider("smollm2"),
    }
    connections = openai(), anthropic(None), compatible("den"), compatible("attic")
    catalog = catalog_of(snapshot, *connections, providers=providers)
    await catalog.models()
    return catalog


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        (None, Target("openai", "openai", "gpt-4o-mini")),
        ("gpt-4o-mini", Target("openai", "openai", "gpt-4o-mini")),
        ("openai/gpt-4o-mini", Target("openai", "openai", "gpt-4o-mini")),
        ("den/llama3.2", Target("den", "openai_compatible", "llama3.2")),
        ("den/not/listed", Target("den", "openai_compatible", "not/listed")),
        ("den/shared", Target("den", "openai_compatible", "shared")),
        ("llama3.2", Target("den", "openai_compatible", "llama3.2")),
        ("org/some-model", Target("den", "openai_compatible", "org/some-model")),
        ("gpt-oss:20b", Target("den", "openai_compatible", "gpt-oss:20b")),
        ("gpt-5-chat-latest", Target("openai", "openai", "gpt-5-chat-latest")),
        ("o3-pro", Target("openai", "openai", "o3-pro")),
        ("local/smollm2", Target("local", "local", "smollm2")),
    ],
)
async def test_where_a_name_goes(snapshot: Snapshot, asked: str | None, target: Target) -> None:
    resolved = (await _resolving(snapshot)).resolve(asked)
    assert resolved.target == target
    assert resolved.info.target == target


async def test_an_unlisted_name_still_has_its_facts(snapshot: Snapshot) -> None:
    info = (await _resolving(snapshot)).resolve("gpt-5-2025-08-07").info
    assert info.supports_temperature is False
    assert info.price is not None
    assert info.sources["listed"] == "assumed"


@pytest.mark.parametrize("asked", ["claude-sonnet-5", "claude-of-tomorrow", "anthropic/claude-sonnet-5"])
async def test_a_model_without_a_key_has_no_route(snapshot: Snapshot, asked: str) -> None:
    with pytest.raises(NoRoute, match=r"set ANTHROPIC_API_KEY in \.env and restart") as caught:
        (await _resolving(snapshot)).resolve(asked)
    assert (caught.value.details or {})["connection"] == "anthropic"


async def test_an_unknown_name_is_answered_with_near_ones(snapshot: Snapshot) -> None:
    with pytest.raises(UnknownModel, match=r"did you mean .*den/llama3\.2") as caught:
        (await _resolving(snapshot)).resolve("lama3.2")
    assert 1 <= len((caught.value.details or {})["suggestions"]) <= 3


async def test_a_name_that_is_nothing_like_any_other(snapshot: Snapshot) -> None:
    with pytest.raises(UnknownModel, match="GET /api/usage/models"):
        (await _resolving(snapshot)).resolve("§" * 100_000)


async def test_a_name_of_two_connections_must_say_which(snapshot: Snapshot) -> None:
    with pytest.raises(UnknownModel, match="den/shared, attic/shared"):
        (await _resolving(snapshot)).resolve("shared")


async def test_a_name_goes_to_the_one_that_can_serve_it(snapshot: Snapshot) -> None:
    work = ConnectionSettings("work", "openai", "https://proxy.example/v1", Secret("k"), "WORK_KEY", ("gpt-5.4",))
    catalog = catalog_of(snapshot, openai(None), work)
    assert catalog.resolve("gpt-5.4").target == Target("work", "openai", "gpt-5.4")


async def test_nothing_to_ask_says_what_is_missing(snapshot: Snapshot) -> None:
    with pytest.raises(NoRoute, match=r"OPENAI_API_KEY.*AVX2"):
        catalog_of(snapshot, openai(None), local_unavailable_reason="no AVX2 here").resolve(None)


async def test_names_resolve_while_the_lists_are_on_their_way(snapshot: Snapshot) -> None:
    listing = ListingProvider("gpt-4o-mini")
    listing.gate.clear()
    async with catalog_of(snapshot, openai(), providers={"openai": listing}) as catalog:
        await _until_asked(listing, 1)
        assert catalog.resolve("gpt-5.4").info.available


# What may be asked


@pytest.mark.parametrize(
    ("model", "temperature", "reasoning"),
    [
        ("gpt-4o-mini", 2.0, None),
        ("gpt-5", None, "minimal"),
        ("den/whatever", 1.9, "xhigh"),
        ("gpt-of-tomorrow", 0.5, "max"),
    ],
)
async def test_what_is_taken_or_unknown_passes(
    snapshot: Snapshot, model: str, temperature: float | None, reasoning: str | None
) -> None:
    catalog = await _resolving(snapshot)
    catalog.validate(catalog.resolve(model).info, temperature=temperature, reasoning=reasoning)


@pytest.mark.parametrize(
    ("model", "temperature", "reasoning", "message"),
    [
        ("gpt-4o-mini", 2.1, None, "from 0 to 2"),
        ("den/whatever", -0.1, None, "from 0 to 2"),
        ("den/whatever", float("nan"), None, "from 0 to 2"),
        ("gpt-5", 0.7, None, "takes no temperature: leave it out"),
        ("o3", 1.0, None, "takes no temperature"),
        ("gpt-5", None, "xhigh", "one of minimal, low, medium, high for gpt-5, not 'xhigh'"),
        ("gpt-4o-mini", None, "low", "does not reason"),
        ("den/whatever", None, "a lot", "one of none, minimal, low, medium, high, xhigh, max"),
        ("gpt-image-1", None, None, "makes images"),
    ],
)
async def test_what_is_refused_says_what_is_allowed(
    snapshot: Snapshot, model: str, temperature: float | None, reasoning: str | None, message: str
) -> None:
    catalog = await _resolving(snapshot)
    with pytest.raises(InvalidRequest, match=message):
        catalog.validate(catalog.resolve(model).info, temperature=temperature, reasoning=reasoning)


async def test_claude_is_cooler(snapshot: Snapshot) -> None:
    catalog = catalog_of(snapshot, anthropic())
    catalog.validate(catalog.resolve("claude-haiku-4-5").info, temperature=1.0, reasoning="high")
    with pytest.raises(InvalidRequest, match="from 0 to 1"):
        catalog.validate(catalog.resolve("claude-haiku-4-5").info, temperature=1.1)
    with pytest.raises(InvalidRequest, match="takes no temperature"):
        catalog.validate(catalog.resolve("claude-opus-4-8").info, temperature=0.5)


# Prices


async def test_a_price_is_asked_for_at_a_moment_of_the_past_and_now(snapshot: Snapshot) -> None:
    catalog = catalog_of(snapshot, openai())
    asked = Target("openai", "openai", "o3")
    before = catalog.price_for(asked, at=datetime(2025, 6, 9, tzinfo=UTC))
    now = catalog.price_for(asked, "o3-2025-04-16")
    assert before is not None
    assert now is not None
    assert (before.rates.input, now.rates.input) == (Decimal(10), Decimal(2))
    assert catalog.price_for(Target("gone", "openai_compatible", "o3")) is None


async def test_a_price_in_the_providers_own_list_wins(snapshot: Snapshot) -> None:
    price = ModelPrice(Decimal("0.05"), Decimal("0.40"))
    listing = ListingProvider(ListedModel("openai/gpt-5-nano", "GPT-5 Nano", 400_000, 128_000, price))
    connection = compatible("relay", "https://openrouter.ai/api/v1")
    async with catalog_of(snapshot, connection, providers={"relay": listing}) as catalog:
        (info,) = (await catalog.models()).models
        entry = catalog.price_for(info.target)
    assert info.price == entry
    assert (info.sources["price"], info.sources["context_window"]) == ("live", "live")
    assert entry is not None
    assert (entry.rates, entry.version) == (price, "live")


async def test_a_shown_price_is_todays_also_where_no_list_is_fetched(snapshot: Snapshot) -> None:
    clock, days = Clock(), iter((datetime(2025, 6, 9, tzinfo=UTC), datetime(2025, 6, 10, tzinfo=UTC)))
    connection = ConnectionSettings("work", "openai", "https://proxy.example/v1", models=("o3",))
    catalog = Catalog([connection], {}, snapshot, clock=clock, now=lambda: next(days))

    async def shown() -> Decimal | None:
        (info,) = (await catalog.models()).models
        return info.price.rates.input if info.price else None

    assert await shown() == Decimal(10)
    clock.seconds += 3599
    assert await shown() == Decimal(10)
    clock.seconds += 1
    assert await shown() == Decimal(2)


async def test_the_owners_own_price_is_shown_as_such(snapshot: Snapshot) -> None:
    price = ModelPrice(Decimal("0.1"), Decimal("0.2"))
    listing = ListingProvider("llama3.2", "qwen3")
    async with catalog_of(
        snapshot, compatible("den"), providers={"den": listing}, configured_prices={"den/qwen3": price}
    ) as catalog:
        llama, qwen = (await catalog.models()).models
    assert llama.price is None
    assert qwen.price is not None
    assert (qwen.price.rates, qwen.price.version, qwen.sources["price"]) == (price, "configured", "configured")


async def _until_asked(listing: ListingProvider, times: int) -> None:
    async with asyncio.timeout(5):
        while listing.times_asked < times:
            await listing.asked.acquire()


async def _settled(catalog: Catalog) -> CatalogView:
    """The view once every fetch that is due has been made."""
    await catalog.models()
    await catalog.refreshed()
    return await catalog.models()
