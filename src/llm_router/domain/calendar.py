"""Hours, days and months as half-open spans of milliseconds since 1970. Knows no clock.

Hours are those of UTC. Days and months are those of a time zone, so that a day has 23 or 25 hours where the clocks are
changed, and begins at one where midnight is skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

Period = Literal["hour", "day", "month"]
PERIODS: tuple[Period, ...] = ("hour", "day", "month")
"""The shortest first."""

HOUR = 3_600_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Calendar:
    name: str
    """What the time zone is called."""
    zone: tzinfo | None = None
    """None is the machine's own, as its C library knows it."""

    def span(self, period: Period, moment: int) -> tuple[int, int]:
        """The period around `moment`: its first millisecond, and that of the next. Each moment is in exactly one."""
        if period == "hour":
            start = moment - moment % HOUR
            return start, start + HOUR
        day = self.local(moment).date()
        if period == "month":
            day = day.replace(day=1)
        start = self._midnight(day)
        # A clock set back over midnight shows the day before once more; it belongs to the day that has begun.
        while (end := self._midnight(day := _next(period, day))) <= moment:
            start = end
        return start, end

    def start(self, period: Period, moment: int) -> int:
        return self.span(period, moment)[0]

    def spans(self, period: Period, since: int, until: int) -> Iterator[tuple[int, int]]:
        """All periods that have a moment in the range, `until` excluded."""
        while since < until:
            span = self.span(period, since)
            yield span
            since = span[1]

    def week_start(self, moment: int) -> int:
        """The first millisecond of the Monday before."""
        day = self.local(moment).date()
        return self._midnight(day - timedelta(days=day.weekday()))

    def local(self, moment: int) -> datetime:
        """What the clocks of the time zone show, down to the second."""
        return datetime.fromtimestamp(moment // 1000, self.zone)

    def moment(self, time: datetime) -> int:
        """The millisecond of a time, which is the time zone's where it names none."""
        return int((time if time.tzinfo else time.replace(tzinfo=self.zone)).timestamp() * 1000)

    def _midnight(self, day: date) -> int:
        # Where midnight is skipped this is the moment of the skip, where it comes twice the first (PEP 495, fold=0).
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * 1000


def _next(period: Period, day: date) -> date:
    if period == "day":
        return day + timedelta(days=1)
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
