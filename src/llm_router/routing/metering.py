"""Measures one upstream call while it runs and says at any moment what it took and what it cost."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from llm_router.domain.attempts import Attempt, AttemptStatus
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.clock import Clock, moment_of
from llm_router.domain.errors import NoCredit, RouterError, UpstreamTimeout
from llm_router.domain.events import (
    CONTENT_EVENTS,
    Finished,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from llm_router.domain.ids import new_id
from llm_router.domain.pricing import PriceEntry, price_usage
from llm_router.domain.tokens import TokenCounter, measure, prompt_tokens
from llm_router.domain.usage import Cost, CountStatus, Usage

PriceLookup = Callable[[Target, str | None, datetime | None], PriceEntry | None]
"""The price of what a target's `response_model` answered, at a moment or now; None where none is known."""

BeginAttempt = Callable[["AttemptMeter"], None]
"""Handed the meter of each upstream call before it goes out: whoever keeps it can tell what the call took."""


class AttemptMeter:
    """Fed every event of one attempt, then closed. `attempt` is the record of it."""

    def __init__(self, expected: Usage, target: Target, price_for: PriceLookup, clock: Clock) -> None:
        """`expected` is what the call takes as far as can be told before it is made; it stands in for what the
        provider never says. Unknown counts stay unknown then."""
        self._id = new_id()
        self._expected = expected
        self._target = target
        self._price_for = price_for
        self._clock = clock
        self._started_at = clock.now_ms()
        self._start = clock.monotonic()
        self._first_chunk: float | None = None
        self._is_accepted = False
        self._is_finished = False
        self._response_model: str | None = None
        self._usage: Usage | None = None
        self._said = TokenCounter()
        self._end: tuple[AttemptStatus, RouterError | None, float] | None = None
        self._final: Attempt | None = None

    @property
    def is_open(self) -> bool:
        return self._end is None

    @property
    def is_committed(self) -> bool:
        """Content came: what was said stands, and nothing is tried again."""
        return self._first_chunk is not None

    @property
    def attempt(self) -> Attempt:
        """The record of the call: as it ended, or of one that still runs as if it were cancelled now.

        May raise, where a provider reported what cannot be counted; `uncounted` is for that.
        """
        if self._end is None:
            return self._record(*self._now())
        self._final = self._final or self._record(*self._end)
        return self._final

    @property
    def uncounted(self) -> Attempt:
        """The record of the call without what it took."""
        return self._attempt(*(self._end or self._now()), Usage(), Cost(None, "unpriced"))

    def feed(self, event: StreamEvent) -> None:
        self._is_accepted = True
        if isinstance(event, CONTENT_EVENTS) and self._first_chunk is None:
            self._first_chunk = self._clock.monotonic() - self._start
        match event:
            case Started(_, response_model):
                self._response_model = response_model
            case TextDelta(text) | ReasoningDelta(text):
                self._said.feed(text)
            case ToolCallDelta(name=name, arguments=arguments):
                self._said.feed(name or "")
                self._said.feed(arguments)
            case UsageReported(usage):
                self._usage = usage
            case Finished():
                self._is_finished = True
            case _:
                pass

    def close(self, status: AttemptStatus, error: RouterError | None = None) -> None:
        """Ends the attempt. One whose last event came is complete, however its reader left."""
        self._end = ("complete" if self._is_finished else status, error, self._clock.monotonic())

    def _now(self) -> tuple[AttemptStatus, RouterError | None, float]:
        return "cancelled", None, self._clock.monotonic()

    def _record(self, status: AttemptStatus, error: RouterError | None, ended: float) -> Attempt:
        return self._attempt(status, error, ended, *self._bill(status, error))

    def _attempt(
        self, status: AttemptStatus, error: RouterError | None, ended: float, usage: Usage, cost: Cost
    ) -> Attempt:
        return Attempt(
            id=self._id,
            target=self._target,
            status=status,
            usage=usage,
            cost=cost,
            started_at=self._started_at,
            duration=ended - self._start,
            time_to_first_chunk=self._first_chunk,
            response_model=self._response_model,
            error_type=error.error_type if error else None,
        )

    def _bill(self, status: AttemptStatus, error: RouterError | None) -> tuple[Usage, Cost]:
        price = self._price_for(self._target, self._response_model, moment_of(self._started_at))
        if self._is_finished and self._usage is not None and _is_whole(self._usage):
            return self._usage, price_usage(self._usage, price)
        if status == "error" and self._was_turned_away(error):
            return Usage(), Cost(0, "exact")
        usage, counts = partial_usage(self._usage, self._expected, self._said.count.likely)
        return usage, price_usage(usage, price, counts=counts)

    def _was_turned_away(self, error: RouterError | None) -> bool:
        """Providers bill what they have begun to answer. OpenAI finds some accounts empty after its stream has begun,
        and then has done nothing but to say so."""
        if isinstance(error, NoCredit):
            return not self.is_committed and self._usage is None
        return not (self._is_accepted or _may_be_charged(error))


