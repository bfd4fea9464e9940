"""Time, as it is handed in: so that a test can hold it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    wall: Callable[[], float]
    """Seconds since 1970."""
    monotonic: Callable[[], float]
    """Seconds that only ever grow; for measuring."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, as they are stored."""
        return int(self.wall() * 1000)


def moment_of(milliseconds: int) -> datetime:
    """A time as it is stored, as the moment it is: in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
