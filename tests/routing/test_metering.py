"""What one call took, by the way it ended."""

from decimal import Decimal

import pytest

from llm_router.domain.attempts import Attempt, AttemptStatus
from llm_router.domain.catalog import ModelPrice
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.clock import Clock
from llm_router.domain.errors import RouterError, UpstreamError, UpstreamTimeout
from llm_router.domain.events import (
    Finished,
    PartAdded,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from llm_router.domain.messages import ChatMessage, ImagePart, TextPart
from llm_router.domain.pricing import PriceEntry
from llm_router.domain.usage import Cost, Usage
from llm_router.routing.metering import AttemptMeter, estimate_usage, prompt_length

TARGET = Target("openai", "openai", "gpt-5")
PRICE = PriceEntry("v1", ModelPrice(Decimal(1), Decimal(10)))  # a token in costs 1,000 nano-dollars, one out 10,000
REPORTED = Usage(tokens_input=100, tokens_output=50)
TEXT = TextDelta("x" * 40)


def metered(
    *events: StreamEvent,
    status: AttemptStatus = "complete",
    error: RouterError | None = None,
    length: int | None = 400,
    price: PriceEntry | None = PRICE,
) -> Attempt:
    """The record of a call whose clock ticks once with each look at it."""
    ticks = iter(range(1000))
    clock = Clock(lambda: 1_700_000_000.0, lambda: float(next(ticks)))
    meter = AttemptMeter(length, TARGET, lambda *_: price, clock)
    for event in events:
        meter.feed(event)
    return meter.close(status, error)


@pytest.mark.parametrize(
    ("events", "status", "usage", "cost"),
    [
        # It ended well: the provider's counts, its price.
        ((TEXT, UsageReported(REPORTED), Finished("stop")), "complete", REPORTED, Cost(600_000, "exact", "v1")),
        ((TEXT, Finished("stop"), UsageReported(REPORTED)), "complete", REPORTED, Cost(600_000, "exact", "v1")),
        # It ended well, but never said what it took.
        ((TEXT, Finished("stop")), "complete", Usage(100, 10), Cost(200_000, "estimated", "v1")),
        # Left early: what was reported, and for the rest a guess.
        ((Started(),), "cancelled", Usage(100, 0), Cost(100_000, "estimated", "v1")),
        ((), "cancelled", Usage(100, 0), Cost(100_000, "estimated", "v1")),
        ((UsageReported(Usage(7, 1)), TEXT), "cancelled", Usage(7, 10), Cost(107_000, "estimated", "v1")),
        ((TEXT, UsageReported(REPORTED)), "cancelled", REPORTED, Cost(600_000, "estimated", "v1")),
        # Broken in the middle.
        ((TEXT,), "error", Usage(100, 10), Cost(200_000, "estimated", "v1")),
        ((Started(),), "error", Usage(100, 0), Cost(100_000, "estimated", "v1")),
        # Turned away at the door.
        ((), "error", Usage(), Cost(0, "exact")),
    ],
)  # fmt: skip
def test_the_bill_of_a_call(events: tuple[StreamEvent, ...], status: AttemptStatus, usage: Usage, cost: Cost) -> None:
    attempt = metered(*events, status=status)
    assert (attempt.status, attempt.usage, attempt.cost) == (status, usage, cost)


def test_a_call_without_a_price_is_unpriced_and_not_free() -> None:
    assert metered(UsageReported(REPORTED), Finished("stop"), price=None).cost == Cost(None, "unpriced")
    assert metered(TEXT, status="cancelled", price=None).cost == Cost(None, "unpriced")


def test_what_the_provider_charges_wins() -> None:
    usage = Usage(100, 50, cost_reported=Decimal("0.25"))
    assert metered(UsageReported(usage), Finished("stop"), price=None).cost == Cost(250_000_000, "exact")


def test_a_call_that_has_said_its_last_word_is_complete_however_its_reader_left() -> None:
    attempt = metered(UsageReported(REPORTED), Finished("stop"), status="cancelled")
    assert (attempt.status, attempt.cost.status) == ("complete", "exact")


@pytest.mark.parametrize("status", ["cancelled", "complete"])
def test_where_lengths_say_nothing_nothing_is_guessed(status: AttemptStatus) -> None:
    attempt = metered(*([Finished("stop")] if status == "complete" else []), status=status, length=None)
    assert (attempt.usage, attempt.cost) == (Usage(), Cost(None, "unpriced"))


def test_the_price_is_asked_of_the_model_that_answered() -> None:
    asked: list[tuple[Target, str | None]] = []

    def price_for(target: Target, response_model: str | None) -> PriceEntry | None:
        asked.append((target, response_model))
        return PRICE

    meter = AttemptMeter(0, TARGET, price_for, Clock(lambda: 0.0, lambda: 0.0))
    meter.feed(Started("r", "gpt-5-2026"))
    meter.feed(Finished("stop"))
    assert meter.close("complete").response_model == "gpt-5-2026"
    assert asked == [(TARGET, "gpt-5-2026")]


def test_times_are_measured_from_the_call_to_the_first_content_and_to_the_end() -> None:
    attempt = metered(Started(), UsageReported(Usage()), ReasoningDelta("a"), TEXT, Finished("stop"))
    assert (attempt.started_at, attempt.time_to_first_chunk, attempt.duration) == (1_700_000_000_000, 1.0, 2.0)
    assert metered(Started(), status="error").time_to_first_chunk is None


@pytest.mark.parametrize(
    ("event", "is_content"),
    [
        (Started(), False),
        (UsageReported(Usage()), False),
        (TEXT, True),
        (ReasoningDelta("a"), True),
        (ToolCallDelta(0), True),
        (PartAdded(ImagePart("i", "image/png")), True),
    ],
)
def test_content_commits(event: StreamEvent, is_content: bool) -> None:
    meter = AttemptMeter(0, TARGET, lambda *_: None, Clock(lambda: 0.0, lambda: 0.0))
    meter.feed(event)
    assert meter.is_committed is is_content


def test_a_failure_is_told_by_its_type() -> None:
    attempt = metered(status="error", error=UpstreamTimeout("x"))
    assert (attempt.status, attempt.error_type) == ("error", "timeout")


@pytest.mark.parametrize(("limit", "cost_status"), [("connect", "exact"), ("first_token", "estimated")])
def test_a_provider_that_was_reached_and_kept_us_waiting_may_charge(limit: str, cost_status: str) -> None:
    attempt = metered(status="error", error=UpstreamTimeout("x", details={"timeout": limit}))
    assert attempt.cost.status == cost_status
    assert (attempt.cost.nanousd == 0) is (limit == "connect")


def test_an_answer_in_one_piece_that_nobody_can_use_may_be_charged_all_the_same() -> None:
    attempt = metered(status="error", error=UpstreamError("x", details={"content_type": "application/json"}))
    assert (attempt.usage, attempt.cost) == (Usage(100, 0), Cost(100_000, "estimated", "v1"))


def test_all_that_was_said_counts_in_an_estimate() -> None:
    attempt = metered(ReasoningDelta("abcd"), TextDelta("ef"), ToolCallDelta(0, arguments="gh"), status="cancelled")
    assert attempt.usage.tokens_output == 2


def test_all_that_is_sent_counts_in_an_estimate() -> None:
    request = ChatRequest(
        "m", (ChatMessage("user", (TextPart("abc"),)), ChatMessage("assistant", (TextPart("de"),))), system="f"
    )
    assert prompt_length(request) == 6
    assert prompt_length(ChatRequest("m", ())) == 0


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (None, Usage(1, 2)),
        (Usage(tokens_cache_read=3), Usage(1, 2, tokens_cache_read=3)),
        (Usage(0, 0), Usage(0, 2)),
        (Usage(9, 9), Usage(9, 9)),
    ],
)
def test_an_estimate_keeps_what_was_reported(reported: Usage | None, usage: Usage) -> None:
    assert estimate_usage(reported, prompt_length=4, text_length=8) == usage
