"""What usage costs: the shapes of a price list and the one calculator, exact to the nano-dollar.

Decimal and integers only. Knows neither models nor where prices come from (`services/prices.py`), reads no clock:
who asks says which moment counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

from llm_router.domain.usage import REPORTED, Cost, CostStatus, CountStatus, Usage, nanousd

CONFIGURED = "configured"
"""`Cost.price_version` of a price that the owner wrote down."""

LIVE = "live"
"""`Cost.price_version` of a price that the provider's own list stated."""

STANDARD_SERVICE_TIERS = frozenset({"default", "standard", "auto", "standard_only", "on_demand"})
"""Tiers that cost what the list says. Others (batch, flex, priority) are charged at rates of their own."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """Dollars per million tokens, but for the last two. None is unknown, not free."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    """For five minutes, or for whatever time the provider keeps it."""
    cache_write_1h: Decimal | None = None
    input_audio: Decimal | None = None
    output_audio: Decimal | None = None
    input_image: Decimal | None = None
    output_image: Decimal | None = None
    cache_read_audio: Decimal | None = None
    cache_read_image: Decimal | None = None
    web_search: Decimal | None = None
    """Dollars per thousand searches."""
    request: Decimal | None = None
    """Dollars per thousand requests, besides the tokens."""

    def over(self, others: "ModelPrice") -> "ModelPrice":
        """These rates, and those of `others` where these say nothing."""
        named = {name: rate for name in RATES if (rate := getattr(self, name)) is not None}
        return replace(others, **named)


RATES = tuple(field.name for field in fields(ModelPrice))

_TOKEN_RATES = RATES[:-2]


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Rates for a request of more than `above` input tokens: for all of its tokens, not for those beyond."""

    above: int
    rates: ModelPrice


