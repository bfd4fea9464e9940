"""What was spent: in sum, over time, and call by call."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from pydantic import AwareDatetime
from starlette.responses import Response, StreamingResponse

from llm_router.domain.attempts import AttemptStatus
from llm_router.domain.calendar import Period
from llm_router.domain.conversations import shown_time
from llm_router.domain.errors import InvalidRequest
from llm_router.domain.usage import CostStatus, Source
from llm_router.services.chat import Caller
from llm_router.store.database import Database
from llm_router.store.devices import find_devices
from llm_router.store.spending import SeriesBy, series, summarise
from llm_router.store.sql import AsyncConnection
from llm_router.store.usage_log import FIELDS, Wanted, list_calls
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import UsageLogPage, UsageSeriesAnswer, UsageSummaryAnswer
from llm_router.web.csv_answers import csv_lines
from llm_router.web.deps import CallerDep, ServicesDep

router = APIRouter(prefix="/api/usage", tags=["usage"])

Device = Annotated[str | None, Query(max_length=64)]
Name = Annotated[str | None, Query(max_length=200)]

_CSV_PAGE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_YEAR = 9000
"""Later moments are taken for its beginning: nothing was spent then, and calendars end at 9999."""


@router.get("/summary", response_model=UsageSummaryAnswer)
async def summary(
    services: ServicesDep,
    caller: CallerDep,
    scope: Literal["overall", "device"] | None = None,
    device_id: Device = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Response:
    """Totals of all devices, or of one: the caller's own unless `device_id` names another, by its id or its name.

    Without a `scope` all of them count, unless a device is named.
    """
    begin, end = _range(since, until)
    scope = scope or ("device" if device_id else "overall")
    async with services.database.read() as connection:
        ids = await _devices(connection, caller, (device_id or caller.device_id) if scope == "device" else None)
        found = await summarise(connection, caller.user_id, ids, begin, end)
    named = {"scope": scope, "device_id": _shown_device(ids, device_id), **_shown_range(begin, end)}
    return json_answer(named | found.as_dict())


@router.get("/series", response_model=UsageSeriesAnswer)
async def over_time(
    services: ServicesDep,
    caller: CallerDep,
    bucket: Period = "day",
    by: SeriesBy = "model",
    device_id: Device = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Response:
    """Hour by hour (UTC), day by day or month by month (in the server's time zone), the quiet ones too."""
    begin, end = _range(since, until)
    async with services.database.read() as connection:
        ids = await _devices(connection, caller, device_id or None)
        found = await series(
            connection,
            caller.user_id,
            bucket,
            by,
            now=services.clock.now_ms(),
            device_ids=ids,
            since=begin,
            until=end,
        )
    return json_answer({"bucket": bucket, "by": by, **_shown_range(begin, end), **found.as_dict()})


@router.get("/logs", response_model=UsageLogPage, responses={200: {"content": {"text/csv": {}}}})
async def logs(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    model: Name = None,
    provider: Name = None,
    device_id: Device = None,
    source: Source | None = None,
    status: AttemptStatus | None = None,
    cost_status: CostStatus | None = None,
    conversation_id: Annotated[str | None, Query(max_length=64)] = None,
    format: Literal["json", "csv"] | None = None,
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> Response:
    """Every upstream call, newest first. As CSV all that fit, whatever the limit."""
    begin, end = _range(since, until)
    values = {"model": model, "provider": provider, "source": source, "status": status, "cost_status": cost_status}
    only: dict[str, Sequence[str]] = {name: [value] for name, value in values.items() if value}
    async with services.database.read() as connection:
        if ids := await _devices(connection, caller, device_id or None):
            only["device_id"] = ids
    wanted = Wanted(begin, end, conversation_id or None, only)
    if format == "csv" or (format is None and _prefers_csv(accept)):
        pages = _csv_pages(services.database, caller.user_id, wanted, cursor or None)
        headers = {"Content-Disposition": 'attachment; filename="usage.csv"'}
        return StreamingResponse(pages, media_type="text/csv; charset=utf-8; header=present", headers=headers)
    async with services.database.read() as connection:
        page = await list_calls(connection, caller.user_id, wanted, limit=limit, cursor=cursor or None)
    return json_answer({"logs": [call.as_dict() for call in page.calls], "next_cursor": page.next_cursor})


async def _csv_pages(database: Database, user_id: str, wanted: Wanted, cursor: str | None) -> AsyncIterator[bytes]:
    """Page by page, each read for itself: a slow reader holds no connection and keeps no old state of the file."""
    yield csv_lines([FIELDS])
    while True:
        async with database.read() as connection:
            page = await list_calls(connection, user_id, wanted, limit=_CSV_PAGE, cursor=cursor)
        yield csv_lines([call.as_row() for call in page.calls])
        cursor = page.next_cursor
        if cursor is None:
            return


async def _devices(connection: AsyncConnection, caller: Caller, name_or_id: str | None) -> Sequence[str] | None:
    return None if name_or_id is None else await find_devices(connection, caller.user_id, name_or_id)


def _shown_device(ids: Sequence[str] | None, name: str | None) -> str | None:
    """The one that is meant; several of one name go by that."""
    return None if ids is None else ids[0] if len(ids) == 1 else name


def _range(since: datetime | None, until: datetime | None) -> tuple[int | None, int | None]:
    begin, end = _milliseconds(since), _milliseconds(until)
    if begin is not None and end is not None and begin > end:
        raise InvalidRequest("`since` is later than `until`.")
    return begin, end


def _milliseconds(moment: datetime | None) -> int | None:
    """Since 1970, rounded up: what began before the moment is not in its millisecond."""
    if moment is None:
        return None
    if moment.year >= _LAST_YEAR:
        moment = datetime(_LAST_YEAR, 1, 1, tzinfo=UTC)
    return max(0, -((_EPOCH - moment) // timedelta(milliseconds=1)))


def _shown_range(since: int | None, until: int | None) -> dict[str, str | None]:
    return {
        "since": None if since is None else shown_time(since),
        "until": None if until is None else shown_time(until),
    }


def _prefers_csv(accept: str) -> bool:
    types = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    return "text/csv" in types and "application/json" not in types
