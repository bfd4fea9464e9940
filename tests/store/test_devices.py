"""Devices: called after their browser until the owner names them, and written down sparingly."""

import pytest

from llm_router.domain.errors import NotFound
from llm_router.store.database import Database
from llm_router.store.devices import (
    SEEN_EVERY,
    Device,
    device_names,
    find_devices,
    get_device,
    guessed_name,
    list_devices,
    needs_touch,
    rename_device,
    touch_device,
)
from tests.store.rows import OWNER, STRANGER

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (IPHONE, "Safari on iPhone"),
        (IPHONE.replace("Version/18.5 ", "CriOS/142.0.1 "), "Chrome on iPhone"),
        (IPHONE.replace("Version/18.5 ", "FxiOS/140.0 "), "Firefox on iPhone"),
        (IPHONE.partition(" Version")[0] + " Mobile/15E148", "iPhone"),
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/142.0.0.0", "Edge on Windows"),
        (CHROME + " OPR/120.0.0.0", "Opera on Windows"),
        (CHROME.replace("Windows NT 10.0; Win64; x64", "X11; CrOS x86_64 14541.0.0"), "Chrome on ChromeOS"),
        (CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K"), "Chrome on Android"),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S921B) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32.3", "python-requests"),
        ("OpenAI/Python 2.8.0", "OpenAI"),
        ("Wget", "Wget"),
        ("Mozilla/5.0", "Device 0193a8b0"),
        ("", "Device 0193a8b0"),
        (None, "Device 0193a8b0"),
        ("=cmd()", "Device 0193a8b0"),
        ("x" * 5000, "Device 0193a8b0"),
    ],
)
def test_a_device_is_called_after_what_it_says_it_is(user_agent: str | None, name: str) -> None:
    assert guessed_name("0193a8b0-0000-7000-8000-000000000000", user_agent) == name


async def touch(database: Database, device_id: str | None, user_agent: str | None, now: int, user: str = OWNER) -> None:
    async with database.write() as connection:
        await touch_device(connection, user, device_id, user_agent, now)


async def known(database: Database, current: str | None = None, user: str = OWNER) -> list[Device]:
    async with database.read() as connection:
        return await list_devices(connection, user, current)


async def test_a_device_appears_when_it_is_first_seen(database: Database) -> None:
    await touch(database, "p", IPHONE, 100)
    await touch(database, None, CHROME, 100)
    assert await known(database) == [Device("p", "Safari on iPhone", 100, 100)]
    assert await known(database, user=STRANGER) == []


async def test_it_is_written_down_again_after_a_minute_and_when_it_is_another(database: Database) -> None:
    await touch(database, "p", IPHONE, 100)
    await touch(database, "p", IPHONE, 99 + SEEN_EVERY)
    assert (await known(database))[0].last_seen_at == 100
    await touch(database, "p", IPHONE, 100 + SEEN_EVERY)
    assert (await known(database))[0].last_seen_at == 100 + SEEN_EVERY
    await touch(database, "p", "curl/8", 101 + SEEN_EVERY)
    assert await known(database) == [Device("p", "curl", 100, 101 + SEEN_EVERY)]
    await touch(database, "p", None, 5)  # a clock set back, and no word of what it is
    assert await known(database) == [Device("p", "curl", 100, 101 + SEEN_EVERY)]


async def test_a_name_that_was_given_stays(database: Database) -> None:
    await touch(database, "p", IPHONE, 100)
    async with database.write() as connection:
        renamed = await rename_device(connection, OWNER, "p", "Anna's")
        with pytest.raises(NotFound):
            await rename_device(connection, STRANGER, "p", "Mine")
    assert renamed == Device("p", "Anna's", 100, 100)
    await touch(database, "p", CHROME, 100 + SEEN_EVERY)
    assert await known(database) == [Device("p", "Anna's", 100, 100 + SEEN_EVERY)]


async def test_the_one_that_asks_comes_first_then_those_seen_last(database: Database) -> None:
    for at, device in enumerate(("a", "b", "c")):
        await touch(database, device, None, at)
    assert [device.id for device in await known(database, "a")] == ["a", "c", "b"]
    assert [device.id for device in await known(database, "new")] == ["c", "b", "a"]


async def test_asking_alone_writes_seldom(database: Database) -> None:
    await touch(database, "p", None, 100)
    devices = await known(database)
    assert not needs_touch(devices, "p", 99 + SEEN_EVERY)
    assert needs_touch(devices, "p", 100 + SEEN_EVERY)
    assert needs_touch(devices, "new", 100)
    assert not needs_touch(devices, None, 100)


async def test_names_are_found_for_more_devices_than_a_statement_has_parameters(database: Database) -> None:
    await touch(database, "d1", "curl/8.5.0", 1)
    async with database.read() as connection:
        assert await device_names(connection, OWNER, [f"d{number}" for number in range(300_000)]) == {"d1": "curl"}


async def test_devices_are_found_by_id_or_by_name(database: Database) -> None:
    for device, agent in (("p1", IPHONE), ("p2", IPHONE), ("curl", CHROME), ("d", "curl/8")):
        await touch(database, device, agent, 1)
    await touch(database, "theirs", "Wget/1", 1, STRANGER)
    async with database.read() as connection:
        assert set(await find_devices(connection, OWNER, "safari on iphone")) == {"p1", "p2"}
        assert await find_devices(connection, OWNER, "curl") == ("curl",)  # an id before a name
        assert await find_devices(connection, OWNER, "Wget") == ("Wget",)
        assert await find_devices(connection, OWNER, "lost") == ("lost",)
        assert await get_device(connection, OWNER, "p1") == Device("p1", "Safari on iPhone", 1, 1)
        assert await get_device(connection, OWNER, "theirs") is None