def _is_whole(usage: Usage) -> bool:
    """Whether it says what is charged: the cost itself, or both totals. Some servers send an empty object."""
    has_totals = usage.tokens_input is not None and usage.tokens_output is not None
    return has_totals or usage.cost_reported is not None


def _may_be_charged(error: RouterError | None) -> bool:
    """Connected, sent, and then nothing, or no answer of ours: the provider may have worked for it all the same."""
    details = (error.details if error else None) or {}
    was_kept_waiting = isinstance(error, UpstreamTimeout) and details.get("timeout") != "connect"
    return was_kept_waiting or bool(details.get("sent")) or "content_type" in details


def partial_usage(reported: Usage | None, expected: Usage, said: int) -> tuple[Usage, CountStatus]:
    """Usage of a call that ended without its last word, and how sure it is.

    `reported` is what the provider had told by then, `said` the tokens counted in what arrived. A provider that
    reports as it goes has reported the output's beginning only, so the longer one counts; and what it said of the
    cost was not its last word either. `bounded` where the input is the provider's count, `estimated` where it is ours.
    """
    known = reported or Usage()
    outputs = [count for count in (known.tokens_output, expected.tokens_output) if count is not None]
    usage = replace(
        known,
        tokens_input=expected.tokens_input if known.tokens_input is None else known.tokens_input,
        tokens_output=max([said, *outputs]) if outputs or said else None,
        tokens_output_image=(
            expected.tokens_output_image if known.tokens_output_image is None else known.tokens_output_image
        ),
        cost_reported=None,
        # What stands in `raw` is less than what is counted here, and must not be read again in its place.
        dialect=None,
    )
    return usage, "estimated" if known.tokens_input is None else "bounded"


def expected_of_chat(request: ChatRequest) -> Usage:
    """The prompt, counted by its letters; of the answer nothing."""
    return Usage(tokens_input=prompt_tokens(request).likely, tokens_output=0)


IMAGE_TOKENS = {"low": 408, "medium": 1584, "high": 6240}
"""Tokens of one image by quality, at the larger of the sizes that OpenAI's gpt-image models draw (1024 x 1536; a square
has two thirds of it): https://platform.openai.com/docs/guides/image-generation, "Cost and latency"."""


def expected_of_image(prompt: str, quality: str | None, *, at_most: bool = False) -> Usage:
    """One image by a model that bills images as tokens. Where the quality is left to the model, the middle one counts,
    or the dearest where `at_most` is asked for."""
    tokens = IMAGE_TOKENS.get(quality or "", IMAGE_TOKENS["high" if at_most else "medium"])
    counted = measure(prompt)
    return Usage(
        tokens_input=counted.high if at_most else counted.likely,
        tokens_output=tokens,
        tokens_output_image=tokens,
    )
