"""Counts of tokens and what they cost. One meaning at every provider; codecs normalise to it.

None is unknown and is never shown or summed as zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

NANO = 1_000_000_000
"""Nano-dollars in a dollar: the integer unit of money in SQL."""

CostStatus = Literal["exact", "bounded", "estimated", "unpriced"]
"""How sure the cost is.

`exact`: counts from the provider, price from the provider or our table.
`bounded`: counts from the provider, but a part of the price is known only up to a bound.
`estimated`: counts are ours, because the provider never sent them (a stopped or broken stream).
`unpriced`: no price is known; the cost is None.
"""

Source = Literal["web", "gateway", "cli"]


_SURENESS: tuple[CostStatus, ...] = ("exact", "bounded", "estimated", "unpriced")
"""The surest first."""


@dataclass(frozen=True, slots=True)
class Usage:
    tokens_input: int | None = None
    """All tokens in, including those read from or written to a prompt cache."""
    tokens_output: int | None = None
    """All tokens out, including reasoning."""
    tokens_cache_read: int | None = None
    tokens_cache_write: int | None = None
    tokens_reasoning: int | None = None
    cost_reported: Decimal | None = None
    """Dollars, where the provider itself said what it charges; wins over our prices."""
    service_tier: str | None = None
    raw: Mapping[str, Any] | None = None
    """The usage object as the provider sent it."""

    def as_dict(self) -> dict[str, Any]:
        """The counts for an event or a response body: `{"tokens_input", …}`, unknown ones null."""
        return {
            "tokens_input": self.tokens_input,
            "tokens_output": self.tokens_output,
            "tokens_cache_read": self.tokens_cache_read,
            "tokens_cache_write": self.tokens_cache_write,
            "tokens_reasoning": self.tokens_reasoning,
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt cost, in nano-dollars, and how sure that is."""

    nanousd: int | None
    status: CostStatus
    price_version: str | None = None
    """Which price list it was worked out with; None where the provider said it or none is known."""


def total_cost(costs: Sequence[Cost]) -> Cost | None:
    """What several attempts cost together: as sure as the least sure of them. None where there was none."""
    if not costs:
        return None
    least_sure = max(costs, key=lambda cost: _SURENESS.index(cost.status))
    known = [cost.nanousd for cost in costs if cost.nanousd is not None]
    total = sum(known) if len(known) == len(costs) else None
    return Cost(total, least_sure.status, costs[-1].price_version)


def dollars(nanousd: int | None) -> Decimal | None:
    return None if nanousd is None else Decimal(nanousd) / NANO


def nanousd(amount: Decimal) -> int:
    """Dollars to whole nano-dollars, half to even."""
    return int((amount * NANO).to_integral_value())


CHARACTERS_PER_TOKEN = 4
"""English prose at the common tokenizers; code and other scripts take more tokens. Only for `estimated` rows."""


def estimate_tokens(text_length: int) -> int:
    """A rough count for text whose provider never reported one. Rounded up; nothing is nothing."""
    return -(-text_length // CHARACTERS_PER_TOKEN)
