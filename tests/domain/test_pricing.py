"""The calculator by hand-worked sums. What it says of the real list is in `tests/services/test_price_oracle.py`."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.pricing import (
    FREE,
    RATES,
    ModelPrice,
    PriceEntry,
    PriceHistory,
    PriceTier,
    PriceVariant,
    Span,
    price_usage,
)
from llm_router.domain.usage import COUNTS, Cost, CountStatus, Usage

D = Decimal

SONNET = PriceEntry(
    "2026-11-24",
    ModelPrice(D(3), D(15), D("0.3"), D("3.75"), D(6), web_search=D(10)),
    tiers=(PriceTier(200_000, ModelPrice(D(6), D("22.5"), D("0.6"), D("7.5"), D(12))),),
)
PLAIN = PriceEntry("v", ModelPrice(D("0.15"), D("0.6")))
GPT = PriceEntry(
    "v",
    ModelPrice(D("1.25"), D(10), D("0.125")),
    variants=(
        PriceVariant(("flex", "batch"), ModelPrice(D("0.625"), D(5))),
        PriceVariant(("flex",), ModelPrice(D(9), D(9), D("0.0625"))),
        PriceVariant(("priority",), ModelPrice(D("2.5")), tiers=(PriceTier(272_000, ModelPrice(D(5))),)),
    ),
)
AUDIO = PriceEntry("v", ModelPrice(D(1), D(2), D("0.1"), input_audio=D(10), output_audio=D(20), cache_read_audio=D(3)))
IMAGE = PriceEntry("v", ModelPrice(D(5), D(10), D("1.25"), input_image=D(8), output_image=D(32), cache_read_image=D(2)))


def cost(price: PriceEntry, tokens_input: int, tokens_output: int = 0, **parts: int | str) -> tuple[int | None, str]:
    usage = Usage(tokens_input, tokens_output, **parts)  # type: ignore[arg-type]
    priced = price_usage(usage, price)
    return priced.nanousd, priced.status


def test_each_kind_of_token_is_charged_once_at_its_own_rate() -> None:
    usage = Usage(tokens_input=1000, tokens_output=100, tokens_cache_read=600, tokens_cache_write=300)
    # 100 × 3 + 600 × 0.3 + 300 × 3.75 + 100 × 15 = 3105 millionths of a dollar
    assert price_usage(usage, SONNET) == Cost(3_105_000, "exact", "2026-11-24")


def test_an_hour_in_the_cache_is_dearer_than_five_minutes() -> None:
    # 200 × 3.75 + 100 × 6: BerriAI/litellm#31724 charged the hour as five minutes
    assert cost(SONNET, 300, tokens_cache_write=300, tokens_cache_write_1h=100) == (1_350_000, "exact")
    # a total without its parts is five minutes: QuantumNous/new-api#6353 charged nothing for it
    assert cost(SONNET, 300, tokens_cache_write=300) == (1_125_000, "exact")
    assert cost(PLAIN, 300, tokens_cache_write=300, tokens_cache_write_1h=100) == (45_000, "bounded")


def test_a_count_below_a_nano_dollar_is_not_lost_before_the_sum() -> None:
    price = PriceEntry("v", ModelPrice(D("0.0004"), D("0.0004")))
    assert price_usage(Usage(tokens_input=1, tokens_output=1), price).nanousd == 1  # 0.4 + 0.4


@pytest.mark.parametrize(("tokens_input", "expected"), [(200_000, 600_000_000), (200_001, 1_200_006_000)])
def test_past_the_tier_the_whole_request_costs_more(tokens_input: int, expected: int) -> None:
    assert cost(SONNET, tokens_input) == (expected, "exact")


def test_the_tier_counts_cached_tokens_and_raises_every_rate() -> None:
    assert cost(SONNET, 300_000, 10, tokens_cache_read=299_999) == (6_000 + 299_999 * 600 + 10 * 22_500, "exact")


def test_a_cache_without_a_price_costs_as_input_and_says_so() -> None:
    assert cost(PLAIN, 1000, tokens_cache_read=500) == (150_000, "bounded")


def test_more_cached_than_sent_is_never_negative_and_not_exact() -> None:
    assert cost(SONNET, 10, tokens_cache_read=161) == (48_300, "bounded")


def test_searches_and_requests_are_charged_besides_the_tokens() -> None:
    fee = PriceEntry("v", ModelPrice(D(1), D(1), request=D(12)))
    assert cost(SONNET, 0, web_searches=3) == (30_000_000, "exact")
    assert cost(fee, 0) == (12_000_000, "exact")
    assert cost(PLAIN, 1000, web_searches=1) == (150_000, "bounded")  # that it costs something is all we know


def test_audio_and_images_are_charged_apart_from_the_text() -> None:
    # 700 text × 1 + 300 audio × 10, out 40 × 2 + 60 × 20
    assert cost(AUDIO, 1000, 100, tokens_input_audio=300, tokens_output_audio=60) == (4_980_000, "exact")
    # 100 text × 5 + 400 image × 8, out 308 × 10 + 1056 × 32
    assert cost(IMAGE, 500, 1364, tokens_input_image=400, tokens_output_image=1056) == (40_572_000, "exact")


def test_a_list_without_a_rate_for_images_means_that_of_text_and_without_one_for_audio_nothing_certain() -> None:
    assert cost(PLAIN, 1000, tokens_input_image=400) == (150_000, "exact")
    assert cost(PLAIN, 1000, tokens_input_audio=400) == (150_000, "bounded")
    assert cost(PLAIN, 0, 1000, tokens_output_audio=400) == (600_000, "bounded")


def test_which_of_the_cached_tokens_were_audio_is_known_where_all_were_cached() -> None:
    # all cached: 700 text × 0.1 + 300 audio × 3
    assert cost(AUDIO, 1000, tokens_input_audio=300, tokens_cache_read=1000) == (970_000, "exact")
    # 800 cached: the 700 of text and 100 of audio; 200 audio × 10
    assert cost(AUDIO, 1000, tokens_input_audio=300, tokens_cache_read=800) == (2_370_000, "bounded")
    # 500 cached: text first
    assert cost(AUDIO, 1000, tokens_input_audio=300, tokens_cache_read=500) == (3_250_000, "bounded")


def test_an_image_endpoint_that_does_not_split_its_output_made_an_image() -> None:
    undivided = Usage(tokens_input=0, tokens_output=100)
    assert price_usage(undivided, IMAGE) == Cost(1_000_000, "bounded", "v")
    media = Usage(tokens_input=0, tokens_output=100, dialect="openai_media")
    assert price_usage(media, IMAGE) == Cost(3_200_000, "bounded", "v")


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (None, (2_250_000, "exact")),
        ("default", (2_250_000, "exact")),
        ("batch", (1_125_000, "exact")),
        ("FLEX", (1_125_000, "exact")),
        ("priority", (3_500_000, "exact")),  # says nothing of the output, which costs what it always does
        ("scale", (2_250_000, "bounded")),
    ],
)
def test_the_tier_that_the_answer_names_is_charged(tier: str | None, expected: tuple[int, str]) -> None:
    usage = Usage(tokens_input=1000, tokens_output=100, service_tier=tier)
    priced = price_usage(usage, GPT)
    assert (priced.nanousd, priced.status) == expected


def test_of_two_variants_that_name_a_rate_the_first_counts() -> None:
    assert cost(GPT, 1000, tokens_cache_read=1000, service_tier="flex") == (62_500, "exact")
    assert cost(GPT, 1000, tokens_cache_read=1000, service_tier="batch") == (125_000, "exact")


def test_a_variant_has_tiers_of_its_own() -> None:
    # BerriAI/litellm#39861: priority past 272k at the rates below it
    assert cost(GPT, 272_001, service_tier="priority") == (272_001 * 5000, "exact")
    assert cost(GPT, 272_001, service_tier="flex") == (272_001 * 625, "exact")


def test_a_tier_whose_rates_we_do_not_hold_is_bounded() -> None:
    # Anthropic's priority is capacity that was paid for beforehand
    assert cost(SONNET, 1000, service_tier="priority") == (3_000_000, "bounded")
    assert cost(SONNET, 1000, service_tier="standard") == (3_000_000, "exact")


@pytest.mark.parametrize("counts", ["exact", "bounded", "estimated"])
def test_what_the_provider_says_it_charges_wins_and_is_no_surer_than_its_answer(counts: CountStatus) -> None:
    usage = Usage(tokens_input=10**6, tokens_output=10**6, cost_reported=D("0.00079"))
    assert price_usage(usage, SONNET, counts=counts) == Cost(790_000, counts, "reported")
    assert price_usage(usage, None, counts=counts) == Cost(790_000, counts, "reported")


def test_a_cost_is_no_surer_than_its_counts_and_its_price() -> None:
    usage = Usage(tokens_input=1000, tokens_output=0)
    assumed = PriceEntry("v", PLAIN.rates, is_assumed=True)
    assert [price_usage(usage, PLAIN, counts=it).status for it in ("exact", "bounded", "estimated")] == [
        "exact",
        "bounded",
        "estimated",
    ]
    assert price_usage(usage, assumed) == Cost(150_000, "bounded", "v")
    assert price_usage(usage, assumed, counts="estimated") == Cost(150_000, "estimated", "v")


@pytest.mark.parametrize("usage", [Usage(), Usage(tokens_input=5), Usage(tokens_output=5)])
def test_an_unknown_count_leaves_the_cost_unknown(usage: Usage) -> None:
    assert price_usage(usage, PLAIN) == Cost(None, "unpriced")


def test_an_unknown_price_leaves_the_cost_unknown() -> None:
    usage = Usage(tokens_input=1, tokens_output=1)
    assert price_usage(usage, None) == Cost(None, "unpriced")
    assert price_usage(usage, PriceEntry("v", ModelPrice(input=D(1)))) == Cost(None, "unpriced")


def test_a_price_that_no_token_needs_may_be_unknown() -> None:
    embedding = PriceEntry("v", ModelPrice(input=D("0.13")))
    assert price_usage(Usage(tokens_input=1000, tokens_output=0), embedding) == Cost(130_000, "exact", "v")


@pytest.mark.parametrize("usage", [Usage(), Usage(tokens_input=5, tokens_output=7, tokens_cache_read=2)])
def test_the_embedded_model_is_free_whatever_the_counts(usage: Usage) -> None:
    assert price_usage(usage, FREE, counts="estimated") == Cost(0, "exact", "free")


def test_what_is_given_away_is_free_from_a_cache_too() -> None:
    gift = PriceEntry("configured", ModelPrice(D(0), D(0)))
    assert cost(gift, 1000, tokens_cache_read=400, tokens_input_audio=5) == (0, "exact")
    assert cost(gift, 1000, web_searches=1) == (0, "bounded")


def test_where_tokens_are_free_a_fee_needs_no_counts() -> None:
    per_image = PriceEntry("configured", ModelPrice(D(0), D(0), request=D(40)))
    assert price_usage(Usage(), per_image) == Cost(40_000_000, "exact", "configured")


def test_a_price_without_rates_is_unknown_and_not_free() -> None:
    assert not PriceEntry("v", ModelPrice()).is_flat
    assert not PriceEntry("v", ModelPrice(input=D(0))).is_flat


def test_of_the_prices_that_hold_the_last_counts() -> None:
    early, late, night = (PriceEntry(name, ModelPrice()) for name in ("early", "late", "night"))
    history = PriceHistory(
        (
            (Span(), early),
            (Span(starts_on=date(2026, 10, 19)), late),
            (Span(between=(time(22), time(4))), night),
        )
    )
    assert history.at(datetime(2026, 10, 18, 23, 59, tzinfo=UTC)) == night
    assert history.at(datetime(2026, 10, 18, 4, tzinfo=UTC)) == early
    assert history.at(datetime(2026, 10, 19, 4, tzinfo=UTC)) == late
    to_come = PriceHistory(((Span(starts_on=date(2027, 1, 1)), late),))
    assert to_come.at(datetime(2026, 1, 1, tzinfo=UTC)) == late


def test_a_variant_counts_from_its_day_on() -> None:
    flex = PriceVariant(("flex",), ModelPrice(D(1)))
    history = PriceHistory(((Span(), PLAIN),), ((Span(starts_on=date(2026, 10, 12)), flex),))
    before, after = (history.at(datetime(2026, 10, day, tzinfo=UTC)) for day in (11, 12))
    assert cost(before, 1000, service_tier="flex") == (150_000, "bounded")
    assert cost(after, 1000, service_tier="flex") == (1_000_000, "exact")


counts = st.none() | st.integers(0, 2_000_000)


@given(
    st.builds(Usage, **dict.fromkeys(COUNTS, counts)),
    st.dictionaries(st.sampled_from(RATES), st.decimals(0, 1000, places=6)),
)
def test_whatever_the_counts_no_cost_is_negative(usage: Usage, rates: dict[str, Decimal]) -> None:
    priced = price_usage(usage, PriceEntry("v", ModelPrice(**rates)))
    assert (priced.nanousd is None) == (priced.status == "unpriced")
    assert (priced.nanousd or 0) >= 0
