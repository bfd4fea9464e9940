"""Budgets on a real file: what is held back and let go, whose it is, and when a period begins anew."""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from llm_router.domain.budgets import Period, Scope, Standing
from llm_router.domain.clock import Clock
from llm_router.domain.errors import BudgetExceeded, InvalidRequest, NotFound
from llm_router.domain.usage import NANO
from llm_router.services.budgets import MAX_BUDGETS, Budgets
from llm_router.store.budgets import delete_reservation, hold_for_last_word
from llm_router.store.database import Database
from llm_router.store.devices import touch_device
from llm_router.store.tables import reservations, usage_calendar
from llm_router.store.usage import Origin
from tests.store.rows import OWNER, STRANGER, attempt, bill, count, origin

ZONE = ZoneInfo("Pacific/Auckland")
EVENING = datetime(2026, 11, 30, 23, 59, 59, tzinfo=ZONE)
"""The last second of a day and of a month, where the server lives; in UTC it is noon."""
MIDNIGHT = 1


class Moment:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.seconds = EVENING.timestamp()

    @property
    def ms(self) -> int:
        return int(self.seconds * 1000)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, lambda: self.seconds)


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
async def database(database: Database) -> Database:
    async with database.write() as connection:
        await connection.execute(usage_calendar.update().values(time_zone=ZONE.key))
        await touch_device(connection, OWNER, "phone", "Mozilla/5.0 (iPhone) Safari/605", now=0)
    return database


@pytest.fixture
def budgets(database: Database, moment: Moment) -> Budgets:
    return Budgets(database, moment.clock)


async def limit(
    budgets: Budgets,
    amount: int,
    scope: Scope = "overall",
    subject: str | None = None,
    period: Period = "day",
    user_id: str = OWNER,
) -> str:
    return (await budgets.create(user_id, period, scope, subject, amount)).budget.id


def call(message_id: str, device_id: str | None = "phone", model: str = "gpt-5", user_id: str = OWNER) -> Origin:
    return origin(message_id=message_id, device_id=device_id, model=model, user_id=user_id)


async def admit(
    database: Database, budgets: Budgets, made: Origin, worst: int | None, *, override: bool = False
) -> Origin:
    async with database.write() as connection:
        return await budgets.admit(connection, made, worst, override=override)


async def pay(database: Database, moment: Moment, made: Origin, nanousd: int | None) -> None:
    """The call is over: its bill is written and the rest let go."""
    price = attempt(nanousd, "unpriced" if nanousd is None else "exact", started_at=moment.ms)
    await bill(database, origin(device_id=made.device_id, model=made.model, user_id=made.user_id), price)
    async with database.write() as connection:
        await delete_reservation(connection, made.user_id, made.message_id or "")


async def standing(budgets: Budgets) -> Standing:
    ((only,),) = [status.standings for status in await budgets.overview(OWNER)]
    return only


async def test_what_is_held_back_is_let_go_when_the_bill_is_there(
    database: Database, budgets: Budgets, moment: Moment
) -> None:
    await limit(budgets, 100)
    assert await standing(budgets) == Standing(None)
    first = await admit(database, budgets, call("m1"), 60)
    assert await standing(budgets) == Standing(None, reserved_nanousd=60, in_flight=1)
    with pytest.raises(BudgetExceeded):
        await admit(database, budgets, call("m2"), 41)
    second = await admit(database, budgets, call("m2"), 40)
    await pay(database, moment, first, 30)
    assert await standing(budgets) == Standing(None, spent_nanousd=30, reserved_nanousd=40, in_flight=1)
    await pay(database, moment, second, 40)
    assert await standing(budgets) == Standing(None, spent_nanousd=70)


async def test_what_is_in_the_ledger_already_is_not_held_back_twice(database: Database, budgets: Budgets) -> None:
    await limit(budgets, 100)
    await admit(database, budgets, call("m1"), 60)
    async with database.write() as connection:
        await hold_for_last_word(connection, OWNER, "m1", call_id="u1", billed_nanousd=45)
    assert (await standing(budgets)).reserved_nanousd == 15
    async with database.write() as connection:
        await hold_for_last_word(connection, OWNER, "u1", call_id="u2", billed_nanousd=45)
    assert (await standing(budgets)).reserved_nanousd == 0


