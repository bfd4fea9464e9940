"""The numbered events of one answer: none lost, none twice, the same for every reader, and back from a few bytes.

In handed time: the moments at which pieces come are exact, and nothing waits.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_router.domain.events import ReasoningDelta, TextDelta
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import reasoning_of, text_of
from llm_router.services.event_log import (
    COALESCE_SECONDS,
    USAGE_SECONDS,
    EventLog,
    NumberedEvent,
    compact_events,
    expand_events,
)
from tests.handed_time import run


@dataclass(frozen=True)
class Step:
    """Something said so many milliseconds after what was said before."""

    wait: int
    name: str
    said: Any


texts = st.text(max_size=6) | st.sampled_from(["", "⚡", "👩‍👩‍👧", "\x00", '"\\', "\u2028"])
steps = st.lists(
    st.one_of(
        st.builds(Step, st.integers(0, 90), st.sampled_from(["delta", "reasoning"]), texts),
        st.builds(Step, st.integers(0, 1500), st.just("usage"), st.integers(0, 3)),
        st.builds(Step, st.integers(0, 90), st.just("notice"), st.text(max_size=4)),
    ),
    max_size=25,
)


def sent(*said: Step) -> list[NumberedEvent]:
    """The events of these steps, one reader's, the last one included."""
    return run(tell(said, readers=[0]))[0]


async def tell(said: Sequence[Step], readers: Sequence[int]) -> list[list[NumberedEvent]]:
    """What each reader sees, the n-th having come before so many steps, with the end of the whole log as its start."""
    loop = asyncio.get_running_loop()
    log = EventLog(loop.time)
    log.append("start", {"message_id": "m"})
    tasks: list[asyncio.Task[list[NumberedEvent]]] = []
    for number, step in enumerate([*said, None]):
        tasks += [asyncio.create_task(read(log, log.last_seq if at < 0 else 0)) for at in readers if abs(at) == number]
        if step is None:
            break
        await asyncio.sleep(step.wait / 1000)
        match step.name:
            case "delta" | "reasoning":
                log.append_text(step.name, step.said)
            case "usage":
                log.append_usage({"tokens_output": step.said})
            case name:
                log.append(name, {"text": step.said})
    log.settle()
    log.close(NumberedEvent(log.last_seq + 1, "done", b'{"message":{}}'))
    late = await read(log, 0)
    return [await task for task in tasks] + [late]


async def read(log: EventLog, after: int) -> list[NumberedEvent]:
    return [event async for event in log.read(after)]


def text(events: Sequence[NumberedEvent], name: str) -> str:
    return "".join(orjson.loads(event.data)["text"] for event in events if event.name == name)


def names(events: Sequence[NumberedEvent]) -> list[str]:
    return [event.name for event in events]


@given(steps, st.lists(st.integers(0, 25), max_size=4))
@example([Step(0, "delta", "a"), Step(5, "reasoning", "b"), Step(5, "delta", "c"), Step(40, "delta", "")], [1, 2])
def test_every_reader_sees_all_in_order_once_and_the_text_is_whole(said: list[Step], readers: list[int]) -> None:
    *others, whole = run(tell(said, readers=readers))
    assert [event.seq for event in whole] == list(range(1, len(whole) + 1))
    assert (whole[0].name, whole[-1].name) == ("start", "done")
    for name in ("delta", "reasoning", "notice"):
        assert text(whole, name) == "".join(step.said for step in said if step.name == name)
    for other in others:
        assert other == whole
    assert all(event.data != b'{"text":""}' for event in whole if event.name != "notice")


@given(steps)
def test_the_order_of_kinds_is_kept(said: list[Step]) -> None:
    """Folded, the events give the parts that the pieces themselves give."""
    by_pieces, by_events = MessageFold(), MessageFold()
    for step in said:
        if step.name in ("delta", "reasoning"):
            by_pieces.feed(TextDelta(step.said) if step.name == "delta" else ReasoningDelta(step.said))
    for event in sent(*said):
        if event.name in ("delta", "reasoning"):
            piece = orjson.loads(event.data)["text"]
            by_events.feed(TextDelta(piece) if event.name == "delta" else ReasoningDelta(piece))
    assert by_events.parts == by_pieces.parts


@given(steps)
def test_what_was_compacted_comes_back_the_same_from_any_number(said: list[Step]) -> None:
    events = sent(*said)[:-1]  # the last one is made of the message itself
    content, reasoning = text(events, "delta"), text(events, "reasoning")
    log = compact_events(events)
    for after in range(len(events) + 2):
        assert list(expand_events(log, content, reasoning, after)) == events[after:]


def test_a_compacted_answer_is_a_few_bytes() -> None:
    said = [Step(50, "delta", "x" * 400) for _ in range(100)]
    log = compact_events(sent(*said)[:-1])
    assert len(log) < 500


