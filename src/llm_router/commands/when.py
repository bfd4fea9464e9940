"""How a moment is written on the command line: in words, so long ago, as a day or as a time."""

import argparse
import re
from collections.abc import Callable
from datetime import datetime

from llm_router.domain.calendar import HOUR, Calendar

When = Callable[[int, Calendar], int]
"""A moment in milliseconds since 1970, once it is known what time it is and whose days are counted."""

WHEN = "today, week, month, 24h, 7d, a day such as 2026-11-01, or a time"
"""What may be written."""

_AGO = re.compile(r"(\d{1,5})([hd])")


def when(text: str) -> When:
    match text.lower():
        case "today":
            return lambda now, calendar: calendar.start("day", now)
        case "week":
            return lambda now, calendar: calendar.week_start(now)
        case "month":
            return lambda now, calendar: calendar.start("month", now)
    if ago := _AGO.fullmatch(text.lower()):
        span = int(ago[1]) * HOUR * (24 if ago[2] == "d" else 1)
        return lambda now, _calendar: max(0, now - span)
    try:
        moment = datetime.fromisoformat(text)
        if not 1970 < moment.year < 9000:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected today, week, month, hours such as 24h, days such as 7d or 2026-11-01, found {text!r}"
        ) from None
    return lambda _now, calendar: calendar.moment(moment)
