"""What the fake provider can do with a request, as values, and the scenarios that a model's name chooses.

Knows no dialect and no socket.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: tuple[str, ...]
    """The JSON text in the pieces it is sent in."""


@dataclass(frozen=True, slots=True)
class Echo:
    """Says the text of the request's last message."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A keep-alive."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Waits until the test lets it pass: `FakeProvider.release(model)` or `POST /control/release`."""


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Closes the socket in the middle. Ends the scenario."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Says nothing more and keeps the connection open. Ends the scenario."""


@dataclass(frozen=True, slots=True)
class End:
    """Ends the body politely, but without the dialect's terminal event. Ends the scenario."""


@dataclass(frozen=True, slots=True)
class StreamError:
    """An error inside the stream of status 200. Ends the scenario."""

    type: str = "overloaded_error"
    message: str = "Overloaded"


Step = Text | Reasoning | ToolCall | Echo | Comment | Gate | Pause | Cut | Stall | End | StreamError


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts in the house's meaning: input and output include their parts. The dialects write them each their way."""

    input: int = 11
    output: int = 7
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A stream of steps; unless a step ends it otherwise, it ends with usage and the terminal event."""

    steps: tuple[Step, ...] = ()
    tokens: Tokens | None = field(default_factory=Tokens)
    """None: the provider never reports usage."""
    finish: str = "stop"
    """`stop`, `length`, `tool_calls` or `content_filter`; the dialects have their own words for it."""
    write_bytes: int | None = None
    """Send pieces of this many bytes, whatever they cut through; None sends each event whole."""
    response_model: str | None = None
    """The model that says it answers; None repeats the one asked for."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error status, with the body that the dialect gives it."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    echoes_key: bool = False
    """Put the beginning and the end of the key into the message, as providers do."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Any HTTP answer at all."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Hangup:
    """Closes the connection without an answer."""


Scenario = Answer | Refusal | Raw | Hangup

HELLO = Answer((Text("Hello"), Text(", "), Text("world"), Text("! ⚡")))

MARKDOWN = """# A heading

Some *emphasis*, some **strength** and `code`.

- one
- two
  - nested

```python
def add(a: int, b: int) -> int:
    return a + b
```

| left | right |
|---|---|
| 1 | <script>alert(1)</script> |

