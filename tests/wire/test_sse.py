import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.errors import UpstreamFailed
from llm_router.wire.sse import HEARTBEAT, ServerSentEvent, SSEDecoder, encode_event
from tests.wire.streams import cut


def decode(*pieces: bytes) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.close()


def event(data: str, name: str = "message", id: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(name, data, id)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_ends_a_line(line_end: bytes) -> None:
    stream = line_end.join([b"event: a", b"data: 1", b"data: 2", b"", b"data: 3", b"", b""])
    assert decode(stream) == [event("1\n2", "a"), event("3")]
    assert decode(*(stream[at : at + 1] for at in range(len(stream)))) == [event("1\n2", "a"), event("3")]


def test_nothing_else_ends_a_line() -> None:
    assert decode("data: a\u2028b\u2029c\x85d\x0be\x0cf\n\n".encode()) == [event("a\u2028b\u2029c\x85d\x0be\x0cf")]


def test_an_event_is_there_as_soon_as_its_blank_line_is() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1\r\n\r") == [event("1")]
    assert decoder.feed(b"\ndata: 2\n") == []
    assert decoder.feed(b"\n") == [event("2")]


def test_the_lf_of_a_crlf_in_two_chunks_is_no_blank_line() -> None:
    assert decode(b"data: 1\r", b"\ndata: 2\r", b"", b"\n\r\n") == [event("1\n2")]


def test_comments_unknown_fields_and_events_without_data_are_passed_over() -> None:
    stream = b": OPENROUTER PROCESSING\n\n:\n\nretry: 3000\nfoo: bar\nfoo\n\nevent: ping\n\ndata: 1\n\n" + HEARTBEAT
    assert decode(stream) == [event("1")]


def test_one_space_behind_the_colon_is_dropped_and_no_more() -> None:
    assert decode(b"data:  a \n\ndata:b\n\ndata\n\ndata:\ndata:\n\n") == [
        event(" a "),
        event("b"),
        event(""),
        event("\n"),
    ]


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    bom = "\ufeff".encode()
    assert decode(bom[:1], bom[1:] + b"data: 1\n\n" + bom + b"data: 2\n\ndata: " + bom + b"\n\n") == [
        event("1"),
        event("\ufeff"),
    ]


def test_an_id_stands_until_the_next() -> None:
    assert decode(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n") == [
        event("a", id="1"),
        event("b", id="1"),
        event("c", id="1"),
        event("d", id=""),
    ]


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r"])
def test_a_last_event_without_its_blank_line_counts(tail: bytes) -> None:
    assert decode(b"data: 1\n\n" + tail) == [event("1"), event("[DONE]")]


def test_bytes_that_are_not_utf8_do_not_break_the_stream() -> None:
    assert decode(b"data: \xff\xf0\x9f\n\ndata: 1\n\n") == [event("\ufffd\ufffd"), event("1")]


@pytest.mark.parametrize("chunk", [b"data: " + b"x" * 40 + b"\n", b"x" * 40, b": " + b"x" * 40])
def test_an_event_without_bound_is_refused(chunk: bytes) -> None:
    decoder = SSEDecoder(max_event_bytes=100)
    decoder.feed(chunk)
    decoder.feed(chunk)
    with pytest.raises(UpstreamFailed):
        decoder.feed(chunk)


def test_many_small_events_are_no_large_one() -> None:
    decoder = SSEDecoder(max_event_bytes=100)
    assert len(decoder.feed(b": comment\n" * 50 + b"data: 1234567890\n\n" * 1000)) == 1000


def test_a_long_line_in_small_pieces_costs_what_its_length_costs() -> None:
    """Four million bytes in pieces of four: copying the line at each would move eight terabytes."""
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    for _ in range(1_000_000):
        decoder.feed(b"xxxx")
    [found] = decoder.feed(b"\n\n")
    assert len(found.data) == 4_000_000


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))
EVENTS = st.lists(
    st.tuples(TEXT.filter(lambda name: name == name.lstrip()), st.lists(TEXT, min_size=1, max_size=3)), max_size=5
)


@given(
    events=EVENTS,
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    places=st.lists(st.integers(0, 400), max_size=10),
)
def test_events_survive_any_cut(events: list[tuple[str, list[str]]], line_end: str, places: list[int]) -> None:
    lines = [
        line for name, data in events for line in (f"event: {name}", *(f"data: {part}" for part in data), "", ": idle")
    ]
    stream = "".join(line + line_end for line in lines).encode()
    assert decode(*cut(stream, places)) == [event("\n".join(data), name or "message") for name, data in events]


@given(name=st.from_regex(r"[a-z]+", fullmatch=True), data=TEXT, id=st.none() | st.integers(0))
def test_what_is_encoded_is_decoded(name: str, data: str, id: int | None) -> None:
    encoded = encode_event(name, data.encode(), id)
    assert decode(encoded) == [event(data, name, None if id is None else str(id))]


def test_line_ends_in_data_become_lines() -> None:
    assert encode_event("delta", b"a\nb\r\nc", 7) == b"id: 7\nevent: delta\ndata: a\ndata: b\ndata: c\n\n"
