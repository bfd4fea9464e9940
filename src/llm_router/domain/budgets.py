"""Budgets: how much money may go in a day or a month, and whether one more call fits.

A call is let through where what was spent, what running answers may still cost and what it may cost itself stay within
the limit; or where it is alone and something is left, so that a dear call is not shut out for ever. What is spent can
therefore pass the limit by one running answer at the most, and by no more.
"""

from dataclasses import dataclass
from typing import Literal

from llm_router.domain.catalog import ModelInfo
from llm_router.domain.chat import ChatRequest
from llm_router.domain.pricing import PriceEntry, price_usage
from llm_router.domain.tokens import prompt_tokens
from llm_router.domain.usage import Usage

Period = Literal["day", "month"]
Scope = Literal["overall", "device", "model"]

DEFAULT_MAX_OUTPUT_TOKENS = 32_000
"""What an answer may take where neither the request nor the catalog says: as much as most models can write."""


@dataclass(frozen=True, slots=True)
class Budget:
    id: str
    period: Period
    scope: Scope
    subject: str | None
    """A device's id or a model's catalog id. None: each device, or each model, for itself."""
    limit_nanousd: int
    """In each period."""
    created_at: int
    """Milliseconds since 1970."""

    def applies_to(self, device_id: str | None, model: str) -> bool:
        """Whether a call counts against it."""
        return self.subject in (None, self.subject_of(device_id, model))

    def subject_of(self, device_id: str | None, model: str) -> str | None:
        """Whose spending a call adds to: a device's, a model's, or None for everyone's."""
        return {"overall": None, "device": device_id or "", "model": model}[self.scope]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands in the running period, for one device or model where it counts each for itself."""

    subject: str | None
    spent_nanousd: int = 0
    reserved_nanousd: int = 0
    """The most that the answers in flight may cost."""
    in_flight: int = 0
    """Answers that money is reserved for."""
    unpriced: int = 0
    """Calls whose cost is unknown and so is not in `spent_nanousd`."""

    def has_room(self, limit_nanousd: int, worst_nanousd: int | None) -> bool:
        """Whether a call that may cost so much fits. One that costs nothing, or nobody knows what, is not held up."""
        if not worst_nanousd:
            return True
        if self.spent_nanousd + self.reserved_nanousd + worst_nanousd <= limit_nanousd:
            return True
        return self.in_flight == 0 and self.spent_nanousd < limit_nanousd


def longest_answer(model: ModelInfo, max_tokens: int | None) -> int:
    """The tokens an answer may take: what is asked for, else what our own request would allow, else the model."""
    return max_tokens or model.default_max_tokens or model.max_output_tokens or DEFAULT_MAX_OUTPUT_TOKENS


def worst_cost(request: ChatRequest, model: ModelInfo, price: PriceEntry | None) -> int | None:
    """The most an answer may cost in nano-dollars: the prompt at its highest count and dearest rate, and an answer of
    full length. None where no price is known."""
    tokens_input = prompt_tokens(request).high
    tokens_output = longest_answer(model, request.max_tokens)
    # Written to a prompt cache the input is dearer than read afresh, where that is charged at all.
    usages = (
        Usage(tokens_input=tokens_input, tokens_output=tokens_output),
        Usage(tokens_input=tokens_input, tokens_output=tokens_output, tokens_cache_write=tokens_input),
    )
    costs = [price_usage(usage, price).nanousd for usage in usages]
    return max((cost for cost in costs if cost is not None), default=None)
