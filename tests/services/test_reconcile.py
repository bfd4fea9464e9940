"""The ledger beside a provider's report: what differs, and what is said of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from llm_router.domain.chat import Target
from llm_router.domain.usage import Cost, Usage
from llm_router.services.reconcile import Comparison, Reconciliation, reconcile
from llm_router.store.database import Database
from llm_router.wire.reports import Report, ReportLine
from tests.store.rows import OWNER, STRANGER, attempt, bill, origin

DAY = date(2026, 11, 2)
NEXT = date(2026, 11, 3)
OPENAI = Target("openai", "openai", "gpt-5")
CENT = 10_000_000


def at(day: date, hour: int = 12) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * 1000


def costs(*lines: ReportLine, days: tuple[date, ...] = (DAY,), provider: Any = "openai") -> Report:
    return Report(provider, "costs", has_tokens=False, has_costs=True, lines=lines, days=days)


def usage(*lines: ReportLine, days: tuple[date, ...] = (DAY,)) -> Report:
    return Report("openai", "usage", has_tokens=True, has_costs=False, lines=lines, days=days)


async def called(
    database: Database,
    nanousd: int | None,
    *,
    day: date = DAY,
    user_id: str = OWNER,
    model: str = "gpt-5",
    **values: Any,
) -> str:
    """One call to a model, booked; its ledger id."""
    given = {"started_at": at(day), "target": OPENAI, "response_model": "gpt-5-2025-08-07", **values}
    made = attempt(nanousd, given.pop("cost_status", "exact"), **given)
    await bill(database, origin(user_id=user_id, model=model), made)
    return made.id


def row(found: Reconciliation, model: str | None, day: date = DAY) -> Comparison:
    [comparison] = [each for each in found.rows if (each.day, each.model) == (day, model)]
    return comparison


def said(comparison: Comparison) -> list[str]:
    return [reason.text for reason in comparison.reasons]


async def test_what_agrees_is_a_row_without_drift_and_without_reasons(database: Database) -> None:
    await called(database, 3 * CENT)
    await called(database, 4 * CENT)
    found = await reconcile(database, OWNER, costs(ReportLine(DAY, "gpt-5-2025-08-07", cost=Decimal("0.07"))))
    [comparison] = found.rows
    assert (comparison.model, comparison.ours.cost, comparison.theirs.cost) == (
        "gpt-5",
        Decimal("0.07"),
        Decimal("0.07"),
    )
    assert (comparison.cost_drift, comparison.percent, comparison.reasons) == (Decimal(0), Decimal(0), [])
    assert (found.total.ours.requests, found.total.cost_drift) == (2, Decimal(0))


async def test_the_drift_is_in_tokens_and_in_percent_of_theirs(database: Database) -> None:
    await called(database, 8 * CENT, usage=Usage(900, 100))
    by_cost = await reconcile(database, OWNER, costs(ReportLine(DAY, "gpt-5", cost=Decimal("0.10"))))
    assert (by_cost.total.cost_drift, by_cost.total.percent) == (Decimal("-0.02"), Decimal(-20))
    by_tokens = await reconcile(
        database, OWNER, usage(ReportLine(DAY, "gpt-5", requests=3, tokens_input=1000, tokens_output=250))
    )
    assert (by_tokens.total.tokens_drift, by_tokens.total.percent) == (-250, Decimal(-20))
    assert "2 more requests there than here: called elsewhere with the same account" in said(row(by_tokens, "gpt-5"))


async def test_days_are_those_of_utc_and_only_those_of_the_file(database: Database) -> None:
    midnight = at(NEXT, 0)
    await called(database, CENT, started_at=midnight - 1)
    await called(database, 2 * CENT, started_at=midnight)
    await called(database, 4 * CENT, started_at=at(date(2026, 11, 4), 0))
    await called(database, 8 * CENT, started_at=at(DAY, 0) - 1)
    lines = [ReportLine(day, "gpt-5", cost=Decimal(0)) for day in (DAY, NEXT)]
    found = await reconcile(database, OWNER, costs(*lines, days=(DAY, NEXT)))
    assert [(each.day, each.ours.cost) for each in found.rows] == [(DAY, Decimal("0.01")), (NEXT, Decimal("0.02"))]


async def test_only_calls_of_this_provider_and_user_count_and_of_one_connection_where_asked(database: Database) -> None:
    proxy = Target("proxy", "openai", "gpt-5")
    await called(database, CENT)
    await called(database, 2 * CENT, target=proxy)
    await called(database, 4 * CENT, target=Target("anthropic", "anthropic", "claude-opus-5"))
    await called(database, 8 * CENT, user_id=STRANGER)
    report = costs(ReportLine(DAY, "gpt-5", cost=Decimal("0.03")))
    assert (await reconcile(database, OWNER, report)).total.ours.cost == Decimal("0.03")
    assert (await reconcile(database, OWNER, report, connection_name="proxy")).total.ours.cost == Decimal("0.02")


async def test_a_report_without_models_is_compared_by_the_day(database: Database) -> None:
    await called(database, CENT)
    await called(database, CENT, target=replace(OPENAI, model="gpt-4o"), response_model=None, model="gpt-4o")
    found = await reconcile(database, OWNER, costs(ReportLine(DAY, None, cost=Decimal("0.02"))))
    assert [(each.model, each.cost_drift) for each in found.rows] == [(None, Decimal(0))]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Claude Haiku 4.5", "claude-haiku-4-5-20251001"),
        ("Claude Haiku 3.5", "claude-3-5-haiku-20241022"),
        ("Claude 3.5 Sonnet 2024-10-22", "claude-3-5-sonnet-20241022"),
        ("claude-opus-5", "claude-opus-5"),
    ],
)
async def test_a_model_is_known_by_whatever_name_a_report_gives_it(database: Database, theirs: str, ours: str) -> None:
    await called(database, CENT, target=Target("anthropic", "anthropic", ours), response_model=ours)
    report = costs(ReportLine(DAY, theirs, cost=Decimal("0.01")), provider="anthropic")
    [comparison] = (await reconcile(database, OWNER, report)).rows
    assert comparison.cost_drift == 0


async def test_models_that_only_look_alike_are_not_one(database: Database) -> None:
    await called(database, CENT, target=Target("anthropic", "anthropic", "claude-opus-4-5"), response_model=None)
    report = costs(ReportLine(DAY, "claude-opus-5-4", cost=Decimal("0.01")), provider="anthropic")
    found = await reconcile(database, OWNER, report)
    assert {each.model: each.cost_drift for each in found.rows} == {
        "claude-opus-4-5": Decimal("0.01"),
        "claude-opus-5-4": Decimal("-0.01"),
    }


async def test_a_difference_within_the_reports_own_rounding_is_none(database: Database) -> None:
    await called(database, 10_400_000)
    lines = [ReportLine(DAY, "gpt-5", cost=Decimal(each), rounding=Decimal("0.005")) for each in ("0.01", "0.00")]
    [comparison] = (await reconcile(database, OWNER, costs(*lines))).rows
    assert (comparison.ours.cost, comparison.cost_drift, comparison.reasons) == (Decimal("0.0104"), Decimal(0), [])


# What is said of a difference


async def test_each_kind_of_row_that_may_explain_it_is_named_with_its_calls(database: Database) -> None:
    unpriced = await called(database, None, cost_status="unpriced")
    estimated = await called(database, CENT, cost_status="estimated", outcome="cancelled")
    bounded = await called(database, CENT, cost_status="bounded", outcome="error", error_type="upstream_error")
    flex = await called(database, CENT, usage=Usage(1, 1, service_tier="flex"))
    own = attempt(CENT, target=OPENAI, response_model="gpt-5", started_at=at(DAY))
    own = replace(own, cost=Cost(CENT, "exact", "configured"))
    await bill(database, origin(), own)
    other = await called(database, CENT, target=replace(OPENAI, model="gpt-5-chat-latest"), response_model="gpt-5")
    late = await called(database, CENT, started_at=at(NEXT, 0) - 1000, duration=5.0)
    found = row(await reconcile(database, OWNER, costs(ReportLine(DAY, "gpt-5", cost=Decimal(1)))), "gpt-5")
    named = {reason.text: (reason.calls, reason.cost, reason.examples) for reason in found.reasons}
    cent = Decimal("0.01")
    assert named == {
        "1 call here without a known price": (1, None, (unpriced,)),
        "1 call here counted by us, not by the provider": (1, cent, (estimated,)),
        "1 call here known up to a bound": (1, cent, (bounded,)),
        "2 calls here ended early (stopped, cut or failed)": (2, 2 * cent, (estimated, bounded)),
        "1 call here of another service tier": (1, cent, (flex,)),
        "1 call here at a price of your own": (1, cent, (own.id,)),
        "1 call here asked for under another name": (1, cent, (other,)),
        "1 call here still running at midnight UTC": (1, cent, (late,)),
    }


async def test_what_was_turned_away_is_no_request_of_theirs(database: Database) -> None:
    await called(database, 0, outcome="error", usage=Usage(), response_model=None)
    await called(database, CENT, usage=Usage(10, 5))
    line = ReportLine(DAY, "gpt-5", requests=1, tokens_input=10, tokens_output=5)
    [comparison] = (await reconcile(database, OWNER, usage(line))).rows
    assert (comparison.tokens_drift, comparison.reasons) == (0, [])
    dearer = replace(line, tokens_output=6)
    assert said(row(await reconcile(database, OWNER, usage(dearer)), "gpt-5")) == []


async def test_what_only_one_side_knows_is_said(database: Database) -> None:
    await called(database, CENT)
    await called(database, CENT, day=NEXT)
    report = costs(ReportLine(DAY, "gpt-4o", cost=Decimal("0.50")), days=(DAY, date(2026, 11, 4)))
    found = await reconcile(database, OWNER, report, today=NEXT)
    assert said(row(found, "gpt-4o")) == ["not asked here on this day: called elsewhere with the same account"]
    assert said(row(found, "gpt-5")) == [
        "the file has nothing of this model on this day: it is of another account, or names it otherwise"
    ]
    assert said(row(found, "gpt-5", NEXT)) == ["the day is not over", "the file does not speak of this day"]


async def test_fees_that_the_report_charges_apart_are_named(database: Database) -> None:
    await called(database, 3 * CENT)
    lines = (
        ReportLine(DAY, "gpt-5", cost=Decimal("0.02"), service_tier="batch"),
        ReportLine(DAY, None, "web search tool calls", cost=Decimal("0.01")),
    )
    found = await reconcile(database, OWNER, costs(*lines))
    assert found.total.cost_drift == 0
    assert "the file has lines of service tier batch" in said(row(found, "gpt-5"))
    assert (
        said(row(found, None))[-1]
        == "web search tool calls is charged apart there ($0.01); here a call's cost has it in it"
    )


async def test_images_are_no_completions(database: Database) -> None:
    made = attempt(CENT, target=OPENAI, started_at=at(DAY), usage=Usage(50, 4000))
    await bill(database, origin(operation_name="image_generation"), made)
    line = ReportLine(DAY, "gpt-4o", requests=0, tokens_input=0, tokens_output=0)
    assert (await reconcile(database, OWNER, usage(line))).total.ours.requests is None
    by_cost = await reconcile(database, OWNER, costs(ReportLine(DAY, None, cost=Decimal("0.01"))))
    assert by_cost.total.cost_drift == 0
