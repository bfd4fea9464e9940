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
`bounded`: a part is known only up to a bound. The call ended early: the input is the provider's count and the output
was counted from what arrived, or a rate is not in our table and a near one was taken for it.
`estimated`: the counts are ours, because the provider never sent any (a stopped or broken stream).
`unpriced`: no price is known; the cost is None.
"""

CountStatus = Literal["exact", "bounded", "estimated"]
"""How sure the counts are, before any price."""

REPORTED = "reported"
"""`Cost.price_version` of a cost that the provider itself stated."""

Source = Literal["web", "gateway", "cli"]

UsageDialect = Literal["openai_chat", "openai_responses", "anthropic_messages", "openai_media"]
"""The wire format a raw usage object is in, so that it can be read again later."""


_SURENESS: tuple[CostStatus, ...] = ("exact", "bounded", "estimated", "unpriced")
"""The surest first."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call took. The two totals come first; every other count is a part of one of them, or stands beside."""

    tokens_input: int | None = None
    """All tokens in, including those read from or written to a prompt cache."""
    tokens_output: int | None = None
    """All tokens out, including reasoning."""
    tokens_cache_read: int | None = None
    tokens_cache_write: int | None = None
    """Written to a prompt cache, for whatever time."""
    tokens_reasoning: int | None = None
    tokens_cache_write_1h: int | None = None
    """Of `tokens_cache_write`, those kept for an hour, which is dearer than the usual five minutes."""
    tokens_input_audio: int | None = None
    tokens_output_audio: int | None = None
    tokens_input_image: int | None = None
    tokens_output_image: int | None = None
    web_searches: int | None = None
    """Searches the provider made on the model's behalf; charged each, besides the tokens."""
    has_unknown_fees: bool = False
    """Whether something is charged besides that none of these counts: an image that a tool made, files it searched,
    or a second reason for dearer rates."""
    cost_reported: Decimal | None = None
    """Dollars, where the provider itself said what it charges; wins over our prices."""
    service_tier: str | None = None
    """The tier the answer names, in the provider's word; never the one that was asked for."""
    dialect: UsageDialect | None = None
    """How `raw` is to be read."""
    raw: Mapping[str, Any] | None = None
    """The usage object as the provider sent it, and in it what else of the answer the counts depend on."""

    def as_dict(self) -> dict[str, Any]:
        """The counts for an event or a message: `{"tokens_input", …}`, unknown ones null."""
        return {name: getattr(self, name) for name in MESSAGE_COUNTS}

    def counts(self) -> dict[str, int | None]:
        """Every count by its name, which is its column's too."""
        return {name: getattr(self, name) for name in COUNTS}


MESSAGE_COUNTS = ("tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning")
"""What a message keeps and shows."""

COUNTS = (
    *MESSAGE_COUNTS,
    "tokens_cache_write_1h",
    "tokens_input_audio",
    "tokens_output_audio",
    "tokens_input_image",
    "tokens_output_image",
    "web_searches",
)
"""What the ledger keeps."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt cost, in nano-dollars, and how sure that is."""

    nanousd: int | None
    status: CostStatus
    price_version: str | None = None
    """Which price list it was worked out with, or `REPORTED`; None where none is known or nothing was charged."""


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