async def test_a_refusal_says_which_budget_and_until_when_and_holds_nothing_back(
    database: Database, budgets: Budgets, moment: Moment
) -> None:
    budget_id = await limit(budgets, 5 * NANO)
    await pay(database, moment, await admit(database, budgets, call("m1"), NANO), 4 * NANO)
    await admit(database, budgets, call("m2"), 600_000_000)
    with pytest.raises(BudgetExceeded) as refused:
        await admit(database, budgets, call("m3"), 500_000_000)
    assert refused.value.details == {
        "budget_id": budget_id,
        "scope": "overall",
        "subject": None,
        "period": "day",
        "limit": 5.0,
        "spent": 4.0,
        "reserved": 0.6,
        "resets_at": "2026-11-30T11:00:00.000Z",
    }
    assert refused.value.message == (
        "Today's budget has no room for this: $4.00 of $5.00 is spent, up to $0.60 is held back for answers that are "
        "being made, and this one may cost up to $0.50. It begins anew on Tuesday 1 December at 00:00 "
        "(Pacific/Auckland time). Raise or delete the budget, choose a cheaper model, or send this with "
        "budget_override."
    )
    assert await count(database, reservations) == 1


@pytest.mark.parametrize(
    ("nanousd", "shown"),
    [
        (1_234_560_000_000, "$1,234.56"),
        (50_000_000, "$0.05"),
        (12_345_678, "$0.012"),
        (1_234, "$0.0000012"),
        (1, "$0.000000001"),
    ],
)
async def test_a_small_sum_can_still_be_seen(database: Database, budgets: Budgets, nanousd: int, shown: str) -> None:
    await limit(budgets, nanousd)
    await admit(database, budgets, call("m1"), nanousd)
    with pytest.raises(BudgetExceeded) as refused:
        await admit(database, budgets, call("m2"), 1)
    assert f"of {shown} is spent" in refused.value.message


@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_period_begins_anew_at_the_midnight_of_the_server(
    period: Period, database: Database, budgets: Budgets, moment: Moment
) -> None:
    await limit(budgets, 100, period=period)
    await pay(database, moment, await admit(database, budgets, call("m1"), 10), 100)
    with pytest.raises(BudgetExceeded):
        await admit(database, budgets, call("m2"), 1)
    moment.seconds += MIDNIGHT
    assert await standing(budgets) == Standing(None)
    await admit(database, budgets, call("m2"), 1)


async def test_a_month_lasts_longer_than_a_day(database: Database, budgets: Budgets, moment: Moment) -> None:
    moment.seconds -= 10 * 86_400
    await limit(budgets, 100, period="month")
    await pay(database, moment, await admit(database, budgets, call("m1"), 10), 100)
    moment.seconds += 5 * 86_400
    with pytest.raises(BudgetExceeded, match="This month's budget"):
        await admit(database, budgets, call("m2"), 1)


async def test_of_several_that_have_no_room_the_one_that_lasts_longest_is_named(
    database: Database, budgets: Budgets, moment: Moment
) -> None:
    moment.seconds -= 10 * 86_400
    month = await limit(budgets, 100, period="month")
    await limit(budgets, 50)
    await pay(database, moment, await admit(database, budgets, call("m1"), 10), 100)
    with pytest.raises(BudgetExceeded) as refused:
        await admit(database, budgets, call("m2"), 1)
    assert refused.value.details is not None
    assert refused.value.details["budget_id"] == month


async def test_a_budget_of_a_device_holds_for_that_device(database: Database, budgets: Budgets, moment: Moment) -> None:
    await limit(budgets, 100, "device", "phone")
    await pay(database, moment, await admit(database, budgets, call("m1"), 10), 100)
    with pytest.raises(BudgetExceeded, match="Today's budget for Safari on iPhone has no room"):
        await admit(database, budgets, call("m2"), 1)
    await admit(database, budgets, call("m3", "laptop"), 1_000)


