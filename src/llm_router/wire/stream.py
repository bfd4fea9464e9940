"""What the decoders of all dialects share: the order of events. Knows no dialect.

      feed                     feed, close
new ───────► started ──────────────────────► ended
             content, usage                  one Finished or Failed; nothing after it
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from llm_router.domain.errors import RouterError, UpstreamFailed
from llm_router.domain.events import Failed, Finished, Started, StreamEvent, UsageReported
from llm_router.domain.messages import FinishReason
from llm_router.domain.usage import Usage
from llm_router.wire.json import read_json
from llm_router.wire.models import MAX_NAME_CHARACTERS
from llm_router.wire.sse import ServerSentEvent


class BaseStreamDecoder(ABC):
    """Events of one upstream stream to events of ours. `close` tells it that the body ended.

    A server that does not stream sends the whole answer at once; `decode_answer` reads that, instead.
    """

    def __init__(self) -> None:
        self._events: list[StreamEvent] = []
        self._has_started = False
        self._has_ended = False
        self._usage: Usage | None = None

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        if not self._has_ended:
            self._read(event)
        return self._take()

    def close(self) -> list[StreamEvent]:
        if not self._has_ended:
            self._read_end()
        return self._take()

    def decode_answer(self, body: bytes) -> list[StreamEvent]:
        """What a stream of the same answer would have given; nothing where `body` is no answer of this dialect."""
        value = read_json(body)
        if isinstance(value, dict):
            self._read_answer(value)
        return self._take()

    @abstractmethod
    def _read(self, event: ServerSentEvent) -> None: ...

    @abstractmethod
    def _read_answer(self, answer: Mapping[str, Any]) -> None:
        """Emits all of `answer` up to its end, or nothing."""

    def _read_end(self) -> None:
        self._fail(UpstreamFailed("The provider's stream ended before the answer was complete."))

    def _object(self, event: ServerSentEvent) -> Mapping[str, Any] | None:
        """The event's JSON object; where it is none, the stream has failed."""
        value = read_json(event.data)
        if isinstance(value, dict):
            return value
        self._fail(UpstreamFailed("The provider's stream held something that is not an answer, or was cut."))
        return None

    def _start(self, response_id: str, response_model: str) -> None:
        if not self._has_started:
            self._has_started = True
            self._emit(Started(response_id or None, response_model[:MAX_NAME_CHARACTERS] or None))

    def _report(self, usage: Usage) -> None:
        """Passes on usage that says something new; some repeat it on every chunk."""
        if usage != self._usage:
            self._usage = usage
            self._emit(UsageReported(usage))

    def _finish(self, reason: FinishReason) -> None:
        self._emit(Finished(reason))
        self._has_ended = True

    def _fail(self, error: RouterError) -> None:
        self._emit(Failed(error))
        self._has_ended = True

    def _emit(self, event: StreamEvent) -> None:
        self._events.append(event)

    def _take(self) -> list[StreamEvent]:
        events, self._events = self._events, []
        return events
