"""The router with a provider that does as it is told: what is tried again, and what is recorded of each call."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from llm_router.domain.attempts import Attempt
from llm_router.domain.catalog import ModelPrice
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.errors import (
    InvalidRequest,
    NoRoute,
    RateLimited,
    RouterError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from llm_router.domain.events import AttemptFailed, Finished, Started, StreamEvent, TextDelta, UsageReported
from llm_router.domain.messages import ChatMessage, TextPart
from llm_router.domain.pricing import PriceEntry
from llm_router.domain.tokens import MESSAGE_TOKENS, count_tokens
from llm_router.domain.usage import Cost, Usage
from llm_router.providers.base import GeneratedImage, ImageRequest, ListedModel, Provider
from llm_router.routing.metering import AttemptMeter
from llm_router.routing.retry import RetryPolicy
from llm_router.routing.router import Router
from tests.handed_time import EPOCH, loop_clock, run

TARGET = Target("openai", "openai", "gpt-5")
REQUEST = ChatRequest("gpt-5", (ChatMessage("user", (TextPart("x" * 400),)),))
PRICE = PriceEntry("v1", ModelPrice(Decimal(1), Decimal(10)))
USAGE = Usage(tokens_input=100, tokens_output=50)
PROMPT, SAID = count_tokens("x" * 400) + MESSAGE_TOKENS, count_tokens("x" * 40)
ANSWER: tuple[StreamEvent, ...] = (Started("r", "gpt-5-x"), TextDelta("hi"), UsageReported(USAGE), Finished("stop"))
IMAGE = GeneratedImage(b"png", "image/png", usage=USAGE)
CAT = ImageRequest("a cat", "gpt-image", quality="low")
EXPECTED_OF_IMAGE = Cost(count_tokens("a cat") * 1_000 + 408 * 10_000, "estimated", "v1")

Script = Sequence[StreamEvent | BaseException | float]
"""The events of one call in order; an error is raised, a number of seconds is waited."""


@dataclass
class Scripted:
    """A provider with a script for each call. An error first is raised on entry, as a refused call is."""

    scripts: list[Script] = field(default_factory=list)
    image: GeneratedImage | BaseException = IMAGE
    called_at: list[float] = field(default_factory=list)
    open_calls: int = 0

    def stream_chat(
        self, request: ChatRequest, target: Target
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        assert (request, target) == (REQUEST, TARGET)
        self.called_at.append(asyncio.get_running_loop().time())
        return self._call(self.scripts.pop(0))

    @asynccontextmanager
    async def _call(self, script: Script) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        if script and isinstance(script[0], RouterError):
            raise script[0]
        self.open_calls += 1
        try:
            async with aclosing(self._events(script)) as events:
                yield events
        finally:
            self.open_calls -= 1

    async def _events(self, script: Script) -> AsyncGenerator[StreamEvent]:
        for step in script:
            match step:
                case BaseException():
                    raise step
                case float():
                    await asyncio.sleep(step)
                case _:
                    yield step

    async def list_models(self) -> list[ListedModel]:
        return []

    async def generate_image(self, request: ImageRequest, target: Target) -> GeneratedImage:
        if isinstance(self.image, BaseException):
            raise self.image
        return self.image

    async def close(self) -> None:
        pass


@dataclass
class Asked:
    """What came of a request."""

    events: list[StreamEvent] = field(default_factory=list)
    meters: list[AttemptMeter] = field(default_factory=list)
    error: BaseException | None = None
    called_at: list[float] = field(default_factory=list)

    @property
    def attempts(self) -> list[Attempt]:
        assert not any(meter.is_open for meter in self.meters)
        return [meter.attempt for meter in self.meters]

    @property
    def outcomes(self) -> list[tuple[str, str | None]]:
        return [(attempt.status, attempt.error_type) for attempt in self.attempts]


def ask(*scripts: Script, leave_after: int | None = None, cancel_at: float | None = None) -> Asked:
    """Asks until the end, until so many events have come, or until a moment."""
    return run(_ask(list(scripts), leave_after, cancel_at))


async def _ask(scripts: list[Script], leave_after: int | None, cancel_at: float | None) -> Asked:
    asked, provider = Asked(), Scripted(scripts)
    router = router_to(provider)

    async def read() -> None:
        async with router.stream_chat(REQUEST, TARGET, asked.meters.append) as events:
            async for event in events:
                asked.events.append(event)
                if len(asked.events) == leave_after:
                    return

    task = asyncio.create_task(read())
    if cancel_at is not None:
        asyncio.get_running_loop().call_at(cancel_at, task.cancel)
    await asyncio.wait({task})
    asked.error = asyncio.CancelledError() if task.cancelled() else task.exception()
    asked.called_at = provider.called_at
    assert provider.open_calls == 0
    return asked


def router_to(provider: Provider) -> Router:
    return Router({"openai": provider}, lambda *_: PRICE, loop_clock(), RetryPolicy(max_retries=2))


def test_an_answer_passes_as_it_is_and_is_recorded_once() -> None:
    asked = ask(ANSWER)
    assert asked.events == list(ANSWER)
    (attempt,) = asked.attempts
    assert (attempt.status, attempt.target, attempt.response_model) == ("complete", TARGET, "gpt-5-x")
    assert (attempt.usage, attempt.cost) == (USAGE, Cost(600_000, "exact", "v1"))
    assert asked.error is None


def test_a_failure_before_content_is_told_and_tried_again() -> None:
    overloaded = UpstreamOverloaded("later")
    cut = UpstreamFailed("cut")
    asked = ask([overloaded], [Started(), cut], ANSWER)
    first, started, second, *rest = asked.events
    assert isinstance(first, AttemptFailed)
    assert isinstance(second, AttemptFailed)
    assert (first.error, second.error, first.target_id) == (overloaded, cut, TARGET.id)
    assert (started, rest) == (Started(), list(ANSWER))
    assert asked.outcomes == [("error", "overloaded"), ("error", "upstream_error"), ("complete", None)]
    assert asked.error is None
    # What a refused call costs is known, what a broken one costs is guessed.
    assert [attempt.cost.status for attempt in asked.attempts] == ["exact", "estimated", "exact"]
    assert len({attempt.id for attempt in asked.attempts}) == 3


def test_it_waits_as_long_as_it_said() -> None:
    asked = ask([RateLimited("x", retry_after_seconds=7)], [UpstreamFailed("x")], ANSWER)
    waits = [event.retry_in_seconds for event in asked.events if isinstance(event, AttemptFailed)]
    assert waits[0] == 7.0
    assert waits[1] is not None
    assert 0.5 <= waits[1] <= 1.0
    assert asked.called_at == pytest.approx([0, 7, 7 + waits[1]])
    # Each attempt is timed alone, the wait belongs to none.
    assert [attempt.duration for attempt in asked.attempts] == [0, 0, 0]
    starts = [attempt.started_at / 1000 - EPOCH for attempt in asked.attempts]
    assert starts == pytest.approx(asked.called_at, abs=0.001)


def test_the_last_failure_is_raised_when_tries_run_out() -> None:
    last = UpstreamTimeout("3")
    asked = ask([UpstreamFailed("1")], [UpstreamFailed("2")], [last], ANSWER)
    assert asked.error is last
    assert len(asked.events) == 2  # the last one is no notice: it is the end
    assert asked.outcomes == [("error", "upstream_error")] * 2 + [("error", "timeout")]


@pytest.mark.parametrize("error", [InvalidRequest("no"), RateLimited("x", retry_after_seconds=3600)])
def test_what_would_not_help_is_not_tried(error: RouterError) -> None:
    asked = ask([error], ANSWER)
    assert (asked.error, asked.events, len(asked.attempts)) == (error, [], 1)


def test_nothing_is_tried_again_after_content() -> None:
    cut = UpstreamFailed("cut")
    asked = ask([Started(), TextDelta("x" * 40), cut], ANSWER)
    assert asked.error is cut
    assert asked.events == [Started(), TextDelta("x" * 40)]
    (attempt,) = asked.attempts
    assert (attempt.status, attempt.usage, attempt.cost.status) == ("error", Usage(PROMPT, SAID), "estimated")


def test_a_call_that_is_cancelled_is_recorded_with_an_estimate() -> None:
    asked = ask([Started(), TextDelta("x" * 40), 60.0, Finished("stop")], cancel_at=2.5)
    assert isinstance(asked.error, asyncio.CancelledError)
    (attempt,) = asked.attempts
    assert (attempt.status, attempt.duration, attempt.time_to_first_chunk) == ("cancelled", 2.5, 0.0)
    assert (attempt.usage, attempt.cost) == (
        Usage(PROMPT, SAID),
        Cost(PROMPT * 1_000 + SAID * 10_000, "estimated", "v1"),
    )


def test_a_call_that_is_cancelled_before_its_first_event_is_recorded() -> None:
    asked = ask([60.0], cancel_at=1.0)
    assert asked.outcomes == [("cancelled", None)]


def test_cancelled_while_waiting_to_try_again_there_is_one_record() -> None:
    asked = ask([RateLimited("x", retry_after_seconds=7)], ANSWER, cancel_at=3.0)
    assert isinstance(asked.error, asyncio.CancelledError)
    assert asked.outcomes == [("error", "rate_limited")]
    assert asked.called_at == [0]


@pytest.mark.parametrize(("events", "status"), [(1, "cancelled"), (2, "cancelled"), (3, "cancelled"), (4, "complete")])
def test_a_reader_may_leave_at_any_event(events: int, status: str) -> None:
    asked = ask(ANSWER, leave_after=events)
    assert asked.outcomes == [(status, None)]
    assert asked.error is None


def test_a_reader_may_leave_at_a_notice() -> None:
    asked = ask([UpstreamFailed("x")], ANSWER, leave_after=1)
    assert asked.outcomes == [("error", "upstream_error")]


def test_a_bug_in_a_provider_is_recorded_and_passes_as_it_is() -> None:
    bug = ValueError("bug")
    asked = ask([Started(), bug])
    assert asked.error is bug
    assert len(asked.attempts) == 1


def test_a_connection_that_is_not_there_is_said() -> None:
    meters: list[AttemptMeter] = []

    async def read() -> None:
        router = Router({}, lambda *_: None, loop_clock())
        async with router.stream_chat(REQUEST, TARGET, meters.append) as events:
            async for _ in events:
                pass

    with pytest.raises(NoRoute, match="No connection named 'openai'"):
        run(read())
    assert meters == []


@pytest.mark.parametrize(
    ("image", "outcome", "cost"),
    [
        (IMAGE, ("complete", None), Cost(600_000, "exact", "v1")),
        (GeneratedImage(b"png", "image/png"), ("complete", None), EXPECTED_OF_IMAGE),
        (UpstreamFailed("x"), ("error", "upstream_error"), Cost(0, "exact")),
        (UpstreamFailed("x", details={"sent": True}), ("error", "upstream_error"), EXPECTED_OF_IMAGE),
        (asyncio.CancelledError(), ("cancelled", None), EXPECTED_OF_IMAGE),
    ],
)
def test_an_image_is_one_call_recorded_once(
    image: GeneratedImage | BaseException, outcome: tuple[str, str | None], cost: Cost
) -> None:
    meters: list[AttemptMeter] = []

    async def make() -> GeneratedImage:
        return await router_to(Scripted(image=image)).generate_image(CAT, TARGET, meters.append)

    if isinstance(image, GeneratedImage):
        assert run(make()) is image
    else:
        with pytest.raises(type(image)):
            run(make())
    (meter,) = meters
    attempt = meter.attempt
    assert not meter.is_open
    assert ((attempt.status, attempt.error_type), attempt.cost) == (outcome, cost)


def test_an_image_without_a_price_is_left_uncounted() -> None:
    """Its model is billed by the piece, or not at all; of tokens nobody spoke."""
    meters: list[AttemptMeter] = []

    async def make() -> None:
        provider = Scripted(image=asyncio.CancelledError())
        await Router({"openai": provider}, lambda *_: None, loop_clock()).generate_image(CAT, TARGET, meters.append)

    with pytest.raises(asyncio.CancelledError):
        run(make())
    assert (meters[0].attempt.usage, meters[0].attempt.cost) == (Usage(), Cost(None, "unpriced"))
