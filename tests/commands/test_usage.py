"""`llm-router usage` as a process beside the file of a server: what it prints, and how it ends."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import Target
from llm_router.domain.usage import Usage
from llm_router.store.database import open_database
from llm_router.store.devices import rename_device, touch_device
from llm_router.store.rollups import rebuild_rollups
from llm_router.store.tables import users
from llm_router.store.usage import Origin, insert_attempts
from tests.store.rows import OWNER, STRANGER, attempt, origin

DAY = 86_400_000
MONDAY = 1_795_388_400_000
"""2026-11-23 00:00 in Berlin."""

Calls = Iterable[tuple[Origin, Attempt]]


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    done = subprocess.run(
        [Path(sys.executable).with_name("llm-router"), "usage", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "DATABASE_PATH": "router.db", "TZ": "Europe/Berlin", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def spend(folder: Path, calls: Calls, zone: str = "Europe/Berlin") -> None:
    async def write() -> None:
        database = await open_database(folder / "router.db")
        async with database.write() as connection:
            await connection.run_sync(rebuild_rollups, zone)
            await connection.execute(users.insert().values(id=STRANGER, name=STRANGER, created_at=0))
            for each, call in calls:
                await insert_attempts(connection, each, [call])
            for device, agent in (("p1", "curl/8"), ("p2", "curl/8"), ("desk", "Wget/1")):
                await touch_device(connection, OWNER, device, agent, 1)
            await rename_device(connection, OWNER, "desk", "My desk")
        await database.close()

    asyncio.run(write())


GROQ = Target("groq", "openai_compatible", "llama")
CALLS: list[tuple[Origin, Attempt]] = [
    (origin(device_id="p1"), attempt(1_500_000_000, usage=Usage(1_000, 200), started_at=MONDAY)),
    (origin(device_id="p2"), attempt(20_000, "estimated", usage=Usage(2_000, 1), started_at=MONDAY - 1)),
    (origin(device_id="desk", model="groq/llama"), attempt(None, "unpriced", target=GROQ, started_at=MONDAY + DAY)),
    (origin(device_id="desk", source="gateway"), attempt(5, "bounded", outcome="cancelled", started_at=MONDAY + DAY)),
    (origin(user_id=STRANGER, device_id="p1"), attempt(10**15, started_at=MONDAY)),
]


def test_it_prints_what_was_spent_on_what_and_how_sure_that_is(tmp_path: Path) -> None:
    spend(tmp_path, CALLS)
    assert run(tmp_path) == (
        0,
        """\
Spent (Europe/Berlin)

