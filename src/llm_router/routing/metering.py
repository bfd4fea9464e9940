"""Measures one upstream call while it runs and says at the end what it took and what it cost."""

from collections.abc import Callable
from dataclasses import replace

from llm_router.domain.attempts import Attempt, AttemptStatus
from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.clock import Clock
from llm_router.domain.errors import RouterError, UpstreamTimeout
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
from llm_router.domain.usage import Cost, Usage, estimate_tokens

PriceLookup = Callable[[Target, str | None], PriceEntry | None]
"""The price of what a target's `response_model` answered; None where none is known."""


class AttemptMeter:
    """Fed every event of one attempt; `close` gives the record of it."""

    def __init__(self, prompt_length: int | None, target: Target, price_for: PriceLookup, clock: Clock) -> None:
        """`prompt_length` in characters; None where lengths say nothing of the bill (images)."""
        self._prompt_length = prompt_length
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
        self._text_length = 0

    @property
    def is_committed(self) -> bool:
        """Content came: what was said stands, and nothing is tried again."""
        return self._first_chunk is not None

    def feed(self, event: StreamEvent) -> None:
        self._is_accepted = True
        if isinstance(event, CONTENT_EVENTS) and self._first_chunk is None:
            self._first_chunk = self._clock.monotonic() - self._start
        match event:
            case Started(_, response_model):
                self._response_model = response_model
            case TextDelta(text) | ReasoningDelta(text):
                self._text_length += len(text)
            case ToolCallDelta(arguments=arguments):
                self._text_length += len(arguments)
            case UsageReported(usage):
                self._usage = usage
            case Finished():
                self._is_finished = True
            case _:
                pass

    def close(self, status: AttemptStatus, error: RouterError | None = None) -> Attempt:
        """Ends the attempt. One whose last event came is complete, however its reader left."""
        if self._is_finished:
            status = "complete"
        usage, cost = self._bill(status, error)
        return Attempt(
            id=new_id(),
            target=self._target,
            status=status,
            usage=usage,
            cost=cost,
            started_at=self._started_at,
            duration=self._clock.monotonic() - self._start,
            time_to_first_chunk=self._first_chunk,
            response_model=self._response_model,
            error_type=error.error_type if error else None,
        )

    def _bill(self, status: AttemptStatus, error: RouterError | None) -> tuple[Usage, Cost]:
        price = self._price_for(self._target, self._response_model)
        if self._is_finished and self._usage is not None:
            return self._usage, price_usage(self._usage, price)
        if status == "error" and not (self._is_accepted or _may_be_charged(error)):
            # Turned away at the door: providers bill what they have begun to answer.
            return Usage(), Cost(0, "exact")
        if self._prompt_length is None:
            return self._usage or Usage(), Cost(None, "unpriced")
        usage = estimate_usage(self._usage, self._prompt_length, self._text_length)
        return usage, price_usage(usage, price, is_estimated=True)


def _may_be_charged(error: RouterError | None) -> bool:
    """Connected, sent, and then nothing, or no answer of ours: the provider may have worked for it all the same."""
    details = (error.details if error else None) or {}
    was_kept_waiting = isinstance(error, UpstreamTimeout) and details.get("timeout") != "connect"
    return was_kept_waiting or "content_type" in details


def estimate_usage(reported: Usage | None, prompt_length: int, text_length: int) -> Usage:
    """Usage of a call that ended without its last word: what was reported, and for the rest a guess by length.

    A provider that reports as it goes has reported the output's beginning only, so the longer one counts.
    """
    reported = reported or Usage()
    return replace(
        reported,
        tokens_input=estimate_tokens(prompt_length) if reported.tokens_input is None else reported.tokens_input,
        tokens_output=max(reported.tokens_output or 0, estimate_tokens(text_length)),
    )


def prompt_length(request: ChatRequest) -> int:
    """Characters of all that is sent."""
    return len(request.system or "") + sum(len(message.text) for message in request.messages)
