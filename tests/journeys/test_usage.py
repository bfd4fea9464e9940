"""What was spent, asked through the door: in sum, over time, call by call, as CSV, by device and by name."""

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest

from tests.journeys.client import Client
from tests.journeys.conftest import Start
from tests.journeys.rows import Rows

pytestmark = pytest.mark.asyncio(loop_scope="session")

BERLIN = {"TZ": "Europe/Berlin"}
ASKS = {"model": "ollama/fake-hello"}
SUMMARY, SERIES, LOGS, DEVICES = "/api/usage/summary", "/api/usage/series", "/api/usage/logs", "/api/devices"


async def table(client: Client, query: str = "", **headers: str) -> list[list[str]]:
    answer = await client.ask("GET", f"{LOGS}{query}", headers={"Accept": "text/csv", **headers})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="usage.csv"'
    assert answer.body.count(b"\r\n") == answer.body.count(b"\n")
    return list(csv.reader(io.StringIO(answer.body.decode(), newline="")))


async def test_one_call_says_what_my_phone_spent_on_what_and_how_sure_that_is(start: Start) -> None:
    client = await start(**BERLIN)
    for _ in range(2):
        await client.at("p1").answered(**ASKS)
    await client.at("laptop").answered(**ASKS)
    renamed = await client.at("p1").ask("PATCH", f"{DEVICES}/p1", {"name": "Anna's phone"})
    assert (renamed.json["name"], renamed.json["is_current"]) == ("Anna's phone", True)

    name = quote("Anna's phone")
    named = await client.get(f"{SUMMARY}?scope=device&device_id={name}")
    assert (named["device_id"], named["totals"]["requests"]) == ("p1", 2)
    assert named == await client.get(f"{SUMMARY}?scope=device&device_id=p1")
    assert named == await client.get(f"{SUMMARY}?device_id=p1"), "who names a device does not want the sum of all"
    assert named == await client.at("p1").get(f"{SUMMARY}?scope=device")
    assert [(part["model"], part["requests"]) for part in named["by_model"]] == [("ollama/fake-hello", 2)]
    assert [(part["device_id"], part["name"]) for part in named["by_device"]] == [("p1", "Anna's phone")]

    whole = await client.get(SUMMARY)
    assert (whole["scope"], whole["device_id"], whole["since"], whole["until"]) == ("overall", None, None, None)
    totals = whole["totals"]
    assert totals["requests"] == 3 == sum(totals[status] for status in ("exact", "bounded", "estimated", "unpriced"))
    for group in ("by_model", "by_provider", "by_device", "by_source", "by_status", "by_cost_status"):
        assert sum(part["requests"] for part in whole[group]) == 3, group
        assert sum(part["tokens_input"] for part in whole[group]) == totals["tokens_input"], group

    over_time = await client.get(f"{SERIES}?bucket=day&by=device")
    assert over_time["time_zone"] == "Europe/Berlin"
    assert sum(bucket["totals"]["requests"] for bucket in over_time["buckets"]) == 3
    parts = [part for bucket in over_time["buckets"] for part in bucket["parts"]]
    assert {(part["key"], part["name"]) for part in parts} == {("p1", "Anna's phone"), ("laptop", "Python")}


async def test_logs_page_by_page_hold_what_the_csv_holds(start: Start) -> None:
    client = await start(**BERLIN)
    for device in ("a", "b", "a"):
        await client.at(device).answered(**ASKS)
    first = await client.get(f"{LOGS}?limit=2")
    second = await client.get(f"{LOGS}?limit=2&cursor={first['next_cursor']}")
    logs = first["logs"] + second["logs"]
    assert second["next_cursor"] is None
    assert [log["device_id"] for log in logs] == ["a", "b", "a"]
    assert logs == sorted(logs, key=lambda log: log["timestamp"], reverse=True)

    header, *rows = await table(client)
    assert header == list(logs[0])
    by_name = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["id"] for row in by_name] == [log["id"] for log in logs]
    assert by_name[0]["tokens_input"] == str(logs[0]["tokens_input"])
    assert by_name[0]["budget_override"] == "false"

    only = f"?device_id=a&model={quote('ollama/fake-hello')}&status=complete&source=web&provider=openai_compatible"
    assert len((await client.get(LOGS + only))["logs"]) == 2
    assert len(await table(client, only + "&format=csv", Accept="*/*")) == 3
    assert len(await table(client, "?limit=1")) == 4  # all that fit, whatever the limit
    conversation = logs[1]["conversation_id"]
    (mine,) = (await client.get(f"{LOGS}?conversation_id={conversation}"))["logs"]
    assert mine == logs[1]
    until = await client.get(f"{LOGS}?until={quote(logs[0]['timestamp'])}&since={quote(logs[1]['timestamp'])}")
    assert until["logs"] == [logs[1]]


