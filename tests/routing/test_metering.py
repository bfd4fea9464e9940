"""What one call took, by the way it ended."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from llm_router.domain.attempts import Attempt, AttemptStatus
from llm_router.domain.catalog import ModelPrice
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.clock import Clock
from llm_router.domain.errors import NoCredit, RouterError, UpstreamError, UpstreamFailed, UpstreamTimeout
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
from llm_router.domain.tokens import MESSAGE_TOKENS, count_tokens
from llm_router.domain.usage import REPORTED as REPORTED_COST
from llm_router.domain.usage import Cost, Usage
from llm_router.routing.metering import AttemptMeter, expected_of_chat, expected_of_image, partial_usage

TARGET = Target("openai", "openai", "gpt-5")
PRICE = PriceEntry("v1", ModelPrice(Decimal(1), Decimal(10)))  # a token in costs 1,000 nano-dollars, one out 10,000
EXPECTED = Usage(tokens_input=100, tokens_output=0)
REPORTED = Usage(tokens_input=100, tokens_output=50)
SAID = "Ten words make about thirteen tokens, give or take a few."
TOLD = count_tokens(SAID)
COST = 100_000 + TOLD * 10_000
TEXT = TextDelta(SAID)


def metered(
    *events: StreamEvent,
    status: AttemptStatus = "complete",
    error: RouterError | None = None,
    expected: Usage = EXPECTED,
    price: PriceEntry | None = PRICE,
) -> Attempt:
    """The record of a call whose clock ticks once with each look at it."""
    ticks = iter(range(1000))
    clock = Clock(lambda: 1_700_000_000.0, lambda: float(next(ticks)))
    meter = AttemptMeter(expected, TARGET, lambda *_: price, clock)
    for event in events:
        meter.feed(event)
    meter.close(status, error)
    return meter.attempt


def estimated(nanousd: int) -> Cost:
    return Cost(nanousd, "estimated", "v1")


def bounded(nanousd: int) -> Cost:
    return Cost(nanousd, "bounded", "v1")


@pytest.mark.parametrize(
    ("events", "status", "usage", "cost"),
    [
        # It ended well: the provider's counts, its price.
        ((TEXT, UsageReported(REPORTED), Finished("stop")), "complete", REPORTED, Cost(600_000, "exact", "v1")),
        ((TEXT, Finished("stop"), UsageReported(REPORTED)), "complete", REPORTED, Cost(600_000, "exact", "v1")),
        # It ended well, but never said what it took.
        ((TEXT, Finished("stop")), "complete", Usage(100, TOLD), estimated(COST)),
        ((TEXT, UsageReported(Usage(raw={})), Finished("stop")), "complete", Usage(100, TOLD, raw={}), estimated(COST)),
        ((TEXT, UsageReported(Usage(7)), Finished("stop")), "complete", Usage(7, TOLD), bounded(COST - 93_000)),
        # Left early: nothing was reported, and all is a guess.
        ((Started(),), "cancelled", EXPECTED, estimated(100_000)),
        ((), "cancelled", EXPECTED, estimated(100_000)),
        ((TEXT,), "cancelled", Usage(100, TOLD), estimated(COST)),
        # Left early: the input is known, of the output what was reported or what arrived, whichever is more.
        ((UsageReported(Usage(7, 1)), TEXT), "cancelled", Usage(7, TOLD), bounded(COST - 93_000)),
        ((TEXT, UsageReported(REPORTED)), "cancelled", REPORTED, bounded(600_000)),
        ((UsageReported(Usage(7, 1)),), "cancelled", Usage(7, 1), bounded(17_000)),
        # Broken in the middle.
        ((TEXT,), "error", Usage(100, TOLD), estimated(COST)),
        ((Started(),), "error", EXPECTED, estimated(100_000)),
        ((UsageReported(Usage(7, 1)), TEXT), "error", Usage(7, TOLD), bounded(COST - 93_000)),
        # Turned away at the door.
        ((), "error", Usage(), Cost(0, "exact")),
    ],
)  # fmt: skip
def test_the_bill_of_a_call(events: tuple[StreamEvent, ...], status: AttemptStatus, usage: Usage, cost: Cost) -> None:
    attempt = metered(*events, status=status)
    assert (attempt.status, attempt.usage, attempt.cost) == (status, usage, cost)


@pytest.mark.parametrize(
    ("events", "cost"),
    [
        ((), Cost(0, "exact")),
        ((Started("resp_1", "gpt-5-nano-2025-08-07"),), Cost(0, "exact")),
        ((Started(), TEXT), estimated(COST)),
        ((Started(), UsageReported(Usage(7, 1))), bounded(17_000)),
    ],
)
def test_an_account_found_empty_is_charged_for_what_had_come_and_for_nothing_else(
    events: tuple[StreamEvent, ...], cost: Cost
) -> None:
    """As OpenAI's Responses API finds it: mid-stream-error-event-then-response-failed-gpt-5-nano."""
    assert metered(*events, status="error", error=NoCredit("nothing is left")).cost == cost


