"""The usage and cost reports that providers give out, read into lines of one meaning. No I/O.

Where each field comes from is in docs/accounting.md. Amounts are decimals from the first digit on. What cannot be read
is refused with its place: a field that is guessed at is worse than none in a file that is to prove something.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

ReportProvider = Literal["openai", "anthropic"]

_NOTHING = Decimal(0)
_MAX_SHOWN = 60
_MAX_DIGITS = 30
"""Of a number, before its point or behind it."""
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(9000, 1, 1)
"""Before and after these nobody sold tokens, and calendars end."""


class ReportError(Exception):
    """The file cannot be used. The message begins with the place."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What a provider says of one day, and, as far as it tells them apart, of one model and one kind of charge."""

    day: date
    """In UTC, as the providers bill."""
    model: str | None
    """As the provider writes it: `gpt-4o-2024-08-06`, `Claude Haiku 4.5`. None where it is not about one model."""
    item: str | None = None
    """What is charged, where it is not a model's tokens: `web_search`, `code interpreter sessions`."""
    requests: int | None = None
    tokens_input: int | None = None
    """All tokens in, those read from and written to a cache included."""
    tokens_output: int | None = None
    tokens_cache_read: int | None = None
    tokens_cache_write: int | None = None
    web_searches: int | None = None
    cost: Decimal | None = None
    """Dollars."""
    rounding: Decimal = _NOTHING
    """Dollars that the cost may be off by, since the report is rounded."""
    service_tier: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    provider: ReportProvider
    form: str
    """What the file was taken for, in words."""
    has_tokens: bool
    has_costs: bool
    lines: tuple[ReportLine, ...]
    days: tuple[date, ...]
    """Every day the file speaks of, in order, those included on which it reports nothing."""
    is_cut: bool = False
    """The provider said that there are more pages than were saved."""


def read_report(name: str, data: bytes, provider: ReportProvider | None = None) -> Report:
    """Reads the file called `name`, and refuses one of another provider than `provider`. Raises ReportError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReportError(f"{name}:{line}: expected UTF-8 text") from None
    is_json = text.lstrip()[:1] in ("{", "[")
    report = _JsonReport(name, text).read() if is_json else _read_csv(name, text)
    if provider is not None and report.provider != provider:
        raise ReportError(f"{name}: expected a report of {provider}, found one of {report.provider}: {report.form}")
    return report


# Both families of formats


class _Fields:
    """One object or row, and where it stands."""

    def __init__(self, values: Mapping[str, Any], where: Callable[[str], str]) -> None:
        self._values = values
        self._where = where

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) not in (None, "")

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.error(name, "text", value)
        return value

    def flag(self, name: str) -> bool:
        value = self._values.get(name)
        word = value.lower() if isinstance(value, str) else value
        if word not in (None, "", True, False, "true", "false"):
            raise self.error(name, "true or false", value)
        return word in (True, "true")

    def count(self, name: str, *, required: bool = False) -> int | None:
        """A whole number; the dashboards write it as `59200.0`."""
        value = self._decimal(name)
        if value is None:
            if required:
                raise self.error(name, "a count", self._values.get(name))
            return None
        if value != value.to_integral_value() or value < 0 or value > 10**15:
            raise self.error(name, "a count", self._values.get(name))
        return int(value)

    def amount(self, name: str) -> Decimal:
        value = self._decimal(name)
        if value is None or abs(value) > 10**12:
            raise self.error(name, "an amount of money", self._values.get(name))
        return value

    def dollars_only(self, name: str) -> None:
        currency = self._values.get(name)
        if str(currency).lower() != "usd":
            raise self.error(name, 'the currency "usd"', currency)

    def day(self, name: str) -> date:
        """Seconds since 1970, or a date or time of ISO 8601."""
        value = self._values.get(name)
        try:
            if isinstance(value, str) and not value.isdigit():
                moment = datetime.fromisoformat(value)
                day = (moment.astimezone(UTC) if moment.tzinfo else moment).date()
            else:
                day = datetime.fromtimestamp(int(value or "-"), UTC).date()
            if not _FIRST_DAY <= day < _LAST_DAY:
                raise ValueError
        except (ValueError, TypeError, OverflowError, OSError):
            raise self.error(name, "a day or a time", value) from None
        return day

    def inner(self, name: str) -> "_Fields":
        """The object called `name`; without fields where there is none."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.error(name, "an object", value)
        return _Fields(value or {}, lambda field: self._where(f"{name}.{field}"))

    def error(self, name: str, expected: str, found: Any) -> ReportError:
        shown = "nothing" if found in (None, "") else repr(found if not isinstance(found, Decimal) else str(found))
        if len(shown) > _MAX_SHOWN:
            shown = shown[:_MAX_SHOWN] + "…"
        return ReportError(f"{self._where(name)}: expected {expected}, found {shown}")

    def _decimal(self, name: str) -> Decimal | None:
        value = self._values.get(name)
        if value is None or value == "":
            return None
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
                raise InvalidOperation
            number = Decimal(value)
        except InvalidOperation:
            raise self.error(name, "a number", value) from None
        # Without a bound `1e9999999`, a number too, would keep the arithmetic busy, or fill the screen.
        if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
            raise self.error(name, "a number", value)
        return number


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


