"""The bundled list and the calculator against `genai-prices`, which the list is made from: to the nano-dollar.

Deliberate differences, each with a test of its own beneath:

- A name that says more than which release it is ("begins with `deepseek-r1`": `deepseek-r1-distill-qwen-7b`) is another
  model, of an unknown price; theirs is the price of the model it begins like.
- A dated release that they do not know (`grok-4.20-20260309`) costs what the model does, and the cost is bounded.
- What is put out at no known price leaves the cost unknown; theirs is nothing.
- More parts than a whole (Grok on Azure: 161 cached of 10) are charged as far as they go, bounded; theirs is an error.
- What no answer counts (reasoning apart from the output, citations, hours, pages, characters) is not in the list.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data import providers
from genai_prices.types import ConditionalPrice, ModelInfo, Provider, StartDateConstraint
from hypothesis import given, settings
from hypothesis import strategies as st
from scripts import update_prices

from llm_router.domain.pricing import price_usage
from llm_router.domain.usage import Cost, Usage, nanousd
from llm_router.services.snapshot import BundledModel, load_snapshot

SNAPSHOT = load_snapshot()
BY_ID = {provider.id: provider for provider in providers}
SERVICE_TIERS = (None, "default", "flex", "priority", "fast", "batch")

Pair = tuple[Provider, ModelInfo, BundledModel]


@cache
def pairs() -> list[Pair]:
    """Every row of the bundled list beside the row it was made from."""
    found = []
    for vendor in SNAPSHOT.vendors:
        rows = {row.id: row for row in SNAPSHOT.vendor(vendor).models}
        found += [(BY_ID[vendor], model, rows[model.id]) for model in BY_ID[vendor].models if model.id in rows]
    return found


def random_usage(rng: random.Random) -> tuple[Usage, TheirUsage]:
    """The same in both words. Counts of every part, and none; cached audio only where ours can tell that it was."""

    def some(most: int = 400_000) -> int:
        return rng.choice((0, 0, 1, rng.randrange(1000), rng.randrange(most)))

    text, cached, written, written_1h, audio, image = (some() for _ in range(6))
    cached_audio = cached_image = 0
    if rng.random() < 0.3:  # no other input is left that could have been cached instead
        text = 0
        if rng.random() < 0.5:
            image, cached_audio = 0, some()
        else:
            audio, cached_image = 0, some()
    words, output_audio, output_image, searches = some(), some(), some(), some(20)
    total = text + cached + written + written_1h + audio + image + cached_audio + cached_image
    ours = Usage(
        tokens_input=total,
        tokens_output=words + output_audio + output_image,
        tokens_cache_read=cached + cached_audio + cached_image,
        tokens_cache_write=written + written_1h,
        tokens_cache_write_1h=written_1h,
        tokens_input_audio=audio + cached_audio,
        tokens_input_image=image + cached_image,
        tokens_output_audio=output_audio,
        tokens_output_image=output_image,
        web_searches=searches,
        service_tier=rng.choice(SERVICE_TIERS),
    )
    theirs = TheirUsage(
        input_tokens=total,
        output_tokens=words + output_audio + output_image,
        cache_read_tokens=cached + cached_audio + cached_image,
        cache_write_tokens=written + written_1h,
        cache_write_1h_tokens=written_1h,
        input_audio_tokens=audio + cached_audio,
        input_image_tokens=image + cached_image,
        cache_audio_read_tokens=cached_audio,
        cache_image_read_tokens=cached_image,
        output_audio_tokens=output_audio,
        output_image_tokens=output_image,
        web_searches=searches,
    )
    return ours, theirs


def their_cost(pair: Pair, usage: TheirUsage, service_tier: str | None, moment: datetime) -> Decimal:
    provider, model, _ = pair
    # One word of ours is one of three circumstances of theirs.
    context = {} if service_tier is None else dict.fromkeys(("service_tier", "speed", "processing"), service_tier)
    return model.calc_price(usage, provider, genai_request_timestamp=moment, price_context=context).total_price


def agrees(pair: Pair, ours: Usage, theirs: TheirUsage, moment: datetime) -> bool:
    price = pair[2].prices.at(moment)
    cost = price_usage(ours, price)
    if cost.nanousd is None:
        return price.rates.output is None and bool(ours.tokens_output)
    return cost.nanousd == nanousd(their_cost(pair, theirs, ours.service_tier, moment))


def moments(model: ModelInfo) -> Iterator[datetime]:
    """The last moment before and the first of each price there was, and an hour of each part of a day."""
    periods = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
    constraints = [part.constraint for part in (*periods, *(model.price_variants or ()))]
    for constraint in constraints:
        if isinstance(constraint, StartDateConstraint):
            start = datetime.combine(constraint.start_date, datetime.min.time(), UTC)
            yield from (start - timedelta(microseconds=1), start)
    yield from (datetime(2026, 11, 24, hour, 30, tzinfo=UTC) for hour in (0, 2, 12, 17, 23))


def test_every_priced_model_costs_the_same_at_each_of_its_prices() -> None:
    rng = random.Random(1)
    for pair in pairs():
        for moment in dict.fromkeys(moments(pair[1])):
            ours, theirs = random_usage(rng)
            assert agrees(pair, ours, theirs, moment), (pair[0].id, pair[1].id, moment, ours)


@settings(max_examples=3000, deadline=None)
@given(
    st.sampled_from(pairs()),
    st.integers(0, 2**64).map(random.Random),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
def test_any_model_costs_the_same_at_any_moment(pair: Pair, rng: random.Random, moment: datetime) -> None:
    ours, theirs = random_usage(rng)
    assert agrees(pair, ours, theirs, moment)


def test_a_moment_counts_in_utc_wherever_it_was_said() -> None:
    row = SNAPSHOT.vendor("deepseek").find("deepseek-chat")
    assert row is not None
    here = datetime.fromisoformat("2026-11-25T01:00:00+08:00")
    assert row.prices.at(here).rates.input == row.prices.at(here.astimezone(UTC)).rates.input == Decimal("0.135")


def test_all_that_is_charged_by_what_an_answer_counts_is_in_the_list() -> None:
    left_out = {
        (vendor, model.id)
        for vendor in SNAPSHOT.vendors
        for model in BY_ID[vendor].models
        if SNAPSHOT.vendor(vendor).find(model.id) is None
    }
    for vendor, model_id in left_out:
        model = next(model for model in BY_ID[vendor].models if model.id == model_id)
        periods = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
        keys = {key for period in periods for key, value in vars(period.prices).items() if value is not None}
        is_bare_name_of_a_relay = vendor == "openrouter" and "/" not in model_id
        assert "input_mtok" not in keys or keys & update_prices.NOT_PRICEABLE or is_bare_name_of_a_relay, model_id
    assert ("perplexity", "sonar-deep-research") in left_out
    assert len(pairs()) > 1500


# The deliberate differences


def exact_names(model: ModelInfo) -> set[str]:
    rules = (rule for rule in update_prices._rules(model.match) if isinstance(rule, str))
    return {model.id.lower(), *(rule[1:] for rule in rules if rule[0] == "=")}


@cache
def known_names() -> list[str]:
    """Every model name that anybody's list has: names as they are really given."""
    names = {name for provider in providers for model in provider.models for name in exact_names(model)}
    return sorted(names | {name.rpartition("/")[2] for name in names})


