"""A provider on loopback that does as it is told: OpenAI Responses, OpenAI Chat Completions, Anthropic Messages.

A real HTTP server, for tests of everything that calls a provider. Test code only; it shares nothing with the product.

In a test's own event loop (a product that runs as another process can be pointed at it just as well):

    async with FakeProvider() as fake:
        fake.openai_url          # OPENAI_BASE_URL
        fake.url                 # ANTHROPIC_BASE_URL
        fake.compatible_url      # base_url of an openai_compatible connection; needs no key

        fake.script("any-name", Refusal(500, "server_error", "oh"), Answer((Text("a"), Gate(), Text("b"))))
        fake.release("any-name")                     # lets one gate pass; also one not reached yet
        exchange = await fake.request(1)             # the first request: headers, body, state
        await fake.reached(exchange, "waiting")      # it is at a gate or in a stall
        await fake.reached(exchange, "hung_up")      # the client left before the script's end

As a process: `python -m tests.fake_provider --port 0` prints its address as the first line. Then:

    POST /control/release   {"model"?, "count"?: n | null}    null: all gates, for ever; no model: of all models
    POST /control/script    {"model", "scenarios": ["fake-429", "fake-hello"]}    in this order; the last one repeats
    GET  /control/requests  ?count=2&seconds=5                waits until there are so many; 408 when in vain
    GET  /control/requests/1?state=hung_up&seconds=5          waits until the first was in that state

States: `received`, `waiting` (at a gate, or in a stall), `finished`, `hung_up`. `/control` hides keys.

A scenario is chosen by the model's name. Each has three names: `fake-x` (compatible), `gpt-fake-x` (OpenAI) and
`claude-fake-x` (Anthropic); any of them works at any endpoint. Unknown names are answered with 404.

    fake-hello              Hello, world! ⚡     (11 tokens in, 7 out, as everywhere unless said)
    fake-echo               the text of the last message
    fake-markdown           headings, list, code, table, a script tag, a remote image; a piece a line
    fake-reasoning          thinks "First, think.", then says "Then speak."; 19 tokens out, 12 of them reasoning
    fake-tools              text, then a call of get_weather in three pieces
    fake-cached             111 tokens in: 80 from the cache, 20 written to it
    fake-renamed            another response model than the one asked for
    fake-length  fake-filter  fake-empty  fake-no-usage      what they say
    fake-words-N[-Tms]      w1 w2 … wN, T milliseconds between; N tokens out
    fake-slow               fake-words-100-50ms
    fake-gated[-N]          w1, gate, w2, gate … wN (3), gate, end; N tokens out
    fake-bytes-N            fake-hello, N bytes a write, through the middle of characters too
    fake-huge-Nkb           N pieces of 1 KiB
    fake-comments           keep-alives between the pieces (Anthropic: pings)
    fake-comments-only      keep-alives, then silence;  fake-silent: headers, then silence
    fake-stall              two pieces, then silence
    fake-cut                two pieces, then the socket closes in mid-body
    fake-end                two pieces, then a polite end without the terminal event
    fake-error              two pieces, then an error in the stream (overloaded);  fake-error-first: before any piece
    fake-flaky[-N]          500 N times (2), then fake-hello
    fake-400 -401 -404 -429 -500 -529      refusals; 401 echoes parts of the key, 429 has Retry-After: 7
    fake-json  fake-json-error  fake-html  fake-redirect  fake-hangup      no event stream at all

Images (`POST …/images/generations`): `gpt-image-fake` and `fake-image` (base64, usage), `dall-e-fake` (a URL unless
`response_format` asks for base64; a revised prompt), `fake-image-url` (always a URL, to an address that must not be
fetched). Scripts, gates and refusals work there too (`gpt-image-fake-429`).

Like a real provider it refuses requests without a key (401), with a key that has `wrong` in it (401, echoed in part),
without `anthropic-version`, without `max_tokens` at Messages, and those that do not stream.
"""

from tests.fake_provider.scenario import (
    HELLO,
    LISTED_NAMES,
    TOOL_CALL,
    Answer,
    Comment,
    Cut,
    Echo,
    End,
    Gate,
    Hangup,
    Pause,
    Raw,
    Reasoning,
    Refusal,
    Scenario,
    Stall,
    Step,
    StreamError,
    Text,
    Tokens,
    ToolCall,
    word,
)
from tests.fake_provider.server import Exchange, FakeProvider, png

__all__ = [
    "HELLO",
    "LISTED_NAMES",
    "TOOL_CALL",
    "Answer",
    "Comment",
    "Cut",
    "Echo",
    "End",
    "Exchange",
    "FakeProvider",
    "Gate",
    "Hangup",
    "Pause",
    "Raw",
    "Reasoning",
    "Refusal",
    "Scenario",
    "Stall",
    "Step",
    "StreamError",
    "Text",
    "Tokens",
    "ToolCall",
    "png",
    "word",
]
