"""Devices by name: what the owner calls each, until then what its browser says it is."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from llm_router.domain.conversations import shown_time
from llm_router.domain.errors import NotFound
from llm_router.domain.ids import PROGRAM_PREFIX
from llm_router.store.lists import is_one_of
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import devices

SEEN_EVERY = 60_000
"""Milliseconds: `last_seen_at` is not written more often, for the sake of memory cards."""

MAX_LISTED = 500

# The first that is found names it: browsers carry the names of those they want to be taken for.
_BROWSERS = (
    ("Edge", r"\bEdg(A|iOS|e)?/"),
    ("Opera", r"\bOPR/|\bOPT/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\bFirefox/|\bFxiOS/"),
    ("Chrome", r"\bChrome/|\bCriOS/|\bHeadlessChrome/"),
    ("Safari", r"\bSafari/"),
)
_SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Mac", r"\bMacintosh\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
)
_PROGRAM = re.compile(r"([A-Za-z][A-Za-z0-9_.-]{0,39})(?:/|$)")


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    name: str
    created_at: int
    last_seen_at: int

    def as_dict(self, *, is_current: bool) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "created_at": shown_time(self.created_at),
            "last_seen_at": shown_time(self.last_seen_at),
            "is_current": is_current,
        }


def guessed_name(device_id: str, user_agent: str | None) -> str:
    """`Safari on iPhone`, `curl`; the beginning of its id where it says nothing of itself."""
    said = user_agent or ""
    browser = next((name for name, mark in _BROWSERS if re.search(mark, said)), None)
    system = next((name for name, mark in _SYSTEMS if re.search(mark, said)), None)
    if browser:
        return f"{browser} on {system}" if system else browser
    if said.startswith("Mozilla/"):  # a page on the home screen of an iPhone names no browser
        return system or f"Device {device_id[:8]}"
    program = _PROGRAM.match(said)
    return program.group(1) if program else f"Device {device_id.removeprefix(PROGRAM_PREFIX)[:8]}"


async def touch_device(
    connection: AsyncConnection, user_id: str, device_id: str | None, user_agent: str | None, now: int
) -> None:
    """Notes that a device is there; `now` is milliseconds since 1970. Writes only what is new, or a minute old."""
    if device_id is None:
        return
    new = insert(devices).values(
        user_id=user_id,
        id=device_id,
        name=guessed_name(device_id, user_agent),
        is_named=0,
        created_at=now,
        last_seen_at=now,
    )
    # A caller that does not say what it is keeps what it was called before.
    name = case((devices.c.is_named == 1, devices.c.name), else_=new.excluded.name) if user_agent else devices.c.name
    await connection.execute(
        new.on_conflict_do_update(
            index_elements=("user_id", "id"),
            set_={"name": name, "last_seen_at": func.max(devices.c.last_seen_at, new.excluded.last_seen_at)},
            where=or_(devices.c.last_seen_at <= now - SEEN_EVERY, devices.c.name != name),
        )
    )


def needs_touch(known: Sequence[Device], device_id: str | None, now: int) -> bool:
    """Whether touching a device would write: so that asking alone does not."""
    seen = next((device.last_seen_at for device in known if device.id == device_id), None)
    return device_id is not None and (seen is None or seen <= now - SEEN_EVERY)


async def list_devices(connection: AsyncConnection, user_id: str, current_id: str | None) -> list[Device]:
    """Those seen last, first of all the one that asks."""
    rows = await connection.execute(
        select(devices)
        .where(devices.c.user_id == user_id)
        .order_by((devices.c.id == (current_id or "")).desc(), devices.c.last_seen_at.desc(), devices.c.id)
        .limit(MAX_LISTED)
    )
    return [_device_from(row) for row in rows]


async def get_device(connection: AsyncConnection, user_id: str, device_id: str) -> Device | None:
    query = select(devices).where(devices.c.user_id == user_id, devices.c.id == device_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _device_from(row)


async def rename_device(connection: AsyncConnection, user_id: str, device_id: str, name: str) -> Device:
    """Raises NotFound."""
    row = (
        await connection.execute(
            devices.update()
            .where(devices.c.user_id == user_id, devices.c.id == device_id)
            .values(name=name, is_named=1)
            .returning(devices)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such device.")
    return _device_from(row)


async def find_devices(connection: AsyncConnection, user_id: str, name_or_id: str) -> tuple[str, ...]:
    """The ids that are meant: that of the device with this id, else of all that are called so."""
    rows = (
        await connection.execute(
            select(devices.c.id, devices.c.name).where(
                devices.c.user_id == user_id,
                or_(devices.c.id == name_or_id, func.lower(devices.c.name) == func.lower(name_or_id)),
            )
        )
    ).all()
    ids = tuple(row.id for row in rows)
    return (name_or_id,) if name_or_id in ids or not ids else ids


async def device_names(connection: AsyncConnection, user_id: str, ids: Iterable[str]) -> dict[str, str]:
    """What those of `ids` are called that there are."""
    query = select(devices.c.id, devices.c.name).where(devices.c.user_id == user_id, is_one_of(devices.c.id, ids))
    return {row.id: row.name for row in await connection.execute(query)}


def _device_from(row: Any) -> Device:
    return Device(row.id, row.name, row.created_at, row.last_seen_at)
