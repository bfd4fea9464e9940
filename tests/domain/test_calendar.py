"""Hours, days and months: every moment in exactly one, whatever the clocks do."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.calendar import HOUR, PERIODS, Calendar, Period

BERLIN = Calendar("Europe/Berlin", ZoneInfo("Europe/Berlin"))
ZONES = sorted(available_timezones())


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@given(
    zone=st.sampled_from(ZONES),
    period=st.sampled_from(PERIODS),
    moment=st.integers(0, at("2100-01-01T00:00")),
)
def test_each_moment_is_in_one_period(zone: str, period: Period, moment: int) -> None:
    calendar = Calendar(zone, ZoneInfo(zone))
    start, end = calendar.span(period, moment)
    assert start <= moment < end
    assert calendar.span(period, start) == calendar.span(period, end - 1) == (start, end)
    assert calendar.start(period, end) == end


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24), ("2026-03-28", 24)]
)
def test_a_day_on_which_the_clocks_change_has_another_length(day: str, hours: int) -> None:
    start, end = BERLIN.span("day", at(f"{day}T12:00", "Europe/Berlin"))
    assert start == at(f"{day}T00:00", "Europe/Berlin")
    assert end - start == hours * HOUR


@pytest.mark.parametrize(
    ("zone", "moment", "first"),
    [
        ("Africa/Cairo", "2024-04-26T12:00", "2024-04-26T01:00"),  # its midnight was skipped
        ("Pacific/Apia", "2011-12-31T12:00", "2011-12-31T00:00"),  # the day before was
        (
            "America/St_Johns",
            "2010-11-07T12:00",
            "2010-11-07T00:00",
        ),  # a minute after it began, the day before came back
    ],
)
def test_a_day_begins_where_its_clocks_say(zone: str, moment: str, first: str) -> None:
    assert Calendar(zone, ZoneInfo(zone)).start("day", at(moment, zone)) == at(first, zone)


def test_months_have_the_length_of_their_days() -> None:
    spans = list(BERLIN.spans("month", at("2026-01-15T00:00"), at("2027-01-15T00:00")))
    lengths = [(end - start) // HOUR for start, end in spans]
    assert lengths == [744, 672, 743, 720, 744, 720, 744, 744, 720, 745, 720, 744, 744]


def test_hours_are_those_of_utc_everywhere() -> None:
    kathmandu = Calendar("Asia/Kathmandu", ZoneInfo("Asia/Kathmandu"))
    assert kathmandu.span("hour", 3 * HOUR + 1) == (3 * HOUR, 4 * HOUR)
    assert kathmandu.start("day", at("2026-05-05T12:00")) == at("2026-05-04T18:15")


def test_a_week_begins_on_monday() -> None:
    for day in ("2026-11-23T00:00", "2026-11-24T22:42", "2026-11-29T23:59"):
        assert BERLIN.week_start(at(day, "Europe/Berlin")) == at("2026-11-23T00:00", "Europe/Berlin")


def test_a_time_without_a_zone_is_the_calendar_s() -> None:
    assert BERLIN.moment(datetime(2026, 7, 1, 12)) == at("2026-07-01T10:00")
    assert BERLIN.moment(datetime(2026, 7, 1, 12, tzinfo=UTC)) == at("2026-07-01T12:00")
    assert BERLIN.local(at("2026-07-01T10:00")).isoformat() == "2026-07-01T12:00:00+02:00"