def test_a_call_without_a_price_is_unpriced_and_not_free() -> None:
    assert metered(UsageReported(REPORTED), Finished("stop"), price=None).cost == Cost(None, "unpriced")
    assert metered(TEXT, status="cancelled", price=None).cost == Cost(None, "unpriced")


def test_what_the_provider_charges_wins() -> None:
    usage = Usage(100, 50, cost_reported=Decimal("0.25"))
    assert metered(UsageReported(usage), Finished("stop"), price=None).cost == Cost(250_000_000, "exact", REPORTED_COST)


def test_what_a_provider_said_it_charges_before_it_had_finished_is_not_its_last_word() -> None:
    """Perplexity reports with every chunk, and its fee for the request only with the last."""
    usage = Usage(100, 50, cost_reported=Decimal("0.25"), raw={"cost": 0.25}, dialect="openai_chat")
    attempt = metered(UsageReported(usage), TEXT, status="cancelled")
    assert attempt.cost == bounded(600_000)
    # What was sent is kept, and is not to be read again in place of what is counted.
    assert (attempt.usage.raw, attempt.usage.dialect) == ({"cost": 0.25}, None)


def test_a_call_that_has_said_its_last_word_is_complete_however_its_reader_left() -> None:
    attempt = metered(UsageReported(REPORTED), Finished("stop"), status="cancelled")
    assert (attempt.status, attempt.cost.status) == ("complete", "exact")


@pytest.mark.parametrize("status", ["cancelled", "complete"])
def test_where_nothing_can_be_expected_nothing_is_guessed(status: AttemptStatus) -> None:
    attempt = metered(*([Finished("stop")] if status == "complete" else []), status=status, expected=Usage())
    assert (attempt.usage, attempt.cost) == (Usage(), Cost(None, "unpriced"))


@pytest.mark.parametrize(("quality", "tokens"), [("low", 408), ("high", 6240), ("auto", 1584), (None, 1584)])
def test_an_image_that_was_left_costs_what_one_of_its_quality_costs(quality: str | None, tokens: int) -> None:
    expected = expected_of_image(SAID, quality)
    attempt = metered(status="cancelled", expected=expected)
    assert attempt.usage == Usage(TOLD, tokens, tokens_output_image=tokens)
    assert attempt.cost.status == "estimated"


def test_an_image_that_was_made_costs_what_its_provider_counted() -> None:
    reported = Usage(10, 272, tokens_output_image=272)
    expected = expected_of_image(SAID, "high")
    attempt = metered(UsageReported(reported), Finished("stop"), expected=expected)
    assert (attempt.usage, attempt.cost.status) == (reported, "exact")


def test_at_most_an_image_costs_what_the_dearest_does() -> None:
    assert expected_of_image("", None, at_most=True).tokens_output == 6240
    assert expected_of_image("", "low", at_most=True).tokens_output == 408


