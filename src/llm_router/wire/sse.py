"""Server-sent events, both ways (WHATWG HTML, section 9.2). Knows bytes and lines, nothing of what they mean.

A line ends at CR, LF or CRLF and at nothing else: U+2028 and U+0085 are text. Lines are cut as bytes and decoded
whole, since no UTF-8 sequence holds a CR or an LF; so a chunk may end anywhere, inside a character too.
"""

from dataclasses import dataclass

from llm_router.domain.errors import UpstreamFailed

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""An image in base64 fits; a stream without an end does not."""

HEARTBEAT = b": heartbeat\n\n"

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    event: str
    """`message` where the stream names none."""
    data: str
    id: str | None = None
    """The last id seen so far in the stream, on this event or before it."""


class SSEDecoder:
    """Bytes in, events out. One for each stream."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._line = bytearray()
        """The line that has not ended yet. Only its growth costs, never its length."""
        self._ended_in_cr = False
        self._at_start = True
        self._event = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._id: str | None = None

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that `data` completes. Raises UpstreamFailed where one grows without bound."""
        if self._ended_in_cr and data:
            # The CR ended its line at once; an LF behind it is the same line end.
            data = data.removeprefix(b"\n")
            self._ended_in_cr = False
        if not data:
            return []
        self._ended_in_cr = data.endswith(b"\r")
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if end == 0:
            self._line += data
            self._check_size()
            return []
        block = bytes(self._line) + data[:end]
        self._line = bytearray(data[end:])
        lines = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        lines.pop()  # what follows the last line end is in self._line
        events = self._feed_lines(lines)
        self._check_size()
        return events

    def close(self) -> list[ServerSentEvent]:
        """The event the stream ended in.

        The standard drops one without its blank line. We deliver it: servers exist that close right after the last
        `data:` line, and losing their usage or their end would turn a whole answer into a broken one. If the stream was
        cut instead, the JSON in it is cut too, and the dialect's decoder says so.
        """
        lines = [bytes(self._line), b""] if self._line else [b""]
        self._line = bytearray()
        return self._feed_lines(lines)

    def _feed_lines(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events = []
        for line in lines:
            if self._at_start:
                line = line.removeprefix(_BOM)
                self._at_start = False
            if line:
                self._feed_field(line)
            elif (event := self._take_event()) is not None:
                events.append(event)
        return events

    def _feed_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")  # a comment has no name
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
            self._check_size()
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _take_event(self) -> ServerSentEvent | None:
        name, data = self._event, self._data
        self._event, self._data, self._data_bytes = b"", [], 0
        if not data:
            return None
        return ServerSentEvent(
            name.decode("utf-8", "replace") or "message", b"\n".join(data).decode("utf-8", "replace"), self._id
        )

    def _check_size(self) -> None:
        if self._data_bytes + len(self._line) > self._max_event_bytes:
            raise UpstreamFailed("The stream held an event too large to read.")


def encode_event(name: str, data: bytes, id: int | None = None) -> bytes:
    """One event, ready to send. `data` may hold line ends; `name` may not."""
    head = b"" if id is None else b"id: %d\n" % id
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return b"%bevent: %b\ndata: %b\n\n" % (head, name.encode(), lines)