@dataclass(frozen=True, slots=True)
class PriceVariant:
    """What differs for requests of other service tiers than the standard one."""

    service_tiers: tuple[str, ...]
    rates: ModelPrice
    """Only what differs."""
    tiers: tuple[PriceTier, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """What one model costs at one moment."""

    version: str
    """Which price list says so; kept beside each cost that was worked out with it."""
    rates: ModelPrice
    tiers: tuple[PriceTier, ...] = ()
    """By rising `above`."""
    variants: tuple[PriceVariant, ...] = ()
    """Of several that name a rate for a service tier the first counts."""
    is_assumed: bool = False
    """Whether it is the price of what this model most likely is: costs that are worked out with it are bounded."""

    def knows(self, service_tier: str | None) -> bool:
        """Whether the rates of this tier are known, and not only the standard ones."""
        return (
            service_tier is None
            or service_tier in STANDARD_SERVICE_TIERS
            or any(service_tier in variant.service_tiers for variant in self.variants)
        )

    def rates_for(self, tokens_input: int, service_tier: str | None = None) -> ModelPrice:
        """The rates of the whole request; the standard ones where the tier is not known."""
        rates = _reached(self.rates, self.tiers, tokens_input)
        for variant in reversed(self.variants):
            if service_tier in variant.service_tiers:
                rates = _reached(variant.rates, variant.tiers, tokens_input).over(rates)
        return rates

    @property
    def is_flat(self) -> bool:
        """Whether tokens cost nothing, so that their number need not be known. An unknown rate is not a free one."""
        is_given = self.rates.input is not None and self.rates.output is not None
        has_more = self.tiers or self.variants
        return is_given and not has_more and not any(getattr(self.rates, name) for name in _TOKEN_RATES)


FREE = PriceEntry("free", ModelPrice(Decimal(0), Decimal(0), Decimal(0), Decimal(0)))
"""The embedded model: it runs on the owner's own machine."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a price holds: from a day on, daily between two times (UTC, the second excluded), or always."""

    starts_on: date | None = None
    between: tuple[time, time] | None = None

    def holds_at(self, moment: datetime) -> bool:
        """`moment` in UTC."""
        if self.starts_on is not None and moment.date() < self.starts_on:
            return False
        if self.between is None:
            return True
        start, end = self.between
        now = moment.time()
        return start <= now < end if start <= end else now >= start or now < end


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """What one model has cost and is going to cost."""

    periods: tuple[tuple[Span, PriceEntry], ...]
    """Never empty."""
    variants: tuple[tuple[Span, PriceVariant], ...] = ()

    def at(self, moment: datetime) -> PriceEntry:
        """What counts at `moment`: of several periods that hold the last, where none holds the first."""
        moment = moment.astimezone(UTC)
        entry = next((entry for span, entry in reversed(self.periods) if span.holds_at(moment)), self.periods[0][1])
        return replace(entry, variants=tuple(variant for span, variant in self.variants if span.holds_at(moment)))


def price_usage(usage: Usage, price: PriceEntry | None, *, counts: CountStatus = "exact") -> Cost:
    """What `usage` costs at `price`, and how sure that is.

    What the provider itself says it charges wins. `counts` says how sure `usage` is; the cost is no surer.
    An unknown price or an unknown count leaves the cost unknown; only where tokens are free no counts are needed.
    """
    if usage.cost_reported is not None:
        return Cost(nanousd(usage.cost_reported), counts, REPORTED)
    if price is None:
        return Cost(None, "unpriced")
    if not price.is_flat and (usage.tokens_input is None or usage.tokens_output is None):
        return Cost(None, "unpriced")

    service_tier = usage.service_tier.lower() if usage.service_tier else None
    rates = price.rates_for(usage.tokens_input or 0, service_tier)
    parts, is_certain = ({}, True) if price.is_flat else _tokens_by_rate(usage, rates)
    is_certain = is_certain and price.knows(service_tier) and not (price.is_assumed or usage.has_unknown_fees)

    amount = (rates.request or 0) * Decimal(1000)  # fees are for a thousand, tokens for a million
    for name, tokens in parts.items():
        if not tokens:
            continue
        rate = getattr(rates, name)
        if rate is None:
            rate, is_certain = _near_rate(rates, name), False
        if rate is None:
            return Cost(None, "unpriced")
        amount += tokens * rate
    if usage.web_searches:
        amount += usage.web_searches * (rates.web_search or 0) * 1000
        is_certain = is_certain and rates.web_search is not None
    sureness = "exact" if price.is_flat else counts
    status: CostStatus = "bounded" if sureness == "exact" and not is_certain else sureness
    return Cost(nanousd(amount.scaleb(-6)), status, price.version)


def _reached(rates: ModelPrice, tiers: tuple[PriceTier, ...], tokens_input: int) -> ModelPrice:
    return next((tier.rates for tier in reversed(tiers) if tokens_input > tier.above), rates)


_NEAR: Mapping[str, tuple[str, ...]] = {
    "cache_read": ("input",),
    "cache_write": ("input",),
    "cache_write_1h": ("cache_write", "input"),
    "cache_read_audio": ("input_audio",),
    "cache_read_image": ("input_image",),
}
"""What is charged where the list is silent: as if the cache, or the longer time in it, changed nothing."""


def _near_rate(rates: ModelPrice, name: str) -> Decimal | None:
    near = (getattr(rates, other) for other in _NEAR.get(name, ()))
    return next((rate for rate in near if rate is not None), None)


def _tokens_by_rate(usage: Usage, rates: ModelPrice) -> tuple[dict[str, int], bool]:
    """How many tokens are charged at which rate, each once, and whether that is certain. No count is negative.

    Lists name a rate for images only where it is not that of text. A missing rate for audio is just missing.
    """
    total, read = usage.tokens_input or 0, usage.tokens_cache_read or 0
    kept_1h = usage.tokens_cache_write_1h or 0
    written = max(usage.tokens_cache_write or 0, kept_1h)
    audio, is_audio_known = _apart(usage.tokens_input_audio, rates.input_audio)
    image = (usage.tokens_input_image or 0) if rates.input_image is not None else 0
    # Nobody says which of the cached tokens were audio or images. Text comes first, as it does in most prompts;
    # certain it is only where all or nothing was cached.
    cached_apart = min(max(read + written + audio + image - total, 0), read, audio + image)
    cached_image = min(cached_apart, image)
    cached_audio = cached_apart - cached_image
    text = total - read - written - audio - image + cached_apart
    is_cache_certain = not read or not (audio or image) or read + written >= total

    output_audio, is_output_audio_known = _apart(usage.tokens_output_audio, rates.output_audio)
    output_image, is_output_image_known = _output_image(usage, rates)
    output_text = (usage.tokens_output or 0) - output_audio - output_image
    parts = {
        "input": max(text, 0),
        "cache_read": read - cached_apart,
        "cache_write": written - kept_1h,
        "cache_write_1h": kept_1h,
        "input_audio": audio - cached_audio,
        "input_image": image - cached_image,
        "cache_read_audio": cached_audio,
        "cache_read_image": cached_image,
        "output": max(output_text, 0),
        "output_audio": output_audio,
        "output_image": output_image,
    }
    is_known = is_audio_known and is_output_audio_known and is_output_image_known
    return parts, is_known and is_cache_certain and text >= 0 and output_text >= 0


def _apart(tokens: int | None, rate: Decimal | None) -> tuple[int, bool]:
    """How many tokens have a rate of their own, and whether all that should have one do."""
    return (tokens or 0, True) if rate is not None else (0, not tokens)


def _output_image(usage: Usage, rates: ModelPrice) -> tuple[int, bool]:
    """Where the provider does not tell the image from the words, at an endpoint for images all of it is the image."""
    if rates.output_image is None:
        return 0, True
    if usage.tokens_output_image is not None:
        return usage.tokens_output_image, True
    return (usage.tokens_output or 0 if usage.dialect == "openai_media" else 0), not usage.tokens_output