def test_a_call_that_still_runs_has_a_record_as_if_it_were_left_now() -> None:
    ticks = iter(range(1000))
    meter = AttemptMeter(EXPECTED, TARGET, lambda *_: PRICE, Clock(lambda: 0.0, lambda: float(next(ticks))))
    meter.feed(UsageReported(Usage(7, 1)))
    first = meter.attempt
    assert (meter.is_open, first.status, first.usage) == (True, "cancelled", Usage(7, 1))
    meter.feed(TEXT)
    assert meter.attempt.usage == Usage(7, TOLD)
    meter.feed(UsageReported(REPORTED))
    meter.feed(Finished("stop"))
    meter.close("complete")
    last = meter.attempt
    assert (meter.is_open, last.id, last.status, last.usage) == (False, first.id, "complete", REPORTED)
    assert meter.attempt is last


def test_a_call_whose_counts_are_beyond_counting_has_a_record_without_them() -> None:
    absurd = Usage(10**40, 1)
    meter = AttemptMeter(EXPECTED, TARGET, lambda *_: PRICE, Clock(lambda: 0.0, lambda: 0.0))
    meter.feed(UsageReported(absurd))
    meter.feed(Finished("stop"))
    meter.close("complete")
    assert (meter.uncounted.usage, meter.uncounted.cost) == (Usage(), Cost(None, "unpriced"))
    assert meter.uncounted.status == "complete"


def test_the_price_is_asked_of_the_model_that_answered() -> None:
    """For the moment the call was made, however long it took: the row says so too, and is priced again by it."""
    asked: list[tuple[Target, str | None, datetime | None]] = []

    def price_for(target: Target, response_model: str | None, at: datetime | None) -> PriceEntry | None:
        asked.append((target, response_model, at))
        return PRICE

    seconds = itertools.count()
    meter = AttemptMeter(EXPECTED, TARGET, price_for, Clock(lambda: float(next(seconds)), lambda: 0.0))
    meter.feed(Started("r", "gpt-5-2026"))
    meter.feed(Finished("stop"))
    meter.close("complete")
    assert (meter.attempt.response_model, meter.attempt.started_at) == ("gpt-5-2026", 0)
    assert asked == [(TARGET, "gpt-5-2026", datetime(1970, 1, 1, tzinfo=UTC))]


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
    meter = AttemptMeter(EXPECTED, TARGET, lambda *_: None, Clock(lambda: 0.0, lambda: 0.0))
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
    assert (attempt.usage, attempt.cost) == (EXPECTED, estimated(100_000))


@pytest.mark.parametrize(("details", "cost"), [({"sent": True}, estimated(100_000)), (None, Cost(0, "exact"))])
def test_a_connection_that_broke_after_the_request_was_sent_may_be_charged(
    details: dict[str, bool] | None, cost: Cost
) -> None:
    assert metered(status="error", error=UpstreamFailed("cut", details=details)).cost == cost


def test_all_that_was_said_counts_in_an_estimate() -> None:
    whole = metered(TextDelta(SAID), status="cancelled")
    pieces = (ReasoningDelta(SAID[:20]), TextDelta(SAID[20:33]), ToolCallDelta(0, arguments=SAID[33:]))
    assert metered(*pieces, status="cancelled").usage == whole.usage


def test_all_that_is_sent_is_expected() -> None:
    prompt, answer, system = "What is it?", "It is this.", "Be brief."
    messages = (ChatMessage("user", (TextPart(prompt),)), ChatMessage("assistant", (TextPart(answer),)))
    expected = expected_of_chat(ChatRequest("m", messages, system=system))
    words = sum(count_tokens(text) for text in (prompt, answer, system))
    assert expected == Usage(tokens_input=words + 3 * MESSAGE_TOKENS, tokens_output=0)
    assert expected_of_chat(ChatRequest("m", ())) == Usage(0, 0)


@pytest.mark.parametrize(
    ("reported", "usage", "counts"),
    [
        (None, Usage(1, 2), "estimated"),
        (Usage(tokens_cache_read=3), Usage(1, 2, tokens_cache_read=3), "estimated"),
        (Usage(0, 0), Usage(0, 2), "bounded"),
        (Usage(9, 9), Usage(9, 9), "bounded"),
    ],
)
def test_what_was_reported_is_kept(reported: Usage | None, usage: Usage, counts: str) -> None:
    assert partial_usage(reported, Usage(1, 0), said=2) == (usage, counts)
