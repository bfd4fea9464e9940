"""Time, as it is handed in: so that a test can hold it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    wall: Callable[[], float]
    """Seconds since 1970."""
    monotonic: Callable[[], float]
    """Seconds that only ever grow; for measuring."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, as they are stored."""
        return int(self.wall() * 1000)