@pytest.mark.parametrize("vendor", SNAPSHOT.vendors)
def test_a_name_means_what_it_means_to_them_or_nothing(vendor: str) -> None:
    ids = {row.id for row in SNAPSHOT.vendor(vendor).models}
    for name in known_names():
        theirs = BY_ID[vendor].find_model(name)
        ours = SNAPSHOT.vendor(vendor).find(name)
        if ours is not None and theirs is not None:
            assert ours.id == theirs.id, name
        elif theirs is not None and theirs.id in ids:
            assert name not in exact_names(theirs), name


@pytest.mark.parametrize(
    ("vendor", "name", "theirs"),
    [
        ("deepseek", "deepseek-r1-distill-qwen-7b", "deepseek-reasoner"),
        ("deepseek", "deepseek-v4-flash-0731-fast", "deepseek-v4-flash"),
        ("anthropic", "claude-opus-4-6-mini", "claude-opus-4-6"),
        ("anthropic", "claude-3.7-sonnet:thinking", "claude-3-7-sonnet-latest"),
        ("google", "claude-opus-4.8-fast", "claude-opus-4-8"),
        ("azure", "o4-mini-deep-research", "o4-mini"),
        ("aws", "gpt-6-sol-pro", "regional.openai.gpt-6-sol"),
        ("moonshotai", "kimi-k2.6-fast", "kimi-k2.6"),
    ],
)
def test_a_name_that_goes_on_is_another_model(vendor: str, name: str, theirs: str) -> None:
    found = BY_ID[vendor].find_model(name)
    assert found is not None
    assert found.id == theirs
    assert SNAPSHOT.vendor(vendor).find(name) is None


def test_a_release_that_they_do_not_know_is_bounded() -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    assert BY_ID["x-ai"].find_model("grok-4.20-20260309") is None
    price = SNAPSHOT.vendor("x-ai").price("grok-4.20-20260309", moment)
    known = SNAPSHOT.vendor("x-ai").price("grok-4.20", moment)
    assert price is not None
    assert known is not None
    assert (price.rates, price.is_assumed, known.is_assumed) == (known.rates, True, False)


def test_what_is_put_out_at_no_known_price_is_unknown() -> None:
    price = SNAPSHOT.vendor("openai").price("text-embedding-3-small", datetime(2026, 11, 24, tzinfo=UTC))
    assert price_usage(Usage(tokens_input=10**6, tokens_output=0), price).nanousd == 20_000_000
    assert price_usage(Usage(tokens_input=10**6, tokens_output=1), price) == Cost(None, "unpriced")


def test_more_parts_than_a_whole_are_charged_and_bounded() -> None:
    pair = next(pair for pair in pairs() if pair[1].id == "grok-4.3")
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    with pytest.raises(ValueError, match="cannot exceed"):
        their_cost(pair, TheirUsage(input_tokens=10, cache_read_tokens=161, output_tokens=0), None, moment)
    usage = Usage(tokens_input=10, tokens_output=0, tokens_cache_read=161)
    assert price_usage(usage, pair[2].prices.at(moment)) == Cost(161 * 200, "bounded", SNAPSHOT.version)