async def test_a_table_that_is_long_comes_whole_and_no_cell_is_a_formula(start: Start) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    rows.execute(
        *(
            (
                "INSERT INTO usage_logs (id, user_id, source, model, provider, connection, target, operation_name, "
                "status, cost, cost_status, timestamp, response_model) "
                "VALUES (?, 'owner', 'web', '=1+1', 'p', 'c', 't', 'chat', 'complete', ?, 'exact', ?, '-2')",
                (f"x{number:05}", number, number // 3),
            )
            for number in range(1_234)
        )
    )
    header, *found = await table(client)
    cells = [dict(zip(header, row, strict=True)) for row in found]
    assert [row["id"] for row in cells] == [f"x{number:05}" for number in reversed(range(1_234))]
    assert cells[0]["cost"] == "0.000001233"
    assert (cells[0]["model"], cells[0]["response_model"], cells[0]["raw_usage"]) == ("'=1+1", "'-2", "")


async def test_what_was_deleted_was_spent_all_the_same(client: Client) -> None:
    message = await client.answered(**ASKS)
    before = await client.get(SUMMARY)
    await client.post(f"/api/conversations/{message['conversation_id']}/clone")
    await client.ask("DELETE", f"/api/conversations/{message['conversation_id']}")
    assert await client.get(SUMMARY) == before


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{SUMMARY}?since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z", "later than"),
        (f"{SUMMARY}?since=2026-11-02T00:00:00", "since"),
        (f"{SUMMARY}?since=yesterday", "since"),
        (f"{SUMMARY}?scope=planet", "scope"),
        (f"{SERIES}?bucket=week", "bucket"),
        (f"{SERIES}?by=colour", "by"),
        (f"{SERIES}?bucket=hour&since=2020-01-01T00:00:00Z", "more than 400 hours"),
        (f"{SERIES}?bucket=month&since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z", "more than 400 months"),
        (f"{LOGS}?limit=0", "limit"),
        (f"{LOGS}?limit=201", "limit"),
        (f"{LOGS}?status=fine", "status"),
        (f"{LOGS}?cost_status=cheap", "cost_status"),
        (f"{LOGS}?cursor=nonsense", "cursor"),
        (f"{LOGS}?format=xml", "format"),
        (f"{LOGS}?model={'x' * 201}", "model"),
        (f"{LOGS}?device_id={'x' * 65}", "device_id"),
    ],
)
async def test_a_question_that_makes_no_sense_is_told_so(client: Client, path: str, expected: str) -> None:
    answer = await client.ask("GET", path)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert expected in answer.error["message"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"])
async def test_times_far_away_are_times(client: Client, moment: str) -> None:
    for path in (f"{SUMMARY}?since=", f"{SUMMARY}?until=", f"{LOGS}?until=", f"{LOGS}?model=x&since="):
        assert (await client.ask("GET", path + quote(moment))).status == 200, path


async def test_empty_filters_are_none(client: Client) -> None:
    await client.answered(**ASKS)
    empty = "&".join(f"{name}=" for name in ("cursor", "model", "provider", "device_id", "conversation_id"))
    assert (await client.get(f"{LOGS}?{empty}"))["logs"] == (await client.get(LOGS))["logs"]


async def test_devices_are_listed_and_named(start: Start) -> None:
    client = await start()
    assert [(device["id"], device["is_current"]) for device in await devices(client.at("new"))] == [("new", True)]
    await client.at("other").answered(**ASKS)
    assert [device["id"] for device in await devices(client.at("new"))] == ["new", "other"]
    (other, new) = await devices(client.at("other"))
    assert (other["id"], other["is_current"], new["is_current"]) == ("other", True, False)
    named = await client.at("new").ask("PATCH", f"{DEVICES}/other", {"name": "  Café 👩‍💻  "})
    assert (named.status, named.json["name"], named.json["is_current"]) == (200, "Café 👩‍💻", False)
    first = await client.at("never-seen").ask("PATCH", f"{DEVICES}/never-seen", {"name": "Mine"})
    assert first.json["name"] == "Mine"
    assert (await client.ask("PATCH", f"{DEVICES}/lost", {"name": "x"})).status == 404


async def devices(client: Client) -> Any:
    return (await client.get(DEVICES))["devices"]


NO_NAMES: list[Any] = [
    *({}, {"name": ""}, {"name": "   "}, {"name": "x" * 61}, {"name": 7}, {"name": "x", "id": "y"}),
    *({"name": "a\nb"}, {"name": "a\x00"}, {"name": "a\u202eb"}),
]


@pytest.mark.parametrize("body", NO_NAMES)
async def test_a_name_is_a_short_line(client: Client, body: Any) -> None:
    answer = await client.at("phone").ask("PATCH", f"{DEVICES}/phone", body)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
