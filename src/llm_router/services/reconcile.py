"""Our ledger beside the provider's own report: by day and model, what differs and what may explain it.

Days are those of UTC, as the providers bill. Changes nothing.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from llm_router.domain.model_names import undated
from llm_router.domain.pricing import CONFIGURED, STANDARD_SERVICE_TIERS
from llm_router.domain.usage import dollars
from llm_router.store.database import Database
from llm_router.store.ledger import LedgerRow, ledger_page
from llm_router.wire.reports import Report, ReportLine

_ROWS_A_PAGE = 1000

_MAX_EXAMPLES = 5
"""Ledger ids named beside each explanation."""


@dataclass(slots=True)
class Side:
    """What one side says of one day and model. None is unknown, or not told apart."""

    requests: int | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    cost: Decimal | None = None
    """Dollars."""

    def add(
        self, requests: int | None, tokens_input: int | None, tokens_output: int | None, cost: Decimal | None
    ) -> None:
        self.requests = _plus(self.requests, requests)
        self.tokens_input = _plus(self.tokens_input, tokens_input)
        self.tokens_output = _plus(self.tokens_output, tokens_output)
        self.cost = cost if self.cost is None else self.cost if cost is None else self.cost + cost

    @property
    def tokens(self) -> int | None:
        return _plus(self.tokens_input, self.tokens_output)


@dataclass(frozen=True, slots=True)
class Reason:
    """What may explain a difference: in words, how many calls, and a few of them by their ledger ids."""

    text: str
    calls: int | None = None
    cost: Decimal | None = None
    """Dollars of ours that these calls make up; None where unknown."""
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class Comparison:
    """One day and one model, or the whole file."""

    day: date | None
    model: str | None
    """None is everything that no model is named for."""
    ours: Side = field(default_factory=Side)
    theirs: Side = field(default_factory=Side)
    rounding: Decimal = Decimal(0)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def tokens_drift(self) -> int | None:
        return None if self.theirs.tokens is None else (self.ours.tokens or 0) - self.theirs.tokens

    @property
    def cost_drift(self) -> Decimal | None:
        """Dollars: what ours says more than theirs; nothing where the difference is only their rounding."""
        if self.theirs.cost is None:
            return None
        drift = (self.ours.cost or Decimal(0)) - self.theirs.cost
        return Decimal(0) if abs(drift) <= self.rounding else drift

    @property
    def percent(self) -> Decimal | None:
        """The drift of the money, else of the tokens, in percent of theirs; None where theirs is nothing."""
        if self.cost_drift is not None and self.theirs.cost is not None:
            return _percent(self.cost_drift, self.theirs.cost)
        if self.tokens_drift is not None and self.theirs.tokens is not None:
            return _percent(Decimal(self.tokens_drift), Decimal(self.theirs.tokens))
        return None

    @property
    def differs(self) -> bool:
        return bool(self.tokens_drift) or bool(self.cost_drift)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    report: Report
    total: Comparison
    rows: tuple[Comparison, ...]
    """By day, the dearest first."""


async def reconcile(
    database: Database, user_id: str, report: Report, *, connection_name: str | None = None, today: date | None = None
) -> Reconciliation:
    """Compares `report` with every call that went to its provider in its days, or with those of one connection.

    `today` (UTC) is a day that is not over. Raises StorageFailed.
    """
    # A report that is not grouped by model says what a day took in all, and is compared with all of ours.
    by_model = any(line.model is not None for line in report.lines)
    days: dict[tuple[date, str | None], _Day] = {}

    def at(day: date, name: str | None) -> _Day:
        key = (day, _family(name) if name is not None else None)
        if key not in days:
            shown = undated(name) if name is not None else None
            days[key] = _Day(Comparison(day, shown, theirs=_nothing_reported(report)))
        return days[key]

    for line in report.lines:
        at(line.day, line.model).add_line(line)
    async for call in _calls(database, user_id, report, connection_name):
        at(_day(call.timestamp), call.answered_by if by_model else None).add_call(call)
    for found in days.values():
        if found.comparison.differs:
            found.comparison.reasons = list(_reasons(found, report, today))
    rows = sorted((found.comparison for found in days.values()), key=_order)
    return Reconciliation(report, _total(rows, report), tuple(rows))


class _Day:
    """What is known of one day and model while it is put together."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.lines: list[ReportLine] = []
        self.calls: list[LedgerRow] = []

    def add_line(self, line: ReportLine) -> None:
        self.lines.append(line)
        self.comparison.theirs.add(line.requests, line.tokens_input, line.tokens_output, line.cost)
        self.comparison.rounding += line.rounding

    def add_call(self, call: LedgerRow) -> None:
        self.calls.append(call)
        usage = call.usage
        self.comparison.ours.add(1, usage.tokens_input, usage.tokens_output, dollars(call.cost.nanousd))


