"""Whether one more call fits a budget, and what a call may cost at the worst."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.budgets import DEFAULT_MAX_OUTPUT_TOKENS, Budget, Period, Scope, Standing, worst_cost
from llm_router.domain.catalog import ModelInfo
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.messages import ChatMessage, TextPart
from llm_router.domain.pricing import FREE, ModelPrice, PriceEntry, PriceTier
from llm_router.domain.tokens import prompt_tokens

TARGET = Target("openai", "openai", "m")
PROMPT = "What is the answer to everything?"
TOKENS_INPUT = prompt_tokens(ChatRequest("m", (ChatMessage("user", (TextPart(PROMPT),)),))).high


def budget(scope: Scope, subject: str | None = None, period: Period = "day") -> Budget:
    return Budget("b1", period, scope, subject, limit_nanousd=100, created_at=0)


@pytest.mark.parametrize(
    ("given_budget", "applies", "subject"),
    [
        (budget("overall"), True, None),
        (budget("device"), True, "phone"),
        (budget("device", "phone"), True, "phone"),
        (budget("device", "laptop"), False, "phone"),
        (budget("model"), True, "gpt-5"),
        (budget("model", "gpt-5"), True, "gpt-5"),
        (budget("model", "gpt-5-mini"), False, "gpt-5"),
    ],
)
def test_a_call_counts_against_the_budgets_it_belongs_to(
    given_budget: Budget, applies: bool, subject: str | None
) -> None:
    assert given_budget.applies_to("phone", "gpt-5") is applies
    assert given_budget.subject_of("phone", "gpt-5") == subject


@pytest.mark.parametrize(
    ("spent", "reserved", "in_flight", "worst", "has_room"),
    [
        (0, 0, 0, 100, True),
        (60, 20, 1, 20, True),
        (60, 20, 1, 21, False),
        # Alone, and something is left: it may cost more than that.
        (99, 0, 0, 5_000, True),
        (100, 0, 0, 1, False),
        (120, 0, 0, 1, False),
        # Not alone.
        (0, 1, 1, 5_000, False),
        # What costs nothing, or nobody knows what, is not held up.
        (100, 0, 0, 0, True),
        (500, 500, 3, None, True),
    ],
)
def test_room(spent: int, reserved: int, in_flight: int, worst: int | None, has_room: bool) -> None:
    standing = Standing(None, spent_nanousd=spent, reserved_nanousd=reserved, in_flight=in_flight)
    assert standing.has_room(100, worst) is has_room


@given(st.lists(st.tuples(st.integers(1, 80), st.floats(0, 1), st.integers(0, 5)), max_size=40), st.integers(1, 100))
def test_no_order_of_calls_overspends_by_more_than_one(calls: list[tuple[int, float, int]], limit: int) -> None:
    """Each call asks with its worst and costs a part of it; some end before the next comes."""
    spent, running = 0, list[tuple[int, int]]()
    dearest = 0
    for worst, part, ended in calls:
        for _ in range(min(ended, len(running))):
            spent += running.pop(0)[1]
        standing = Standing(None, spent, sum(held for held, _ in running), len(running))
        if standing.has_room(limit, worst):
            running.append((worst, int(worst * part)))
            dearest = max(dearest, worst)
    spent += sum(cost for _, cost in running)
    assert spent < limit + dearest or spent <= limit


def worst(
    *,
    max_tokens: int | None = None,
    default: int | None = None,
    longest: int | None = None,
    price: PriceEntry | None = None,
    prompt: str = PROMPT,
) -> int | None:
    request = ChatRequest("m", (ChatMessage("user", (TextPart(prompt),)),), max_tokens=max_tokens)
    model = ModelInfo("m", TARGET, "m", available=True, max_output_tokens=longest, default_max_tokens=default)
    return worst_cost(request, model, price)


RATES = ModelPrice(Decimal(1), Decimal(10))
PRICE = PriceEntry("v1", RATES)


@pytest.mark.parametrize(
    ("max_tokens", "default", "longest", "tokens_output"),
    [
        (100, 32_000, 64_000, 100),
        (None, 32_000, 64_000, 32_000),
        (None, None, 64_000, 64_000),
        (None, None, None, DEFAULT_MAX_OUTPUT_TOKENS),
    ],
)
def test_an_answer_may_be_as_long_as_is_asked_for_or_as_its_model_can(
    max_tokens: int | None, default: int | None, longest: int | None, tokens_output: int
) -> None:
    cost = TOKENS_INPUT * 1_000 + tokens_output * 10_000
    assert worst(max_tokens=max_tokens, default=default, longest=longest, price=PRICE) == cost


def test_a_prompt_may_be_written_to_a_cache_which_is_dearer() -> None:
    cached = PriceEntry("v1", ModelPrice(Decimal(1), Decimal(10), cache_write=Decimal("1.25")))
    assert worst(max_tokens=1, price=cached) == TOKENS_INPUT * 1_250 + 10_000


def test_a_long_prompt_costs_the_rates_of_its_tier() -> None:
    tiered = PriceEntry("v1", RATES, (PriceTier(TOKENS_INPUT - 1, ModelPrice(Decimal(2), Decimal(20))),))
    assert worst(max_tokens=1, price=tiered) == TOKENS_INPUT * 2_000 + 20_000


def test_what_has_no_price_has_no_worst_and_what_is_free_has_none_to_fear() -> None:
    assert worst(price=None) is None
    assert worst(price=FREE) == 0
