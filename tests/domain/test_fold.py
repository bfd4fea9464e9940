"""However a stream was cut, it folds to the same message."""

from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.errors import UpstreamFailed
from llm_router.domain.events import (
    AttemptFailed,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import ImagePart, Part, ReasoningPart, TextPart, ToolCallPart
from llm_router.domain.usage import Usage

SIGNED = {"anthropic_messages": {"signature": "s"}}

# Neighbours of one kind join, so a message is made of runs that differ from the one before.
runs = st.lists(st.tuples(st.sampled_from(["text", "reasoning", "signed", "image"]), st.text(min_size=1)), max_size=8)

silences: st.SearchStrategy[StreamEvent] = st.sampled_from([UsageReported(Usage()), TextDelta(""), ReasoningDelta("")])


def folded(*events: StreamEvent) -> MessageFold:
    fold = MessageFold()
    for event in events:
        fold.feed(event)
    return fold


def whole_parts(said: list[tuple[str, str]]) -> list[Part]:
    parts: list[Part] = []
    for kind, text in said:
        match kind, parts[-1] if parts else None:
            case "text", TextPart(before):
                parts[-1] = TextPart(before + text)
            case "text", _:
                parts.append(TextPart(text))
            case "reasoning", ReasoningPart(before, None):
                parts[-1] = ReasoningPart(before + text)
            case "reasoning", _:
                parts.append(ReasoningPart(text))
            case "signed", ReasoningPart(before, None):
                parts[-1] = ReasoningPart(before + text, SIGNED)
            case "signed", _:
                parts.append(ReasoningPart(text, SIGNED))
            case _:
                parts.append(ImagePart(text, "image/png"))
    return parts


@given(said=runs, data=st.data())
def test_any_split_gives_the_same_parts(said: list[tuple[str, str]], data: st.DataObject) -> None:
    events: list[StreamEvent] = []
    for kind, text in said:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        match kind:
            case "text":
                events += map(TextDelta, pieces)
            case "reasoning":
                events += map(ReasoningDelta, pieces)
            case "signed":
                events += map(ReasoningDelta, pieces[:-1])
                events.append(ReasoningDelta(pieces[-1], SIGNED))
            case _:
                events.append(PartAdded(ImagePart(text, "image/png")))
        events.append(data.draw(silences))
    fold = folded(*events)
    assert list(fold.parts) == whole_parts(said)
    assert fold.text_length == sum(len(text) for kind, text in said if kind != "image")


@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=5)), max_size=20))
def test_tool_calls_are_put_together_by_their_index_and_come_last(pieces: list[tuple[int, str]]) -> None:
    fold = folded(*(ToolCallDelta(index, arguments=text) for index, text in pieces), TextDelta("so"))
    arguments = {index: "".join(text for at, text in pieces if at == index) for index, _ in pieces}
    assert fold.parts == (TextPart("so"), *(ToolCallPart("", "", arguments[index]) for index in sorted(arguments)))


def test_a_tool_call_keeps_the_id_and_name_it_had_first() -> None:
    fold = folded(ToolCallDelta(0, "call-1", "get_weather", '{"a"'), ToolCallDelta(0, "", None, ":1}"))
    assert fold.parts == (ToolCallPart("call-1", "get_weather", '{"a":1}'),)
    assert fold.text_length == 7


def test_a_signature_alone_is_a_block_of_its_own() -> None:
    fold = folded(TextDelta("a"), ReasoningDelta("", SIGNED), ReasoningDelta("b"))
    assert fold.parts == (TextPart("a"), ReasoningPart("", SIGNED), ReasoningPart("b"))


def test_looking_changes_nothing() -> None:
    fold = folded(TextDelta("a"))
    assert fold.parts == fold.parts == (TextPart("a"),)
    fold.feed(TextDelta("b"))
    assert fold.parts == (TextPart("ab"),)


def test_the_facts_of_a_stream() -> None:
    error = UpstreamFailed("gone")
    fold = folded(
        AttemptFailed(error, "a/b"),
        Started("r1", "model-2"),
        UsageReported(Usage(tokens_input=1, tokens_output=1)),
        UsageReported(Usage(tokens_output=2)),
    )
    assert (fold.response_id, fold.response_model) == ("r1", "model-2")
    assert fold.usage == Usage(tokens_output=2)  # replaced, not added
    assert (fold.parts, fold.finish_reason, fold.error) == ((), None, None)
    fold.feed(Finished("length"))
    assert fold.finish_reason == "length"
    assert folded(Failed(error)).error is error
