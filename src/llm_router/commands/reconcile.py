"""`llm-router reconcile FILE`: the ledger beside the usage or cost report that a provider gives out."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_router.commands.text import amount, percent, table
from llm_router.domain.errors import StorageFailed
from llm_router.settings import Settings

if TYPE_CHECKING:
    from llm_router.services.reconcile import Comparison, Reason, Reconciliation
    from llm_router.wire.reports import Report

MAX_FILE_BYTES = 64 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the report: JSON of the API, or the dashboard's CSV")
    parser.add_argument("--provider", choices=("openai", "anthropic"), help="refuse a report of the other one")
    parser.add_argument("--connection", metavar="NAME", help="compare the calls of this connection only")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--fail-above", type=_percentage, metavar="PERCENT", help="status 3 where the total drifts by more than this"
    )


def run(settings: Settings, options: argparse.Namespace) -> int:
    """0 when both were read, 2 for a file that cannot be used, 3 for a drift above the limit."""
    from llm_router.wire.reports import ReportError, read_report

    try:
        report = read_report(str(options.file), _read(options.file), options.provider)
        found = asyncio.run(_compare(settings, report, options.connection))
    except ReportError as error:
        print(f"llm-router: {error}", file=sys.stderr)
        return 2
    except StorageFailed as error:
        print(f"llm-router: {error.message}", file=sys.stderr)
        return 1
    if options.json:
        import orjson

        print(orjson.dumps(_as_dict(found), option=orjson.OPT_INDENT_2).decode())
    else:
        print(_text(found))
    return 3 if options.fail_above is not None and _exceeds(found.total, options.fail_above) else 0


def _read(path: Path) -> bytes:
    from llm_router.wire.reports import ReportError

    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ReportError(f"{path}: is larger than {MAX_FILE_BYTES // 1024**2} MB: export fewer days at a time")
    return data


async def _compare(settings: Settings, report: "Report", connection_name: str | None) -> "Reconciliation":
    from llm_router.services.reconcile import reconcile
    from llm_router.store.database import open_beside_server
    from llm_router.store.tables import OWNER_ID

    async with open_beside_server(settings.database_path) as database:
        today = datetime.now(tz=UTC).date()
        return await reconcile(database, OWNER_ID, report, connection_name=connection_name, today=today)


def _exceeds(total: "Comparison", limit: Decimal) -> bool:
    return total.differs and (total.percent is None or abs(total.percent) > limit)


def _text(found: "Reconciliation") -> str:
    report = found.report
    first, last = report.days[0], report.days[-1]
    days = str(first) if first == last else f"{first} to {last}"
    header = ["day (UTC)", "model", "calls"]
    header += ["tokens here", "there", "drift"] if report.has_tokens else []
    header += ["cost here", "there", "drift"] if report.has_costs else []
    lines: list[list[str] | str] = []
    day: date | None = None
    for row in found.rows:
        lines.append([str(row.day) if row.day != day else "", *_cells(row, report)])
        lines += [f"    {_reason(reason)}" for reason in row.reasons]
        day = row.day
    lines.append(["total", *_cells(found.total, report)])
    paragraphs = [f"{report.form}, {days}.", table([*header, "%"], lines, left=2)]
    if report.is_cut:
        paragraphs.append("The report has more pages than the file: save those too, as a JSON list of pages.")
    return "\n\n".join(paragraphs)


def _cells(row: "Comparison", report: "Report") -> Sequence[str]:
    name = row.model or ("" if row.day is None else "(no model named)")
    cells = [name, str(row.ours.requests or 0)]
    if report.has_tokens:
        cells += [_count(row.ours.tokens), _count(row.theirs.tokens), _count(row.tokens_drift, signed=True)]
    if report.has_costs:
        cells += [amount(row.ours.cost), amount(row.theirs.cost), amount(row.cost_drift, signed=True)]
    return [*cells, percent(row.percent) if row.differs else "0"]


def _reason(reason: "Reason") -> str:
    cost = f" ({amount(reason.cost)})" if reason.cost is not None else ""
    more = "" if reason.calls is None or reason.calls <= len(reason.examples) else ", …"
    examples = f": {', '.join(reason.examples)}{more}" if reason.examples else ""
    return f"- {reason.text}{cost}{examples}"


def _count(count: int | None, *, signed: bool = False) -> str:
    return "0" if not count else f"{count:+,}" if signed else f"{count:,}"


def _as_dict(found: "Reconciliation") -> dict[str, Any]:
    """Money in dollars, as everywhere in the API; percent of theirs."""
    report = found.report
    return {
        "provider": report.provider,
        "report": report.form,
        "since": str(report.days[0]),
        "until": str(report.days[-1]),
        "has_more_pages": report.is_cut,
        "total": _comparison(found.total),
        "rows": [
            {"day": str(row.day), "model": row.model, **_comparison(row), "reasons": [_told(it) for it in row.reasons]}
            for row in found.rows
        ],
    }


def _comparison(row: "Comparison") -> dict[str, Any]:
    sides = {
        name: {
            "requests": side.requests,
            "tokens_input": side.tokens_input,
            "tokens_output": side.tokens_output,
            "cost": _number(side.cost),
        }
        for name, side in (("ours", row.ours), ("theirs", row.theirs))
    }
    drift = {"tokens": row.tokens_drift, "cost": _number(row.cost_drift), "percent": _number(row.percent)}
    return {**sides, "drift": drift}


def _told(reason: "Reason") -> dict[str, Any]:
    return {"text": reason.text, "calls": reason.calls, "cost": _number(reason.cost), "log_ids": reason.examples}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _percentage(text: str) -> Decimal:
    try:
        value = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise argparse.ArgumentTypeError(f"expected a percentage such as 1.5, found {text!r}")
    return value