model       calls  tokens in  tokens out          cost  how sure
gpt-5           3      3,010         206  $1.500020005  1 exact, 1 bounded, 1 estimated
groq/llama      1         10           5            $?  unpriced
total           4      3,020         211  $1.500020005  1 exact, 1 bounded, 1 estimated, 1 unpriced
""",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        (("--by", "day"), [("2026-11-22", "1"), ("2026-11-23", "1"), ("2026-11-24", "2"), ("total", "4")]),
        (("--by", "device"), [("curl (p1)", "1"), ("curl (p2)", "1"), ("My desk", "2"), ("total", "4")]),
        (("--by", "provider"), [("openai", "3"), ("groq (openai_compatible)", "1"), ("total", "4")]),
        (("--by", "source"), [("web", "3"), ("gateway", "1"), ("total", "4")]),
        (("--since", "2026-11-23"), [("gpt-5", "2"), ("groq/llama", "1"), ("total", "3")]),
        (("--since", "2026-11-23T00:00:01"), [("gpt-5", "1"), ("groq/llama", "1"), ("total", "2")]),
        (("--since", "2026-11-23T01:00:00+01:00"), [("gpt-5", "1"), ("groq/llama", "1"), ("total", "2")]),
        (("--until", "2026-11-23", "--by", "day"), [("2026-11-22", "1"), ("total", "1")]),
        (("--device", "my desk"), [("gpt-5", "1"), ("groq/llama", "1"), ("total", "2")]),
        (("--device", "curl"), [("gpt-5", "2"), ("total", "2")]),
        (("--device", "p2", "--by", "day"), [("2026-11-22", "1"), ("total", "1")]),
    ],
)
def test_by_what_since_when_and_where(arguments: tuple[str, ...], rows: list[tuple[str, str]], tmp_path: Path) -> None:
    spend(tmp_path, CALLS)
    status, printed, _ = run(tmp_path, *arguments)
    assert status == 0
    lines = printed.splitlines()[3:]
    assert len(lines) == len(rows)
    for line, (label, calls) in zip(lines, rows, strict=True):
        assert line.startswith(label + " "), line
        assert line.removeprefix(label).split()[0] == calls, line


@pytest.mark.parametrize("word", ["today", "week", "month", "24h", "7d"])
def test_words_for_times_count_from_now_in_the_server_s_zone(word: str, tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    old = now - 40 * DAY
    spend(tmp_path, [(origin(), attempt(1, started_at=now)), (origin(), attempt(1, started_at=old))])
    status, printed, _ = run(tmp_path, "--since", word, TZ="America/New_York")
    assert status == 0
    assert "(Europe/Berlin)" in printed
    assert [line.split()[1] for line in printed.splitlines() if line.startswith("total")] == ["1"]


def test_json_is_what_the_api_answers(tmp_path: Path) -> None:
    spend(tmp_path, CALLS)
    status, printed, _ = run(tmp_path, "--json", "--device", "My desk", "--since", "2026-11-24")
    found = json.loads(printed)
    assert (status, found["scope"], found["device_id"]) == (0, "device", "desk")
    assert (found["since"], found["until"]) == ("2026-11-23T23:00:00.000Z", None)
    assert (found["totals"]["requests"], found["totals"]["cost"], found["totals"]["unpriced"]) == (2, 5e-9, 1)
    assert [part["cost"] for part in found["by_model"]] == [5e-9, None]
    _, printed, _ = run(tmp_path, "--json", "--by", "day", "--since", "2026-11-20")
    found = json.loads(printed)
    assert (found["bucket"], found["time_zone"]) == ("day", "Europe/Berlin")
    assert [bucket["totals"]["requests"] for bucket in found["buckets"]][:6] == [0, 0, 1, 1, 2, 0][
        : len(found["buckets"])
    ]


def test_without_calls_it_says_so(tmp_path: Path) -> None:
    spend(tmp_path, [])
    assert run(tmp_path) == (0, "Spent (Europe/Berlin): nothing, no calls were made.\n", "")
    assert run(tmp_path, "--by", "day")[:2] == (0, "Spent (Europe/Berlin): nothing, no calls were made.\n")


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (("--device", "lost"), 2, "No device is called 'lost'. There are: My desk, curl."),
        (("--since", "blue"), 2, "found 'blue'"),
        (("--since", "99999999d", "--by", "day"), 2, "found '99999999d'"),
        (("--by", "day", "--since", "2001-01-01"), 2, "more than 400 days"),
        (("--since", "2026-11-24", "--until", "2026-11-23"), 2, "is later than"),
        (("--by", "colour"), 2, "invalid choice: 'colour'"),
    ],
)
def test_a_mistake_in_the_call_is_status_2(
    arguments: tuple[str, ...], status: int, expected: str, tmp_path: Path
) -> None:
    spend(tmp_path, CALLS)
    found = run(tmp_path, *arguments)
    assert found[0] == status
    assert found[1] == ""
    assert expected in found[2]


def test_without_a_database_it_makes_none(tmp_path: Path) -> None:
    status, _, said = run(tmp_path)
    assert status == 1
    assert said.startswith(f"llm-router: There is no database at {tmp_path}/router.db")
    assert list(tmp_path.iterdir()) == []


def test_it_changes_nothing(tmp_path: Path) -> None:
    spend(tmp_path, CALLS)
    before = (tmp_path / "router.db").read_bytes()
    run(tmp_path, TZ="Asia/Tokyo")
    assert (tmp_path / "router.db").read_bytes() == before
