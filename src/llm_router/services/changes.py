"""What changed for an owner, told to every page they have open: small facts and ids, never a word of what was said.

    publish ──► ring of the last changes ──► read(after): each reader goes along at its own pace

Publishing appends and wakes, and waits for nobody. A reader holds a number, not a queue: one that falls behind
the ring, or comes with a number that is not of this process, is told to fetch anew (`reset`). Knows neither SQL
nor HTTP, nor what any of the changes mean.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Literal

import orjson

from llm_router.domain.messages import MessageStatus
from llm_router.services.event_log import NumberedEvent

RING_LENGTH = 256
"""Changes kept for those who come back. More than that in the seconds of a reconnect is a page that reads anew."""

_FIRST_ID_BITS = 52
"""Ids start anywhere, so that one from before a restart is never taken for one of now; JavaScript still counts them."""

ChangeName = Literal[
    "conversation_created", "conversation_updated", "conversation_deleted", "message_started", "message_finished"
]


@dataclass(frozen=True, slots=True)
class Change:
    name: ChangeName
    conversation_id: str
    message_id: str | None = None
    status: MessageStatus | None = None
    """Of the message."""

    def as_event(self, seq: int) -> NumberedEvent:
        told = {key: value for key, value in asdict(self).items() if key != "name" and value is not None}
        return NumberedEvent(seq, self.name, orjson.dumps(told))


class Changes:
    """The changes of all owners in this process, each owner's apart. Runs on one event loop."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    def publish(self, user_id: str, change: Change) -> None:
        """Tells the owner's readers. To be called when the change is committed; returns at once."""
        self._channel(user_id).append(change)

    async def read(self, user_id: str, after: int | None) -> AsyncGenerator[NumberedEvent]:
        """Every change behind number `after`, once and in order, without an end.

        `reset` comes first where it is not known what the reader missed.
        """
        channel = self._channel(user_id)
        seq = after
        while True:
            # Taken before looking: what grows in between sets this very event.
            grown = channel.grown
            if seq is None or not channel.first_seq - 1 <= seq <= channel.last_seq:
                seq = channel.last_seq
                yield NumberedEvent(seq, "reset", b"{}")
                continue
            for change in channel.behind(seq):
                seq += 1
                yield change.as_event(seq)
            if seq == channel.last_seq:
                await grown.wait()

    def _channel(self, user_id: str) -> "_Channel":
        return self._channels.setdefault(user_id, _Channel())


class _Channel:
    def __init__(self) -> None:
        self.last_seq = secrets.randbits(_FIRST_ID_BITS)
        self.grown = asyncio.Event()
        self._ring: deque[Change] = deque(maxlen=RING_LENGTH)

    @property
    def first_seq(self) -> int:
        return self.last_seq - len(self._ring) + 1

    def append(self, change: Change) -> None:
        self._ring.append(change)
        self.last_seq += 1
        self.grown.set()
        self.grown = asyncio.Event()

    def behind(self, seq: int) -> list[Change]:
        return list(islice(self._ring, seq - self.first_seq + 1, None))