async def test_a_budget_of_a_model_holds_for_that_model(database: Database, budgets: Budgets, moment: Moment) -> None:
    await limit(budgets, 100, "model", "gpt-5")
    await pay(database, moment, await admit(database, budgets, call("m1"), 10), 100)
    with pytest.raises(BudgetExceeded, match="Today's budget for gpt-5 has no room"):
        await admit(database, budgets, call("m2", "laptop"), 1)
    await admit(database, budgets, call("m3", model="gpt-5-mini"), 1_000)


async def test_a_budget_for_each_counts_each_for_itself(database: Database, budgets: Budgets, moment: Moment) -> None:
    await limit(budgets, 100, "device")
    await pay(database, moment, await admit(database, budgets, call("m1"), 10), 100)
    await admit(database, budgets, call("m2", "laptop"), 60)
    await pay(database, moment, await admit(database, budgets, call("m3", None), 10), 20)
    (status,) = await budgets.overview(OWNER)
    assert status.standings == (
        Standing("", spent_nanousd=20),
        Standing("laptop", reserved_nanousd=60, in_flight=1),
        Standing("phone", spent_nanousd=100),
    )
    with pytest.raises(BudgetExceeded) as refused:
        await admit(database, budgets, call("m4"), 1)
    assert refused.value.details is not None
    assert refused.value.details["subject"] == "phone"


async def test_calls_without_a_price_pass_and_are_counted(database: Database, budgets: Budgets, moment: Moment) -> None:
    await limit(budgets, 100)
    await pay(database, moment, await admit(database, budgets, call("m1"), 10), 100)
    await pay(database, moment, await admit(database, budgets, call("m2"), None), None)
    assert await standing(budgets) == Standing(None, spent_nanousd=100, unpriced=1)


async def test_a_call_without_a_price_keeps_no_dear_one_waiting(database: Database, budgets: Budgets) -> None:
    await limit(budgets, 100)
    await admit(database, budgets, call("m1"), None)
    await admit(database, budgets, call("m2"), 0)
    await admit(database, budgets, call("m3"), 5_000)


async def test_an_override_lets_one_call_through_and_is_told(
    database: Database, budgets: Budgets, caplog: pytest.LogCaptureFixture
) -> None:
    budget_id = await limit(budgets, 100)
    first = await admit(database, budgets, call("m1"), 60, override=True)
    assert not first.budget_override  # there was room
    with caplog.at_level(logging.WARNING):
        second = await admit(database, budgets, call("m2"), 60, override=True)
    assert second.budget_override
    assert f"budget {budget_id} was overridden for message m2" in caplog.text
    with pytest.raises(BudgetExceeded):
        await admit(database, budgets, call("m3"), 60)


async def test_another_user_s_money_is_another_s(database: Database, budgets: Budgets, moment: Moment) -> None:
    await limit(budgets, 100)
    theirs = await limit(budgets, 1, user_id=STRANGER)
    stranger = await admit(database, budgets, call("s1", user_id=STRANGER), 100)
    await pay(database, moment, stranger, 100)
    assert await standing(budgets) == Standing(None)
    await admit(database, budgets, call("m1"), 100)
    with pytest.raises(NotFound):
        await budgets.delete(OWNER, theirs)


async def test_what_makes_no_budget_is_refused(budgets: Budgets) -> None:
    with pytest.raises(InvalidRequest, match="no subject"):
        await limit(budgets, 1, subject="phone")
    with pytest.raises(NotFound, match="no such device"):
        await limit(budgets, 1, "device", "tablet")
    with pytest.raises(NotFound):
        await budgets.delete(OWNER, "none")
    for _ in range(MAX_BUDGETS):
        await limit(budgets, 1)
    with pytest.raises(InvalidRequest, match="100 budgets already"):
        await limit(budgets, 1)
    assert len(await budgets.overview(OWNER)) == MAX_BUDGETS


async def test_a_deleted_budget_holds_no_more(database: Database, budgets: Budgets) -> None:
    budget_id = await limit(budgets, 100)
    await admit(database, budgets, call("m1"), 100)
    await budgets.delete(OWNER, budget_id)
    await admit(database, budgets, call("m2"), 100)
