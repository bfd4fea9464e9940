"""What usage costs: the shapes of a price list and the one calculator, exact to the nano-dollar.

Decimal and integers only. Knows neither models nor where prices come from (`services/snapshot.py`), reads no clock:
who asks says which moment counts. Not known yet: cache writes by duration, batch and priority rates, audio, searches.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from llm_router.domain.catalog import ModelPrice
from llm_router.domain.usage import Cost, CostStatus, Usage, nanousd

STANDARD_SERVICE_TIERS = frozenset({"default", "standard", "auto", "standard_only", "on_demand"})
"""Tiers that cost what the list says. Others (batch, flex, priority) are charged at rates of their own."""


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Rates for a request of more than `above` input tokens: for all of its tokens, not for those beyond."""

    above: int
    rates: ModelPrice


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """What one model costs at one moment."""

    version: str
    """Which price list says so; kept beside each cost that was worked out with it."""
    rates: ModelPrice
    tiers: tuple[PriceTier, ...] = ()
    """By rising `above`."""

    def rates_for(self, tokens_input: int) -> ModelPrice:
        """The rates of the whole request."""
        reached = [tier.rates for tier in self.tiers if tokens_input > tier.above]
        return reached[-1] if reached else self.rates

    @property
    def is_free(self) -> bool:
        """Nothing is charged, whatever the counts. An unknown rate is not a free one, but for the cache's."""
        rates = (self.rates.input, self.rates.output, self.rates.cache_read or 0, self.rates.cache_write or 0)
        return not self.tiers and all(rate == 0 for rate in rates)


FREE = PriceEntry("free", ModelPrice(Decimal(0), Decimal(0), Decimal(0), Decimal(0)))
"""The embedded model: it runs on the owner's own machine."""


@dataclass(frozen=True, slots=True)
class PricePeriod:
    """A price and when it holds: from a day on, daily between two times (UTC, the second excluded), or always."""

    entry: PriceEntry
    starts_on: date | None = None
    between: tuple[time, time] | None = None

    def holds_at(self, moment: datetime) -> bool:
        if self.starts_on is not None and moment.date() < self.starts_on:
            return False
        if self.between is None:
            return True
        start, end = self.between
        now = moment.time()
        return start <= now < end if start <= end else now >= start or now < end


def price_at(periods: tuple[PricePeriod, ...], moment: datetime) -> PriceEntry:
    """The entry that counts at `moment` (UTC): of several that hold the last, where none holds the first."""
    return next((period.entry for period in reversed(periods) if period.holds_at(moment)), periods[0].entry)


def price_usage(usage: Usage, price: PriceEntry | None, *, is_estimated: bool = False) -> Cost:
    """What `usage` costs at `price`, and how sure that is.

    What the provider itself says it charges wins. `is_estimated` marks counts that are ours.
    An unknown price or an unknown count leaves the cost unknown; only a free model needs no counts.
    """
    if usage.cost_reported is not None:
        return Cost(nanousd(usage.cost_reported), "exact")
    if price is None:
        return Cost(None, "unpriced")
    if price.is_free:
        return Cost(0, "exact", price.version)
    if usage.tokens_input is None or usage.tokens_output is None:
        return Cost(None, "unpriced")

    rates = price.rates_for(usage.tokens_input)
    cache_read, cache_write = usage.tokens_cache_read or 0, usage.tokens_cache_write or 0
    uncached = usage.tokens_input - cache_read - cache_write
    is_bounded = uncached < 0 or usage.service_tier not in (None, *STANDARD_SERVICE_TIERS)
    charges = [(max(uncached, 0), rates.input), (usage.tokens_output, rates.output)]
    for tokens, rate in ((cache_read, rates.cache_read), (cache_write, rates.cache_write)):
        if tokens and rate is None:
            # The list is silent about the cache, so these cost what any input costs, give or take.
            rate, is_bounded = rates.input, True
        charges.append((tokens, rate))

    amount = Decimal(0)
    for tokens, rate in charges:
        if tokens and rate is None:
            return Cost(None, "unpriced")
        amount += tokens * (rate or 0)
    status: CostStatus = "estimated" if is_estimated else "bounded" if is_bounded else "exact"
    return Cost(nanousd(amount.scaleb(-6)), status, price.version)  # prices are for a million tokens
