"""The numbered events of one answer: what is sent to browsers, what is stored, and how to find it again.

Text is coalesced *before* it is numbered and the stored event is the sent event, so a reader who resumes
at any number gets neither a gap nor a repeat. Knows nothing of SQL, of HTTP or of who reads.

While an answer is made, its events are stored as they are. When it has ended they fold into a few bytes:
the text itself stands in the message, so the log keeps only where it was cut (`compact_events`), and
`expand_events` gives back the very same events.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

COALESCE_SECONDS = 0.03
"""Pieces of text that come closer together than this share an event. Must stay below the flush interval."""

USAGE_SECONDS = 1.0
"""Some providers report usage with every chunk; a reader is told at most this often, and at the end."""


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    seq: int
    """1, 2, 3 … within one answer."""
    name: str
    data: bytes
    """JSON."""


class EventLog:
    """The events of a live answer, in memory, for any number of readers.

    Runs on one event loop; `append_*` never waits. A text piece is sent at once when none was sent
    within the last `COALESCE_SECONDS`, else together with what follows it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._events: list[NumberedEvent] = []
        self._open_name = ""
        self._open_pieces: list[str] = []
        self._last_cut = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._usage: Mapping[str, Any] | None = None
        self._told_usage: Mapping[str, Any] | None = None
        self._last_usage = float("-inf")
        self._grown = asyncio.Event()
        self._is_closed = False

    @property
    def last_seq(self) -> int:
        return len(self._events)

    def after(self, seq: int) -> list[NumberedEvent]:
        """The numbered events behind `seq`. Open text has no number yet."""
        return self._events[max(seq, 0) :]

    def append(self, name: str, data: Mapping[str, Any]) -> None:
        """A whole event: open text is cut before it, so that the order is kept."""
        self._cut()
        self._number(name, orjson.dumps(data))

    def append_text(self, name: str, text: str) -> None:
        """A piece of text, `name` being `delta` or `reasoning`."""
        if not text:
            return
        if self._open_name != name:
            self._cut()
            self._open_name = name
        self._open_pieces.append(text)
        if self._timer is None:
            wait = self._last_cut + COALESCE_SECONDS - self._clock()
            if wait <= 0:
                self._cut()
            else:
                self._timer = asyncio.get_running_loop().call_later(wait, self._cut)

    def append_usage(self, usage: Mapping[str, Any]) -> None:
        """Usage so far. Replaces what was not sent yet."""
        self._usage = usage
        if self._clock() - self._last_usage >= USAGE_SECONDS:
            self._send_usage()

    def settle(self) -> None:
        """Numbers all that is open; afterwards the log is ready for its last event."""
        self._cut()
        self._send_usage()

    def close(self, last: NumberedEvent | None = None) -> None:
        """Ends the log with an event that was stored already; readers end after it. Without one they end as cut off."""
        if self._is_closed:
            return
        if last is not None:
            self._events.append(last)
        self._is_closed = True
        self._wake()

    async def read(self, after: int) -> AsyncIterator[NumberedEvent]:
        """Every event behind `after`, in order, until the log is closed."""
        seq = after
        while True:
            # Taken before looking: what grows in between sets this very event.
            grown = self._grown
            for event in self.after(seq):
                seq = event.seq
                yield event
            if self.after(seq):
                continue
            if self._is_closed:
                return
            await grown.wait()

    def _cut(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._open_pieces:
            text = "".join(self._open_pieces)
            self._open_pieces = []
            self._last_cut = self._clock()
            self._number(self._open_name, orjson.dumps({"text": text}))

    def _send_usage(self) -> None:
        usage, self._usage = self._usage, None
        if usage is not None and usage != self._told_usage:
            self._told_usage, self._last_usage = usage, self._clock()
            self.append("usage", usage)

    def _number(self, name: str, data: bytes) -> None:
        self._events.append(NumberedEvent(len(self._events) + 1, name, data))
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


def compact_events(events: Iterable[NumberedEvent]) -> str:
    """What is left of `events` once the text is kept elsewhere: JSON, an item an event.

    A positive number is so many characters of the answer, a negative one of the reasoning;
    a pair is any other event, whole.
    """
    items: list[Any] = []
    for event in events:
        data = orjson.loads(event.data)
        match event.name:
            case "delta":
                items.append(len(data["text"]))
            case "reasoning":
                items.append(-len(data["text"]))
            case name:
                items.append([name, data])
    return orjson.dumps(items).decode()


def expand_events(log: str, content: str, reasoning: str, after: int = 0) -> Iterator[NumberedEvent]:
    """The inverse of `compact_events`: the events behind `after`, with the text they carried."""
    at_content = at_reasoning = 0
    for seq, item in enumerate(orjson.loads(log), start=1):
        match item:
            case int() if item >= 0:
                name, data = "delta", {"text": content[at_content : at_content + item]}
                at_content += item
            case int():
                name, data = "reasoning", {"text": reasoning[at_reasoning : at_reasoning - item]}
                at_reasoning -= item
            case [name, data]:
                pass
        if seq > after:
            yield NumberedEvent(seq, name, orjson.dumps(data))
