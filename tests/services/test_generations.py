"""Runs, and those who end them or look on at a moment between two steps. A scripted upstream, a real file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from llm_router.domain.chat import Target
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Message
from llm_router.domain.events import Finished, StreamEvent, TextDelta
from llm_router.routing.metering import BeginAttempt
from llm_router.services.changes import Changes
from llm_router.services.chat import Caller
from llm_router.services.conversations import Conversations
from llm_router.services.generations import MAX_ANSWER_CHARACTERS, Generations, OpenStream
from llm_router.store.database import Database
from llm_router.store.messages import get_message
from llm_router.store.sql import AsyncConnection
from tests.store.rows import OWNER, conversation, keep, message, origin

TARGET = Target("ollama", "openai_compatible", "llama3.2")
NOW = 1_800_000_000_000
CLOCK = Clock(lambda: NOW / 1000, lambda: 0.0)
OWNER_S_PHONE = Caller(OWNER, "phone")


class Upstream:
    """Says `said` and then waits: for `may_finish` to go on to the end, and for `may_close` to hang up."""

    def __init__(self, *said: str) -> None:
        self.said = said
        self.may_finish = asyncio.Event()
        self.may_close = asyncio.Event()
        self.may_close.set()
        self.has_spoken = asyncio.Event()
        self.is_closing = asyncio.Event()
        self.is_closed = asyncio.Event()

    @asynccontextmanager
    async def open(self, _begin: BeginAttempt) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        try:
            yield self._events()
        finally:
            self.is_closing.set()
            await self.may_close.wait()
            self.is_closed.set()

    async def _events(self) -> AsyncIterator[StreamEvent]:
        for text in self.said:
            yield TextDelta(text)
        self.has_spoken.set()
        await self.may_finish.wait()
        yield Finished("stop")


@pytest.fixture
async def database(database: Database) -> Database:
    await keep(database, conversation("c1"))
    return database


def runs_of(database: Database) -> Generations:
    return Generations(database, lambda *_: None, CLOCK, Changes(), max_concurrent_runs=16)


async def start(database: Database, generations: Generations, tail: str, open_stream: OpenStream) -> str:
    """A run of an answer that was written down, as the chat service starts it."""
    answer = message(f"a{tail}", f"q{tail}", role="assistant", status="pending")
    await keep(database, messages=[message(f"q{tail}", text="Hello?"), answer])
    generations.start(origin(conversation_id="c1", message_id=answer.id), answer, TARGET, open_stream)
    return answer.id


async def stored(database: Database, message_id: str) -> Message:
    async with database.read() as connection:
        return await get_message(connection, OWNER, message_id)


async def test_a_run_that_starts_while_the_server_shuts_down_is_interrupted_at_once(database: Database) -> None:
    """Its prompt was being written down when the shutdown began."""
    generations, upstream = runs_of(database), Upstream("never said")
    with generations.reserve():
        await generations.shutdown()
        answer_id = await start(database, generations, "1", upstream.open)
    assert await generations.wait(answer_id, 10)
    assert (await stored(database, answer_id)).status == "interrupted"


async def test_a_run_that_starts_while_its_conversation_is_deleted_ends_too(database: Database, tmp_path: Path) -> None:
    generations, first, second = runs_of(database), Upstream("first"), Upstream("second")
    conversations = Conversations(database, generations, tmp_path, CLOCK, Changes())
    await start(database, generations, "1", first.open)
    await first.has_spoken.wait()
    first.may_close.clear()
    deletion = asyncio.create_task(conversations.delete(OWNER_S_PHONE, "c1"))
    await first.is_closing.wait()
    late_id = await start(database, generations, "2", second.open)
    await second.has_spoken.wait()
    first.may_close.set()
    async with asyncio.timeout(10):
        await deletion
    assert second.is_closed.is_set()
    assert await generations.wait(late_id, 0)


class UnhurriedDatabase(Database):
    """Lets go of a reader only when it may."""

    may_go: asyncio.Event
    has_read: asyncio.Event

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with super().read() as connection:
            yield connection
            self.has_read.set()
            await self.may_go.wait()


async def test_a_poll_shows_what_was_said_though_the_answer_ends_meanwhile(database: Database) -> None:
    unhurried = UnhurriedDatabase(database.path, database._writer, database._reader)
    unhurried.may_go, unhurried.has_read = asyncio.Event(), asyncio.Event()
    generations, upstream = runs_of(unhurried), Upstream("Half ", "of it.")
    answer_id = await start(database, generations, "1", upstream.open)
    await upstream.has_spoken.wait()
    poll = asyncio.create_task(generations.stored(OWNER, answer_id))
    await unhurried.has_read.wait()
    upstream.may_finish.set()
    assert await generations.wait(answer_id, 10)
    unhurried.may_go.set()
    assert (await poll).content == "Half of it."


async def test_an_answer_without_an_end_is_ended(database: Database) -> None:
    generations = runs_of(database)
    piece = "x" * 1_000_000

    @asynccontextmanager
    async def open_stream(_begin: BeginAttempt) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        yield endless()

    async def endless() -> AsyncIterator[StreamEvent]:
        for _ in range(100):
            yield TextDelta(piece)
            await asyncio.sleep(0)
        yield Finished("stop")

    answer_id = await start(database, generations, "1", open_stream)
    assert await generations.wait(answer_id, 30)
    answer = await stored(database, answer_id)
    assert (answer.status, (answer.error or {})["type"]) == ("error", "upstream_error")
    assert MAX_ANSWER_CHARACTERS <= len(answer.content) <= MAX_ANSWER_CHARACTERS + len(piece)
