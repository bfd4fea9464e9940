"""The calculator by hand-worked sums, and against `genai-prices` over the bundled list."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache

import pytest
from genai_prices import Usage as OracleUsage
from genai_prices.data import providers as oracle_providers
from genai_prices.types import ModelInfo as OracleModel
from genai_prices.types import Provider as OracleProvider
from hypothesis import example, given
from hypothesis import strategies as st

from llm_router.domain.catalog import ModelPrice
from llm_router.domain.pricing import FREE, PriceEntry, PricePeriod, PriceTier, price_at, price_usage
from llm_router.domain.usage import Cost, Usage, nanousd
from llm_router.services.snapshot import Snapshot, load_snapshot

SONNET = PriceEntry(
    "2026-11-24",
    ModelPrice(Decimal(3), Decimal(15), Decimal("0.3"), Decimal("3.75")),
    tiers=(PriceTier(200_000, ModelPrice(Decimal(6), Decimal("22.5"), Decimal("0.6"), Decimal("7.5"))),),
)
PLAIN = PriceEntry("v", ModelPrice(Decimal("0.15"), Decimal("0.6")))


def test_each_kind_of_token_is_charged_once_at_its_own_rate() -> None:
    usage = Usage(tokens_input=1000, tokens_output=100, tokens_cache_read=600, tokens_cache_write=300)
    # 100 × 3 + 600 × 0.3 + 300 × 3.75 + 100 × 15 = 3105 millionths of a dollar
    assert price_usage(usage, SONNET) == Cost(3_105_000, "exact", "2026-11-24")


def test_a_count_below_a_nano_dollar_is_not_lost_before_the_sum() -> None:
    price = PriceEntry("v", ModelPrice(Decimal("0.0004"), Decimal("0.0004")))
    assert price_usage(Usage(tokens_input=1, tokens_output=1), price).nanousd == 1  # 0.4 + 0.4


@pytest.mark.parametrize(("tokens_input", "expected"), [(200_000, 600_000_000), (200_001, 1_200_006_000)])
def test_past_the_tier_the_whole_request_costs_more(tokens_input: int, expected: int) -> None:
    assert price_usage(Usage(tokens_input=tokens_input, tokens_output=0), SONNET).nanousd == expected


def test_the_tier_counts_cached_tokens_and_raises_every_rate() -> None:
    usage = Usage(tokens_input=300_000, tokens_output=10, tokens_cache_read=299_999)
    assert price_usage(usage, SONNET).nanousd == 6_000 + 299_999 * 600 + 10 * 22_500


def test_a_cache_without_a_price_costs_as_input_and_says_so() -> None:
    usage = Usage(tokens_input=1000, tokens_output=0, tokens_cache_read=500)
    assert price_usage(usage, PLAIN) == Cost(150_000, "bounded", "v")


def test_more_cached_than_sent_is_never_negative_and_not_exact() -> None:
    usage = Usage(tokens_input=10, tokens_output=0, tokens_cache_read=161)
    assert price_usage(usage, SONNET) == Cost(48_300, "bounded", "2026-11-24")


@pytest.mark.parametrize(("tier", "status"), [(None, "exact"), ("default", "exact"), ("priority", "bounded")])
def test_another_service_tier_has_rates_we_do_not_hold(tier: str | None, status: str) -> None:
    cost = price_usage(Usage(tokens_input=1000, tokens_output=0, service_tier=tier), PLAIN)
    assert (cost.nanousd, cost.status) == (150_000, status)


def test_what_the_provider_says_it_charges_wins() -> None:
    usage = Usage(tokens_input=10**6, tokens_output=10**6, cost_reported=Decimal("0.00079"))
    assert price_usage(usage, SONNET, is_estimated=True) == Cost(790_000, "exact", None)
    assert price_usage(usage, None) == Cost(790_000, "exact", None)


def test_counts_of_our_own_are_marked_estimated() -> None:
    assert price_usage(Usage(tokens_input=1000, tokens_output=0), PLAIN, is_estimated=True).status == "estimated"


@pytest.mark.parametrize("usage", [Usage(), Usage(tokens_input=5), Usage(tokens_output=5)])
def test_an_unknown_count_leaves_the_cost_unknown(usage: Usage) -> None:
    assert price_usage(usage, PLAIN) == Cost(None, "unpriced")


def test_an_unknown_price_leaves_the_cost_unknown() -> None:
    usage = Usage(tokens_input=1, tokens_output=1)
    assert price_usage(usage, None) == Cost(None, "unpriced")
    assert price_usage(usage, PriceEntry("v", ModelPrice(input=Decimal(1)))) == Cost(None, "unpriced")


def test_a_price_that_no_token_needs_may_be_unknown() -> None:
    embedding = PriceEntry("v", ModelPrice(input=Decimal("0.13")))
    assert price_usage(Usage(tokens_input=1000, tokens_output=0), embedding) == Cost(130_000, "exact", "v")


@pytest.mark.parametrize("usage", [Usage(), Usage(tokens_input=5, tokens_output=7, tokens_cache_read=2)])
def test_the_embedded_model_is_free_whatever_the_counts(usage: Usage) -> None:
    assert price_usage(usage, FREE, is_estimated=True) == Cost(0, "exact", "free")


def test_a_price_without_rates_is_unknown_and_not_free() -> None:
    assert not PriceEntry("v", ModelPrice()).is_free


def test_of_the_prices_that_hold_the_last_counts() -> None:
    early, late, night = (PriceEntry(name, ModelPrice()) for name in ("early", "late", "night"))
    periods = (
        PricePeriod(early),
        PricePeriod(late, starts_on=date(2026, 10, 19)),
        PricePeriod(night, between=(time(22), time(4))),
    )
    assert price_at(periods, datetime(2026, 10, 18, 23, 59, tzinfo=UTC)) is night
    assert price_at(periods, datetime(2026, 10, 18, 4, tzinfo=UTC)) is early
    assert price_at(periods, datetime(2026, 10, 19, 4, tzinfo=UTC)) is late
    assert price_at((PricePeriod(late, starts_on=date(2027, 1, 1)),), datetime(2026, 1, 1, tzinfo=UTC)) is late


# The oracle. Left out are image models: we charge their output as the image it is, where they have two prices.


@cache
def _snapshot() -> Snapshot:
    return load_snapshot()


def _oracle_models() -> list[tuple[OracleProvider, OracleModel]]:
    return [
        (provider, model)
        for provider in oracle_providers
        if provider.id in ("openai", "anthropic", "deepseek", "mistral", "groq", "x-ai", "together")
        for model in provider.models
        if (row := _snapshot().vendor(provider.id).find(model.id)) is not None
        and all(period.entry.rates.output is not None for period in row.prices)
        and not _snapshot().vendor(provider.id).facts(model.id).generates_images
    ]


ORACLE_MODELS = _oracle_models()


def test_the_oracle_covers_the_list() -> None:
    assert len(ORACLE_MODELS) > 200


tokens = st.integers(0, 1_200_000)


@given(
    chosen=st.sampled_from(ORACLE_MODELS),
    parts=st.tuples(tokens, tokens, tokens),
    tokens_output=tokens,
    moment=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
@example(ORACLE_MODELS[0], (0, 0, 0), 0, datetime(2026, 11, 24, tzinfo=UTC))
def test_costs_agree_with_genai_prices_to_the_nano_dollar(
    chosen: tuple[OracleProvider, OracleModel], parts: tuple[int, int, int], tokens_output: int, moment: datetime
) -> None:
    provider, model = chosen
    uncached, cache_read, cache_write = parts
    tokens_input = uncached + cache_read + cache_write
    theirs = model.calc_price(
        OracleUsage(
            input_tokens=tokens_input,
            cache_read_tokens=cache_read,
            cache_write_tokens=cache_write,
            output_tokens=tokens_output,
        ),
        provider,
        genai_request_timestamp=moment,
    )
    row = _snapshot().vendor(provider.id).find(model.id)
    assert row is not None
    ours = price_usage(Usage(tokens_input, tokens_output, cache_read, cache_write), price_at(row.prices, moment))
    assert ours.nanousd == nanousd(theirs.total_price)


def test_names_find_the_model_that_genai_prices_finds() -> None:
    for provider, model in ORACLE_MODELS:
        for suffix in ("", "-latest", "-20250929", "-2025-08-07", "-mini", "@x", "x"):
            name = model.id + suffix
            theirs = provider.find_model(name)
            ours = _snapshot().vendor(provider.id).find(name)
            # A row is always found by its own id too; the list has a few that answer to longer names only.
            is_own_id = theirs is None and ours is not None and ours.id == name
            assert is_own_id or (name, ours and ours.id) == (name, theirs and theirs.id)
