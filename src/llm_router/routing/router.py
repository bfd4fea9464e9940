"""Makes the upstream calls of a request: one after the other until one answers, each measured and recorded.

Nothing is tried again after the first content event: what was said stands. Knows neither who asks nor where
the events go.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.clock import Clock
from llm_router.domain.errors import NoRoute, RouterError
from llm_router.domain.events import AttemptFailed, Finished, StreamEvent, UsageReported
from llm_router.domain.usage import Usage
from llm_router.providers.base import GeneratedImage, ImageRequest, Provider
from llm_router.routing.metering import (
    AttemptMeter,
    BeginAttempt,
    PriceLookup,
    expected_of_chat,
    expected_of_image,
)
from llm_router.routing.retry import RetryPolicy, retry_delay

_LOG = logging.getLogger(__name__)


class Router:
    def __init__(
        self,
        providers: Mapping[str, Provider],
        price_for: PriceLookup,
        clock: Clock,
        retry: RetryPolicy | None = None,
    ) -> None:
        """`providers` by connection name: those that can be called with the keys at hand."""
        self._providers = providers
        self._price_for = price_for
        self._clock = clock
        self._retry = retry or RetryPolicy()

    @asynccontextmanager
    async def stream_chat(
        self, request: ChatRequest, target: Target, begin_attempt: BeginAttempt
    ) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """Opens the stream of an answer; leaving the context ends the upstream call.

        The iterator ends after one `Finished` or raises the last attempt's RouterError.
        `begin_attempt` is called once for each upstream call; each meter is closed when its call has ended, also one
        that was left.
        """
        async with aclosing(self._attempts(request, target, begin_attempt)) as events:
            yield events

    async def generate_image(
        self, request: ImageRequest, target: Target, begin_attempt: BeginAttempt
    ) -> GeneratedImage:
        """One call, not tried again: an image that was lost on the way may have been paid for. Raises a RouterError."""
        provider = self._provider(target)
        # An image without a price for its tokens is billed some other way, of which they say nothing.
        price = self._price_for(target, None, None)
        expected = expected_of_image(request.prompt, request.quality) if price else Usage()
        meter = self._begin(expected, target, begin_attempt)
        try:
            image = await provider.generate_image(request, target)
        except RouterError as error:
            meter.close("error", error)
            raise
        except BaseException as error:
            meter.close("error" if isinstance(error, Exception) else "cancelled")
            raise
        if image.usage is not None:
            meter.feed(UsageReported(image.usage))
        meter.feed(Finished("stop"))
        meter.close("complete")
        return image

    async def _attempts(
        self, request: ChatRequest, target: Target, begin_attempt: BeginAttempt
    ) -> AsyncGenerator[StreamEvent]:
        provider = self._provider(target)
        expected = expected_of_chat(request)
        failures = 0
        while True:
            meter = self._begin(expected, target, begin_attempt)
            try:
                async with provider.stream_chat(request, target) as events:
                    async for event in events:
                        meter.feed(event)
                        yield event
                meter.close("complete")
                return
            except RouterError as error:
                failures += 1
                meter.close("error", error)
                # Jitter, not cryptography.
                delay = retry_delay(self._retry, failures, error, random.random())  # noqa: S311
                if meter.is_committed or delay is None:
                    raise
                failed = AttemptFailed(error, target.id, delay)
            except BaseException as error:
                meter.close("error" if isinstance(error, Exception) else "cancelled")
                raise
            _LOG.info("%s failed (%s), trying again in %.1f s", target.id, failed.error.error_type, delay)
            yield failed
            await asyncio.sleep(delay)

    def _begin(self, expected: Usage, target: Target, begin_attempt: BeginAttempt) -> AttemptMeter:
        meter = AttemptMeter(expected, target, self._price_for, self._clock)
        begin_attempt(meter)
        return meter

    def _provider(self, target: Target) -> Provider:
        provider = self._providers.get(target.connection)
        if provider is None:
            raise NoRoute(f"No connection named {target.connection!r} can be used now.")
        return provider