_MODEL_WORD = re.compile(r"[a-z0-9:._/-]*(?:\d|-)[a-z0-9:._/-]*", re.IGNORECASE)

_MODALITIES = {"text", "image", "audio"}


def _openai_item(line_item: str | None) -> tuple[str | None, str | None]:
    """The model of `gpt-4o-2024-08-06, cached input` or `gpt-image-1 image, output`; else what the line charges."""
    first, _, kind = (line_item or "").partition(",")[0].partition(" ")
    if _MODEL_WORD.fullmatch(first) and set(kind.split()) <= _MODALITIES:
        return first, None
    return None, line_item


def _openai_usage(day: date, fields: _Fields) -> ReportLine:
    tier = "batch" if fields.flag("batch") else fields.text("service_tier")
    return ReportLine(
        day,
        fields.text("model"),
        requests=fields.count("num_model_requests"),
        tokens_input=fields.count("input_tokens", required=True),
        tokens_output=fields.count("output_tokens", required=True),
        tokens_cache_read=fields.count("input_cached_tokens"),
        tokens_cache_write=fields.count("input_cache_write_tokens"),
        service_tier=tier,
    )


def _anthropic_usage(day: date, model: str | None, tier: str | None, fields: _Fields) -> ReportLine:
    creation = fields.inner("cache_creation")
    read = fields.count("cache_read_input_tokens")
    written = _sum(creation.count("ephemeral_5m_input_tokens"), creation.count("ephemeral_1h_input_tokens"))
    return ReportLine(
        day,
        model,
        requests=fields.count("requests"),
        tokens_input=_sum(fields.count("uncached_input_tokens", required=True), read, written),
        tokens_output=fields.count("output_tokens", required=True),
        tokens_cache_read=read,
        tokens_cache_write=written,
        web_searches=fields.inner("server_tool_use").count("web_search_requests"),
        service_tier=tier,
    )


def _anthropic_cost(day: date, group: _Fields, money: _Fields) -> ReportLine:
    money.dollars_only("currency")
    kind = group.text("cost_type")
    return ReportLine(
        day,
        group.text("model"),
        item=kind if kind not in (None, "tokens") else None,
        cost=money.amount("amount").scaleb(-2),  # cents
        service_tier=group.text("service_tier"),
    )


# JSON: pages of the providers' administration interfaces