![a remote image](https://images.invalid/pixel.png) and [a link](https://example.invalid/).
"""

THOUGHT = (Reasoning("First, "), Reasoning("think."), Text("Then "), Text("speak."))

TOOL_CALL = ToolCall("call_fake_1", "get_weather", ('{"city"', ':"Paris"', "}"))

_FIXED: Mapping[str, tuple[Scenario, ...]] = {
    "fake-hello": (HELLO,),
    "fake-echo": (Answer((Echo(),)),),
    "fake-markdown": (Answer(tuple(Text(line) for line in MARKDOWN.splitlines(keepends=True))),),
    "fake-reasoning": (Answer(THOUGHT, Tokens(output=19, reasoning=12)),),
    "fake-tools": (Answer((Text("Let me look."), TOOL_CALL), finish="tool_calls"),),
    "fake-cached": (Answer(HELLO.steps, Tokens(input=111, cache_read=80, cache_write=20)),),
    "fake-length": (Answer(HELLO.steps, finish="length"),),
    "fake-filter": (Answer((Text("I had begun"),), finish="content_filter"),),
    "fake-empty": (Answer(()),),
    "fake-no-usage": (Answer(HELLO.steps, tokens=None),),
    "fake-renamed": (Answer(HELLO.steps, response_model="fake-hello-2026-11-24"),),
    "fake-comments": (Answer((Comment(), Text("still "), Comment(), Comment(), Text("here"), Comment())),),
    "fake-silent": (Answer((Stall(),)),),
    "fake-comments-only": (Answer((Comment(), Comment(), Stall())),),
    "fake-stall": (Answer((Text("I begin and "), Text("then"), Stall())),),
    "fake-cut": (Answer((Text("I begin and "), Text("then"), Cut())),),
    "fake-end": (Answer((Text("I begin and "), Text("then"), End())),),
    "fake-error": (Answer((Text("I begin and "), Text("then"), StreamError())),),
    "fake-error-first": (Answer((StreamError(),)),),
    "fake-hangup": (Hangup(),),
    "fake-400": (Refusal(400, "invalid_value", "temperature does not work with this model"),),
    "fake-401": (Refusal(401, "invalid_api_key", "Incorrect API key provided: {key}.", echoes_key=True),),
    "fake-404": (Refusal(404, "model_not_found", "The model does not exist or you do not have access to it"),),
    "fake-429": (Refusal(429, "rate_limit_exceeded", "Slow down", {"Retry-After": "7"}),),
    "fake-500": (Refusal(500, "server_error", "The server had an error"),),
    "fake-529": (Refusal(529, "overloaded_error", "Overloaded"),),
    "fake-json": (Raw(200, {"Content-Type": "application/json"}, b'{"id": "x", "choices": [{"message": {}}]}'),),
    "fake-json-error": (
        Raw(200, {"Content-Type": "application/json"}, b'{"error": {"message": "no", "code": "insufficient_quota"}}'),
    ),
    "fake-html": (Raw(502, {"Content-Type": "text/html"}, b"<html><body>Bad gateway</body></html>"),),
    "fake-redirect": (Raw(307, {"Location": "/control/trap"}),),
}

_WORDS = re.compile(r"fake-words-(\d+)(?:-(\d+)ms)?")
_GATED = re.compile(r"fake-gated(?:-(\d+))?")
_BYTES = re.compile(r"fake-bytes-(\d+)")
_HUGE = re.compile(r"fake-huge-(\d+)kb")
_FLAKY = re.compile(r"fake-flaky(?:-(\d+))?")


def named_scenarios(model: str) -> tuple[Scenario, ...] | None:
    """What the model's name stands for, first request first, the last one repeating; None for an unknown name."""
    name = re.sub(r"^(?:gpt-image-|gpt-|claude-|dall-e-)", "", model)
    if name in _FIXED:
        return _FIXED[name]
    if name == "fake-slow":
        name = "fake-words-100-50ms"
    if match := _WORDS.fullmatch(name):
        count, milliseconds = int(match[1]), int(match[2] or 0)
        pause: tuple[Step, ...] = (Pause(milliseconds / 1000),) if milliseconds else ()
        steps = tuple(step for at in range(1, count + 1) for step in (*(pause if at > 1 else ()), Text(word(at))))
        return (Answer(steps, Tokens(output=count)),)
    if match := _GATED.fullmatch(name):
        count = int(match[1] or 3)
        gated: list[Step] = [Text(word(1))]
        for at in range(2, count + 1):
            gated += [Gate(), Text(word(at))]
        return (Answer((*gated, Gate()), Tokens(output=count)),)
    if match := _BYTES.fullmatch(name):
        return (replace(HELLO, write_bytes=int(match[1])),)
    if match := _HUGE.fullmatch(name):
        return (Answer(tuple(Text("0123456789abcdef" * 64) for _ in range(int(match[1])))),)
    if match := _FLAKY.fullmatch(name):
        failures = (Refusal(500, "server_error", "The server had an error"),) * int(match[1] or 2)
        return (*failures, HELLO)
    return None


def word(number: int) -> str:
    """The words that `fake-words-*` and `fake-gated-*` say: `w1 w2 w3 …`, each with its blank behind."""
    return f"w{number} "


FIXED_NAMES = tuple(_FIXED)
LISTED_NAMES = (*FIXED_NAMES, "fake-slow", "fake-gated", "fake-words-200-20ms", "fake-bytes-1", "fake-huge-1024kb")
"""The names in the model lists; the numbered families answer to any number."""