async def _calls(
    database: Database, user_id: str, report: Report, connection_name: str | None
) -> AsyncIterator[LedgerRow]:
    since, until = _start_of(report.days[0]), _start_of(report.days[-1] + timedelta(days=1))
    # OpenAI's usage of completions leaves out what made images; its costs do not.
    chats_only = report.provider == "openai" and not report.has_costs
    after: tuple[int, str] | None = None
    async with database.read() as connection:
        while True:
            page = await ledger_page(
                connection,
                user_id,
                limit=_ROWS_A_PAGE,
                since=since,
                until=until,
                providers=[report.provider],
                connection_name=connection_name,
                after=after,
            )
            for call in page:
                if not (chats_only and call.operation_name != "chat"):
                    yield call
            if len(page) < _ROWS_A_PAGE:
                return
            after = (page[-1].timestamp, page[-1].id)


def _reasons(found: _Day, report: Report, today: date | None) -> Iterator[Reason]:
    """Facts of both sides that may make the difference, the plainest first."""
    row, calls, lines = found.comparison, found.calls, found.lines
    if row.day == today:
        yield Reason("the day is not over")
    if not lines and row.day not in report.days:
        yield Reason("the file does not speak of this day")
    elif not lines:
        yield Reason("the file has nothing of this model on this day: it is of another account, or names it otherwise")
    if not calls:
        yield Reason("not asked here on this day: called elsewhere with the same account")
    accepted = [call for call in calls if not _was_refused(call)]
    if calls and row.theirs.requests is not None and row.theirs.requests != len(accepted):
        more = row.theirs.requests - len(accepted)
        yield Reason(
            f"{more} more requests there than here: called elsewhere with the same account"
            if more > 0
            else f"{-more} fewer requests there than here"
        )
    for item in dict.fromkeys(line.item for line in lines if line.item is not None):
        charged = sum((line.cost for line in lines if line.item == item and line.cost is not None), Decimal(0))
        yield Reason(f"{item} is charged apart there (${charged:f}); here a call's cost has it in it")
    for tier in dict.fromkeys(line.service_tier for line in lines if not _is_standard(line.service_tier)):
        yield Reason(f"the file has lines of service tier {tier}")
    yield from _explained(calls, "without a known price", lambda call: call.cost.nanousd is None)
    yield from _explained(calls, "counted by us, not by the provider", lambda call: call.cost.status == "estimated")
    yield from _explained(calls, "known up to a bound", lambda call: call.cost.status == "bounded")
    yield from _explained(
        calls, "ended early (stopped, cut or failed)", lambda call: call.status != "complete" and not _was_refused(call)
    )
    yield from _explained(calls, "of another service tier", lambda call: not _is_standard(call.usage.service_tier))
    yield from _explained(calls, "at a price of your own", lambda call: call.cost.price_version == CONFIGURED)
    yield from _explained(
        calls, "asked for under another name", lambda call: _family(call.target.model) != _family(call.answered_by)
    )
    yield from _explained(
        calls, "still running at midnight UTC", lambda call: _day(call.timestamp) != _day(call.ended_at)
    )


def _explained(calls: Iterable[LedgerRow], what: str, fits: Callable[[LedgerRow], bool]) -> Iterator[Reason]:
    found = [call for call in calls if fits(call)]
    if found:
        known = [call.cost.nanousd for call in found if call.cost.nanousd is not None]
        yield Reason(
            f"{len(found)} {'call' if len(found) == 1 else 'calls'} here {what}",
            calls=len(found),
            cost=dollars(sum(known)) if known else None,
            examples=tuple(call.id for call in found[:_MAX_EXAMPLES]),
        )


def _was_refused(call: LedgerRow) -> bool:
    """Turned away before it was accepted: no provider counts it."""
    return call.status == "error" and call.cost.nanousd == 0 and call.usage.tokens_input is None


def _is_standard(tier: str | None) -> bool:
    return tier is None or tier in STANDARD_SERVICE_TIERS


def _family(name: str) -> str:
    """What two writings of one model have in common: `Claude Haiku 3.5` and `claude-3-5-haiku-20241022`.

    Anthropic's console writes names out, and has put the number before the family and behind it. Releases of one model
    are one: what differs between them is seen in the money.
    """
    words = re.split(r"[\s.-]+", undated(re.sub(r"\s+", "-", name.strip().lower())))
    if words[0] != "claude":
        return "-".join(words)
    return "-".join(
        [*sorted(word for word in words if not word.isdigit()), *(word for word in words if word.isdigit())]
    )


def _day(milliseconds: int) -> date:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).date()


def _start_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _nothing_reported(report: Report) -> Side:
    """What a report says by saying nothing: none, of what it has a column for."""
    tokens = 0 if report.has_tokens else None
    return Side(None, tokens, tokens, Decimal(0) if report.has_costs else None)


def _total(rows: Sequence[Comparison], report: Report) -> Comparison:
    total = Comparison(None, None, theirs=_nothing_reported(report))
    for row in rows:
        for into, side in ((total.ours, row.ours), (total.theirs, row.theirs)):
            into.add(side.requests, side.tokens_input, side.tokens_output, side.cost)
        total.rounding += row.rounding
    return total


def _order(row: Comparison) -> tuple[Any, ...]:
    return (row.day, -(row.theirs.cost or row.ours.cost or 0), -(row.theirs.tokens or 0), row.model or "")


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _percent(drift: Decimal, base: Decimal) -> Decimal | None:
    if base == 0:
        return None if drift else Decimal(0)
    return drift * 100 / abs(base)
