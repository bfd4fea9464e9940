"""A database that cannot be written for a while: nothing is acknowledged that is not kept, and nothing said is lost."""

import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from tests.journeys.client import Client
from tests.journeys.conftest import Start
from tests.journeys.rows import Rows
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextmanager
def no_room(pid: int) -> Iterator[None]:
    """The process can make no file longer, as on a full disk. Portable, and needs no file system of its own."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


async def test_without_room_prompts_are_refused_and_what_runs_is_kept(start: Start, upstream: Upstream) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    upstream.say_gated("Before ", "and after.")
    async with client.stream("Keep me", model=upstream.model) as stream:
        await stream.until("delta")
        message_id = stream.events[0].json["message_id"]
        await rows.until(lambda: len(rows.chunks(message_id)) == 2, "the first word to be stored")
        before = rows.counts()
        with no_room(client.server.pid):
            upstream.release()
            assert (await stream.until("delta")).json == {"text": "and after."}
            await check_refuses_prompts(client, upstream, message_id)
            health = await client.ask("GET", "/health")
            assert (health.status, health.json["status"]) == (503, "degraded")
            assert health.json["database"]["writable"] is False
            assert health.json["database"]["reason"]
            assert rows.counts() == before

            # The upstream has said everything; the end is told when it is stored, and not before.
            upstream.release()
            notice = await stream.until("notice")
            assert "kept in memory" in notice.json["text"]
            live = await client.get(f"/api/messages/{message_id}")
            assert (live["status"], live["content"]) == ("streaming", "Before and after.")
            assert rows.counts() == before
        events = await stream.rest()
    assert events[-1].name == "done"
    message = events[-1].json["message"]
    assert (message["status"], message["content"]) == ("complete", "Before and after.")
    assert await client.get(f"/api/messages/{message_id}") == message
    assert len(rows.usage(message_id)) == 1
    assert len(upstream.exchanges) == 1
    assert rows.chunks(message_id) == []
    assert await client.replay(message_id) == events
    assert (await client.ask("GET", "/health")).status == 200
    upstream.release(None)
    assert (await client.answered(conversation_id=message["conversation_id"]))["status"] == "complete"


async def check_refuses_prompts(client: Client, upstream: Upstream, message_id: str) -> None:
    asked = len(upstream.exchanges)
    body = {"message": "Too late", "model": upstream.model}
    for path in ("/api/chat/submit", "/api/chat/stream", "/api/conversations", "/api/images/generate"):
        given = {"/api/conversations": {}, "/api/images/generate": {"prompt": "A cat", "model": "gpt-image-fake"}}
        answer = await client.post(path, given.get(path, body))
        assert (answer.status, answer.error["type"]) == (503, "storage"), path
        assert answer.error["message"]
    assert len(upstream.exchanges) == asked


async def test_a_server_killed_without_room_has_kept_what_it_had_stored(start: Start, upstream: Upstream) -> None:
    client = await start()
    rows = Rows(client.server.database_path)
    upstream.say_gated("Stored ", "only in memory")
    async with client.stream(model=upstream.model) as stream:
        await stream.until("delta")
        message_id = stream.events[0].json["message_id"]
        await rows.until(lambda: len(rows.chunks(message_id)) == 2, "the first word to be stored")
        with no_room(client.server.pid):
            upstream.release()
            await stream.until("delta")
            await client.server.kill()
    await client.server.start()
    message = await client.get(f"/api/messages/{message_id}")
    assert (message["status"], message["content"]) == ("interrupted", "Stored ")


async def test_a_locked_database_is_waited_for(start: Start, upstream: Upstream) -> None:
    """A backup or a shell holds the file for longer than the server waits at once."""
    client = await start()
    rows = Rows(client.server.database_path)
    upstream.say_gated("Said ", "meanwhile.")
    async with client.stream("Keep me", model=upstream.model) as stream:
        await stream.until("delta")
        message_id = stream.events[0].json["message_id"]
        with closing(rows.connect()) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            upstream.release(None)
            health = await client.ask("GET", "/health")
            assert (health.status, health.json["database"]["writable"]) == (503, False)
            assert "locked" in health.json["database"]["reason"]
            notice = await stream.until("notice")
            assert "locked" in notice.json["text"]
            # Reading goes on: the answer is there to be seen.
            live = await client.get(f"/api/messages/{message_id}")
            assert (live["status"], live["content"]) == ("streaming", "Said meanwhile.")
            lock.execute("ROLLBACK")
        events = await stream.rest()
    message = events[-1].json["message"]
    assert (message["status"], message["content"]) == ("complete", "Said meanwhile.")
    assert len(rows.usage(message_id)) == 1
    assert rows.counts()["messages"] == 2
    assert (await client.ask("GET", "/health")).status == 200
    assert await client.replay(message_id) == events


async def test_a_database_of_another_program_is_left_alone(start: Start) -> None:
    client = await start()
    assert await client.server.terminate() == 0
    rows = Rows(client.server.database_path)
    rows.execute(("DROP TABLE alembic_version", ()))
    before = rows.path.read_bytes()
    with pytest.raises(AssertionError, match="another program"):
        await client.server.start()
    assert rows.path.read_bytes() == before
