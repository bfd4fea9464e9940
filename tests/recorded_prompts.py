"""The recorded prompts that had nothing but text in them, and how many tokens their provider counted."""

from dataclasses import dataclass
from typing import Any

from tests.recordings import Recording, recordings
from tests.wire.streams import DECODERS, decode, fold

_EXTRAS = ("tools", "functions", "response_format", "web_search_options", "plugins", "context_management", "text")
"""Fields that put tokens of their own into a prompt."""


@dataclass(frozen=True, slots=True)
class RecordedPrompt:
    recording: str
    turns: tuple[str, ...]
    system: str | None
    tokens_input: int


def recorded_prompts() -> list[RecordedPrompt]:
    return [prompt for each in recordings() if (prompt := _prompt(each)) is not None]


def _prompt(recorded: Recording) -> RecordedPrompt | None:
    body = recorded.request_body
    if recorded.status != 200 or not isinstance(body, dict) or any(body.get(name) for name in _EXTRAS):
        return None
    if recorded.endpoint not in DECODERS or recorded.endpoint == "responses-retrieve":
        return None
    sent: Any = body.get("messages", body.get("input"))
    turns: list[Any] = [{"role": "user", "content": sent}] if isinstance(sent, str) else sent
    if "system" in body or "instructions" in body:
        turns = [{"role": "system", "content": body.get("system") or body.get("instructions")}, *turns]
    texts = [text for turn in turns if (text := _text(turn.get("content"))) is not None]
    if len(texts) < len(turns) or any(turn.get("role") == "tool" or turn.get("tool_calls") for turn in turns):
        return None
    decoder = DECODERS[recorded.endpoint]()
    events = decode(decoder, [recorded.body]) if recorded.is_stream else decoder.decode_answer(recorded.body)
    usage = fold(events).usage
    if usage is None or not usage.tokens_input:
        return None
    has_system = turns[0]["role"] in ("system", "developer") and len(turns) > 1
    said = tuple(texts[has_system:])
    return RecordedPrompt(recorded.name, said, texts[0] if has_system else None, usage.tokens_input)


def _text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    parts: list[Any] = content if isinstance(content, list) else [None]
    if all(isinstance(part, dict) and part.get("type") in ("text", "input_text", "output_text") for part in parts):
        return "".join(part["text"] for part in parts)
    return None