def test_what_was_compacted_matches_what_a_message_keeps_of_its_parts() -> None:
    said = [("reasoning", "hm 👩‍👩‍👧 "), ("delta", "a⚡"), ("reasoning", "oh"), ("delta", "b")]
    events = sent(*(Step(40, name, piece) for name, piece in said))[:-1]
    fold = MessageFold()
    for name, piece in said:
        fold.feed(TextDelta(piece) if name == "delta" else ReasoningDelta(piece))
    assert list(expand_events(compact_events(events), text_of(fold.parts), reasoning_of(fold.parts))) == events


# ── Coalescing ──


def deltas(*said: tuple[int, str]) -> list[str]:
    """The texts of the events that pieces, each some milliseconds after the one before, are sent in."""
    events = sent(*(Step(wait, "delta", piece) for wait, piece in said))
    return [orjson.loads(event.data)["text"] for event in events if event.name == "delta"]


def test_the_first_piece_goes_at_once_and_what_follows_soon_goes_together() -> None:
    assert deltas((0, "a"), (10, "b"), (10, "c"), (9, "d")) == ["a", "bcd"]


def test_pieces_far_apart_go_alone() -> None:
    assert deltas((0, "a"), (31, "b"), (31, "c")) == ["a", "b", "c"]


def test_a_steady_stream_is_an_event_every_thirty_milliseconds() -> None:
    pieces = [(1, "x")] * 3000  # three seconds, a piece a millisecond
    lengths = [len(piece) for piece in deltas(*pieces)]
    assert sum(lengths) == 3000
    assert len(lengths) == pytest.approx(3.0 / COALESCE_SECONDS, abs=2)


def test_a_piece_waits_no_longer_than_it_must() -> None:
    async def moments() -> list[float]:
        loop = asyncio.get_running_loop()
        log = EventLog(loop.time)
        seen: list[float] = []

        async def note() -> None:
            async for _ in log.read(0):
                seen.append(loop.time())

        reader = asyncio.create_task(note())
        log.append_text("delta", "a")
        await asyncio.sleep(0.01)
        log.append_text("delta", "b")
        await asyncio.sleep(0.5)
        log.append_text("delta", "c")
        await asyncio.sleep(0)
        log.close(NumberedEvent(log.last_seq + 1, "done", b"{}"))
        await reader
        return seen

    assert run(moments()) == pytest.approx([0, COALESCE_SECONDS, 0.51, 0.51])


def test_open_text_is_cut_before_whatever_else_comes() -> None:
    events = sent(Step(0, "delta", "a"), Step(1, "delta", "b"), Step(1, "notice", "!"), Step(1, "delta", "c"))
    assert names(events) == ["start", "delta", "delta", "notice", "delta", "done"]
    events = sent(Step(0, "delta", "a"), Step(1, "delta", "b"), Step(1, "reasoning", "c"), Step(1, "delta", "d"))
    assert names(events) == ["start", "delta", "delta", "reasoning", "delta", "done"]


def test_nothing_said_is_no_event() -> None:
    assert names(sent(Step(0, "delta", ""), Step(50, "reasoning", ""))) == ["start", "done"]


# ── Usage ──


def usage_told(*said: tuple[int, int]) -> list[int]:
    events = sent(*(Step(wait, "usage", tokens) for wait, tokens in said))
    return [orjson.loads(event.data)["tokens_output"] for event in events if event.name == "usage"]


def test_usage_is_told_at_once_then_once_a_second_and_at_the_end() -> None:
    assert usage_told(*((125, tokens) for tokens in range(1, 27))) == [1, 9, 17, 25, 26]
    assert USAGE_SECONDS == 1.0


def test_usage_that_was_told_is_not_told_again() -> None:
    assert usage_told((0, 1), (2000, 1), (2000, 2), (1, 2)) == [1, 2]


def test_usage_that_was_taken_back_is_not_told() -> None:
    assert usage_told((0, 1), (10, 2), (10, 1)) == [1]


# ── Readers ──


def test_a_reader_from_a_number_sees_what_is_behind_it() -> None:
    async def from_each() -> tuple[list[list[NumberedEvent]], list[NumberedEvent]]:
        log = EventLog(asyncio.get_running_loop().time)
        early = [asyncio.create_task(read(log, after)) for after in range(6)]
        for number in range(4):
            log.append("notice", {"text": str(number)})
            await asyncio.sleep(0.01)
        log.settle()
        log.close(NumberedEvent(5, "done", b"{}"))
        late = [await read(log, after) for after in range(6)]
        assert late == [await task for task in early]
        return late, await read(log, -3)

    late, from_below = run(from_each())
    assert [[event.seq for event in events] for events in late] == [list(range(after + 1, 6)) for after in range(6)]
    assert from_below == late[0]


def test_a_reader_who_leaves_disturbs_nobody() -> None:
    async def leave() -> list[str]:
        log = EventLog(asyncio.get_running_loop().time)
        stays, leaves = asyncio.create_task(read(log, 0)), asyncio.create_task(read(log, 0))
        log.append("start", {})
        await asyncio.sleep(0)
        leaves.cancel()
        log.append("notice", {"text": "on"})
        log.close(NumberedEvent(3, "done", b"{}"))
        await asyncio.wait({leaves})
        return names(await stays)

    assert run(leave()) == ["start", "notice", "done"]