class _JsonReport:
    """One page as it was saved, or several in a list."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def read(self) -> Report:
        days: set[date] = set()
        lines: list[ReportLine] = []
        forms: dict[tuple[ReportProvider, str], None] = {}
        is_cut = False
        for prefix, page in self._pages():
            buckets = page.get("data")
            if not isinstance(buckets, list):
                raise ReportError(f"{self._name}: {prefix}data: expected the list of buckets that these reports have")
            is_cut = page.get("has_more") is True
            for number, bucket in enumerate(buckets):
                place = f"{prefix}data[{number}]"
                if not isinstance(bucket, dict):
                    raise ReportError(f"{self._name}: {place}: expected an object")
                for kind, day, line in self._bucket(place, bucket):
                    days.add(day)
                    if kind is not None and line is not None:
                        forms[kind] = None
                        lines.append(line)
        if not forms:
            raise ReportError(f"{self._name}: the report is empty: it has no results on any day")
        if len(forms) > 1:
            found = " and ".join(form for _, form in forms)
            raise ReportError(f"{self._name}: expected one kind of report, found {found}")
        [(provider, form)] = forms
        return Report(
            provider,
            form,
            has_tokens=any(line.tokens_input is not None for line in lines),
            has_costs=any(line.cost is not None for line in lines),
            lines=tuple(lines),
            days=tuple(sorted(days)),
            is_cut=is_cut,
        )

    def _pages(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        try:
            document = json.loads(self._text, parse_float=Decimal, parse_constant=_refused)
        except json.JSONDecodeError as error:
            raise ReportError(f"{self._name}:{error.lineno}: not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise ReportError(f"{self._name}: not JSON that can be read: {str(error)[:_MAX_SHOWN]}") from None
        pages = document if isinstance(document, list) else [document]
        for number, page in enumerate(pages):
            prefix = f"[{number}]." if isinstance(document, list) else ""
            if not isinstance(page, dict):
                raise ReportError(f"{self._name}: {prefix.rstrip('.')}: expected a page of a report")
            yield prefix, page

    def _bucket(
        self, place: str, bucket: Mapping[str, Any]
    ) -> Iterator[tuple[tuple[ReportProvider, str] | None, date, ReportLine | None]]:
        """Its kind, day and line for each result; the day alone where there are none."""
        fields = self._fields(place, bucket)
        is_openai = "start_time" in bucket
        day = fields.day("start_time" if is_openai else "starting_at")
        if "group" in bucket:  # Anthropic's newer interface: a row is a bucket with one result
            group = fields.inner("group")
            if "usage" in fields:
                line = _anthropic_usage(day, group.text("model"), group.text("service_tier"), fields.inner("usage"))
                yield ("anthropic", "Anthropic usage (analytics API)"), day, line
            elif "cost" in fields:
                yield (
                    ("anthropic", "Anthropic cost (analytics API)"),
                    day,
                    _anthropic_cost(day, group, fields.inner("cost")),
                )
            else:
                raise fields.error("usage", "usage or cost", None)
            return
        results = bucket.get("results")
        if not isinstance(results, list):
            raise fields.error("results", "a list", results)
        yield None, day, None
        for number, result in enumerate(results):
            where = f"{place}.results[{number}]"
            if not isinstance(result, dict):
                raise ReportError(f"{self._name}: {where}: expected an object")
            kind, line = (_openai_result if is_openai else _anthropic_result)(day, self._fields(where, result))
            yield kind, day, line

    def _fields(self, place: str, values: Mapping[str, Any]) -> _Fields:
        return _Fields(values, lambda field: f"{self._name}: {place}.{field}")


def _openai_result(day: date, fields: _Fields) -> tuple[tuple[ReportProvider, str], ReportLine]:
    match fields.text("object"):
        case "organization.usage.completions.result":
            return ("openai", "OpenAI usage (completions)"), _openai_usage(day, fields)
        case "organization.costs.result":
            money = fields.inner("amount")
            money.dollars_only("currency")
            model, item = _openai_item(fields.text("line_item"))
            return ("openai", "OpenAI costs"), ReportLine(day, model, item, cost=money.amount("value"))
        case other:
            raise fields.error("object", "organization.usage.completions.result or organization.costs.result", other)


def _anthropic_result(day: date, fields: _Fields) -> tuple[tuple[ReportProvider, str], ReportLine]:
    if "amount" in fields:
        return ("anthropic", "Anthropic cost report"), _anthropic_cost(day, fields, fields)
    line = _anthropic_usage(day, fields.text("model"), fields.text("service_tier"), fields)
    return ("anthropic", "Anthropic usage report (messages)"), line


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


# CSV: what the dashboards export


@dataclass(frozen=True, slots=True)
class _Table:
    provider: ReportProvider
    form: str
    columns: frozenset[str]
    """Those it is known by, and cannot do without."""
    day: tuple[str, ...]
    """The columns that hold the day, the first that is there."""
    line: Callable[[date, _Fields], ReportLine | None]
    """None for a row that only says that there was nothing on that day."""


def _openai_usage_row(day: date, row: _Fields) -> ReportLine | None:
    return _openai_usage(day, row) if "input_tokens" in row else None


def _openai_cost_row(day: date, row: _Fields) -> ReportLine | None:
    if "amount_value" not in row:
        return None
    row.dollars_only("amount_currency")
    model, item = _openai_item(row.text("line_item"))
    return ReportLine(day, model, item, cost=row.amount("amount_value"))


def _anthropic_usage_row(day: date, row: _Fields) -> ReportLine:
    read = row.count("usage_input_tokens_cache_read")
    written = _sum(
        row.count("usage_input_tokens_cache_write_5m"),
        row.count("usage_input_tokens_cache_write_1h"),
        row.count("usage_input_tokens_cache_write"),  # before there were two durations
    )
    kind = row.text("usage_type")
    return ReportLine(
        day,
        row.text("model_version"),
        tokens_input=_sum(row.count("usage_input_tokens_no_cache", required=True), read, written),
        tokens_output=row.count("usage_output_tokens", required=True),
        tokens_cache_read=read,
        tokens_cache_write=written,
        web_searches=row.count("web_search_count"),
        service_tier=None if kind in (None, "standard", "message") else kind,
    )


def _anthropic_cost_row(day: date, row: _Fields) -> ReportLine:
    kind = row.text("cost_type")
    amount = row.amount("cost_usd")
    exponent = amount.as_tuple().exponent
    # Written in cents, so that each line is up to half of one off.
    is_rounded = isinstance(exponent, int) and exponent >= -2
    return ReportLine(
        day,
        row.text("model"),
        item=kind if kind not in (None, "token", "tokens") else None,
        cost=amount,
        rounding=Decimal("0.005") if is_rounded else _NOTHING,
        service_tier="batch" if row.text("usage_type") == "batch" else None,
    )


_START = ("start_time", "start_time_iso")

_TABLES: Sequence[_Table] = (
    _Table("openai", "OpenAI costs (CSV)", frozenset({"amount_value", "amount_currency"}), _START, _openai_cost_row),
    _Table("openai", "OpenAI usage (CSV)", frozenset({"input_tokens", "output_tokens"}), _START, _openai_usage_row),
    _Table(
        "anthropic",
        "Anthropic usage (CSV)",
        frozenset({"usage_date_utc", "usage_input_tokens_no_cache", "usage_output_tokens"}),
        ("usage_date_utc",),
        _anthropic_usage_row,
    ),
    _Table(
        "anthropic",
        "Anthropic cost (CSV)",
        frozenset({"usage_date_utc", "cost_usd"}),
        ("usage_date_utc",),
        _anthropic_cost_row,
    ),
)


def _read_csv(name: str, text: str) -> Report:
    delimiter = max(",\t;", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [column.strip() for column in next(rows, [])]
        table = next((table for table in _TABLES if table.columns <= set(header)), None)
        day_column = next((column for column in table.day if column in header), None) if table else None
        if table is None or day_column is None:
            known = "; ".join(", ".join(sorted(table.columns)) for table in _TABLES)
            raise ReportError(f"{name}:1: expected a report with the columns of one of these: {known}")
        days: set[date] = set()
        lines: list[ReportLine] = []
        for row in rows:
            if not any(row):
                continue
            number = rows.line_num
            if len(row) != len(header):
                raise ReportError(f"{name}:{number}: expected {len(header)} columns, found {len(row)}")
            fields = _Fields(dict(zip(header, row, strict=True)), _at(name, number))
            day = fields.day(day_column)
            days.add(day)
            line = table.line(day, fields)
            if line is not None:
                lines.append(line)
    except csv.Error as error:
        raise ReportError(f"{name}:{rows.line_num}: not CSV: {error}") from None
    if not lines:
        raise ReportError(f"{name}: the report is empty: it has no results on any day")
    has_costs = "cost" in table.form
    return Report(table.provider, table.form, not has_costs, has_costs, tuple(lines), tuple(sorted(days)))


def _at(name: str, line: int) -> Callable[[str], str]:
    return lambda column: f"{name}:{line}: {column}"
