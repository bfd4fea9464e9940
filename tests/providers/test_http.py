"""The ways a call can fail between here and there, each over a real socket."""

import asyncio
import contextlib
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from llm_router.domain.errors import (
    InvalidRequest,
    RateLimited,
    RouterError,
    UnknownModel,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamTimeout,
)
from llm_router.domain.events import Finished
from llm_router.domain.fold import MessageFold
from llm_router.domain.messages import text_of
from llm_router.providers.base import ImageRequest
from llm_router.providers.http import open_session
from llm_router.settings import Timeouts
from tests.fake_provider import (
    Answer,
    Comment,
    Cut,
    FakeProvider,
    Pause,
    Raw,
    Reasoning,
    Refusal,
    StreamError,
    Text,
)
from tests.providers.asking import ask, first_text, prompt, target
from tests.providers.conftest import KEY, KINDS, Connect, Kind
from tests.recordings import needs_recordings, recording

every_kind = pytest.mark.parametrize("kind", KINDS)

MUCH = 200  # megabytes: more than anything here may be, and the test ends all the same where it is read
PATIENT = Timeouts(first_token=2.0, idle=2.0)
SHORT = Timeouts(first_token=0.2, idle=0.2)


# Refused calls.


@every_kind
@pytest.mark.parametrize(
    ("model", "error_class"),
    [
        ("fake-400", InvalidRequest),
        ("fake-401", UpstreamRejected),
        ("fake-404", UnknownModel),
        ("fake-429", RateLimited),
        ("fake-500", UpstreamFailed),
        ("fake-529", UpstreamOverloaded),
        ("fake-html", UpstreamFailed),
    ],
)
async def test_a_refusal_says_whose_it_is_and_what_it_is(
    kind: Kind, model: str, error_class: type[RouterError], connect: Connect
) -> None:
    asked = await ask(connect(kind), model)
    assert type(asked.failure) is error_class
    assert asked.failure.message.startswith("upstream: ")
    assert asked.events == []


@every_kind
async def test_retry_after_is_passed_on(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-429")
    assert isinstance(asked.failure, RateLimited)
    assert asked.failure.retry_after_seconds == 7


async def test_an_endless_error_is_read_in_part(connect: Connect) -> None:
    async with listener(head("500 Oops", "text/plain") + b"no ", repeats=MUCH) as port:
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}", timeouts=PATIENT), "any")
    assert isinstance(asked.failure, UpstreamFailed)
    assert "no no no" in asked.failure.message
    assert len(asked.failure.message) < 1000


async def test_an_endless_answer_is_refused(connect: Connect) -> None:
    async with listener(head("200 OK", "application/json") + b"[[ ", repeats=MUCH) as port:
        provider = connect("openai", base_url=f"http://127.0.0.1:{port}", timeouts=PATIENT)
        with pytest.raises(UpstreamError, match="upstream: The answer is larger than 64 MB"):
            await provider.generate_image(ImageRequest("a cat", "gpt-image-fake"), target("gpt-image-fake"))


async def test_the_status_counts_even_where_its_body_breaks(fake: FakeProvider, connect: Connect) -> None:
    async with listener(head("401 Unauthorized", "application/json") + b"{", closes=True) as port:
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}"), "any")
    assert isinstance(asked.failure, UpstreamRejected)


# Answers that are none.


@every_kind
async def test_a_plain_document_is_no_stream(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-json")
    assert type(asked.failure) is UpstreamError
    assert not asked.failure.is_retryable  # the answer may have been made, and billed
    assert "application/json where an event stream was expected" in asked.failure.message
    assert asked.failure.details == {"content_type": "application/json"}


@every_kind
async def test_an_error_in_the_dress_of_a_200_is_an_error(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-json-error")
    assert "no credit or quota left" in asked.failure.message


@every_kind
async def test_a_redirect_is_not_followed(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-redirect")
    assert "redirects elsewhere (status 307)" in asked.failure.message
    assert [exchange.path for exchange in fake.exchanges if exchange.path == "/control/trap"] == []
    assert len(fake.exchanges) == 1


async def test_something_that_does_not_speak_http(connect: Connect) -> None:
    async with listener(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", closes=True) as port:
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}/v1"), "any")
    assert isinstance(asked.failure, UpstreamFailed)
    assert f"127.0.0.1:{port} does not speak HTTP as it should before the answer began" in asked.failure.message


# Answers in one piece.


WHOLE: dict[Kind, tuple[str, int, int]] = {
    "openai": ("openai/responses/responses-text-gpt-5-6-terra", 13, 7),
    "anthropic": ("anthropic/messages/messages-thinking-claude-sonnet-5", 19, 270),
    "openai_compatible": ("openrouter/chat-completions/openrouter-cost-o1", 13, 9),
}
"""By kind a recorded answer, with its tokens in and out."""


@needs_recordings
@every_kind
@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "text/plain"])
async def test_a_server_that_does_not_stream_is_understood(
    kind: Kind, media_type: str, fake: FakeProvider, connect: Connect
) -> None:
    name, tokens_input, tokens_output = WHOLE[kind]
    fake.script("whole", Raw(200, {"Content-Type": media_type}, recording(name).body))
    asked = await ask(connect(kind), "whole")
    assert asked.error is None
    assert asked.text
    assert asked.fold.usage is not None
    assert (asked.fold.usage.tokens_input, asked.fold.usage.tokens_output) == (tokens_input, tokens_output)
    assert asked.events[-1] == Finished("stop")


async def test_a_failed_answer_in_one_piece_keeps_what_it_took(fake: FakeProvider, connect: Connect) -> None:
    body = (
        b'{"id": "r", "status": "failed", "output": [], "error": {"code": "server_error", "message": "Sorry"},'
        b' "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}}'
    )
    fake.script("failed", Raw(200, {"Content-Type": "application/json"}, body))
    asked = await ask(connect("openai"), "failed")
    assert isinstance(asked.failure, UpstreamFailed)
    assert asked.failure.message == "upstream: The provider failed: Sorry"
    assert asked.fold.usage is not None
    assert asked.fold.usage.tokens_output == 2


async def test_an_endless_answer_in_one_piece_is_refused(connect: Connect) -> None:
    async with listener(head("200 OK", "application/json") + b"[[ ", repeats=MUCH) as port:
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}"), "any")
    assert asked.failure.message == "upstream: The answer is larger than 16 MB."
    assert not asked.failure.is_retryable
    assert asked.failure.details == {"sent": True}


async def test_an_answer_in_one_piece_has_the_time_that_an_image_has(connect: Connect) -> None:
    async with listener(head("200 OK", "application/json") + b"   ") as port:
        provider = connect("openai_compatible", base_url=f"http://127.0.0.1:{port}", timeouts=SHORT)
        asked = await ask(provider, "any")
    assert isinstance(asked.failure, UpstreamTimeout)
    assert asked.failure.details == {"timeout": "whole", "seconds": 0.4}


# What an upstream may have worked for though nobody heard it.


@every_kind
async def test_a_hangup_after_the_request_was_sent_may_cost(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-hangup")
    assert asked.failure.details == {"sent": True}


@pytest.mark.parametrize("media_type", ["text/event-stream", "application/json"])
async def test_a_cut_before_the_first_word_may_cost(media_type: str, connect: Connect) -> None:
    async with listener(head("200 OK", media_type), closes=True) as port:
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}"), "any")
    assert asked.events == []
    assert isinstance(asked.failure, UpstreamFailed)
    assert asked.failure.details == {"sent": True}


async def test_a_stream_without_a_word_may_cost(fake: FakeProvider, connect: Connect) -> None:
    fake.script("mute", Raw(200, {"Content-Type": "text/event-stream"}))
    asked = await ask(connect("openai_compatible"), "mute")
    assert asked.events == []
    assert asked.failure.details == {"sent": True}


async def test_a_request_that_was_not_taken_whole_costs_nothing(connect: Connect) -> None:
    async with listener(b"", closes=True) as port:
        provider = connect("openai_compatible", base_url=f"http://127.0.0.1:{port}")
        asked = await ask(provider, "any", prompt("far more than any socket holds " * 1_000_000))
    assert isinstance(asked.failure, UpstreamFailed)
    assert "broke before the answer began" in asked.failure.message
    assert asked.failure.details is None


async def test_an_image_that_cannot_be_read_may_cost(fake: FakeProvider, connect: Connect) -> None:
    fake.script("gpt-image-odd", Raw(200, {"Content-Type": "application/json"}, b'{"data": []}'))
    with pytest.raises(UpstreamFailed) as failure:
        await connect("openai").generate_image(ImageRequest("a cat", "gpt-image-odd"), target("gpt-image-odd"))
    assert failure.value.details == {"sent": True}


# Streams that break.


@every_kind
async def test_a_cut_keeps_what_arrived(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-cut")
    assert asked.text == "I begin and then"
    assert isinstance(asked.failure, UpstreamFailed)
    assert "broke in the middle of the answer; what arrived is kept" in asked.failure.message


@every_kind
async def test_a_cut_keeps_even_what_nobody_had_read_yet(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    words = [f"word{number} " for number in range(200)]
    fake.script("burst", Answer((*map(Text, words), Cut())))
    provider = connect(kind)
    fold = MessageFold()
    with pytest.raises(UpstreamFailed, match="what arrived is kept"):  # noqa: PT012
        async with provider.stream_chat(prompt(), target("burst")) as events:
            await fake.reached(await fake.request(1), "finished")
            # A whole conversation later the end has been noticed, while all the pieces still wait to be read.
            await ask(provider, "fake-hello")
            async for event in events:
                fold.feed(event)
    assert text_of(fold.parts) == "".join(words)


async def test_a_cut_after_the_whole_answer_takes_nothing_from_it(connect: Connect) -> None:
    chunk = b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"All"},"finish_reason":"stop"}]}\n\n'
    async with listener(head("200 OK", "text/event-stream") + chunk, closes=True) as port:
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}/v1"), "any")
    assert asked.text == "All"
    assert asked.events[-1] == Finished("stop")


async def test_what_cannot_be_read_takes_nothing_from_what_came_before_it(connect: Connect) -> None:
    said = b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"Said."}}]}\n\n'
    too_deep = b"[" * 300 + b"]" * 300  # for the JSON writer, not for the reader
    call = b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"a":' + too_deep + b"}}}]}}]}\n\n"
    async with listener(head("200 OK", "text/event-stream") + said + call) as port:
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}/v1"), "any")
    assert asked.text == "Said."
    assert isinstance(asked.failure, UpstreamFailed)
    assert asked.failure.message == "upstream: The provider's stream held something that could not be read."


@every_kind
async def test_a_polite_end_without_the_terminal_event_is_a_failure(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-end")
    assert asked.text == "I begin and then"
    assert isinstance(asked.failure, UpstreamFailed)
    assert asked.failure.message == "upstream: The provider's stream ended before the answer was complete."


@every_kind
@pytest.mark.parametrize(("model", "text"), [("fake-error", "I begin and then"), ("fake-error-first", "")])
async def test_an_error_inside_the_stream_is_raised(kind: Kind, model: str, text: str, connect: Connect) -> None:
    asked = await ask(connect(kind), model)
    assert asked.text == text
    assert isinstance(asked.failure, UpstreamOverloaded)
    assert asked.failure.message.startswith("upstream: ")


@every_kind
async def test_a_hangup_without_an_answer(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind), "fake-hangup")
    assert isinstance(asked.failure, UpstreamFailed)
    assert "broke before the answer began" in asked.failure.message


# Connections that do not come about.


async def test_nobody_listens(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        asked = await ask(connect("openai_compatible", base_url=f"http://127.0.0.1:{port}/a/path"), "any")
    assert isinstance(asked.failure, UpstreamFailed)
    assert f"Cannot connect to 127.0.0.1:{port}: connect" in asked.failure.message
    assert "path" not in asked.failure.message
    assert asked.failure.details is None


async def test_no_such_host(connect: Connect) -> None:
    asked = await ask(connect("openai_compatible", base_url="https://nobody.invalid/v1"), "any")
    assert isinstance(asked.failure, UpstreamFailed)
    assert asked.failure.message.startswith("upstream: Cannot find the host of nobody.invalid:443: ")


async def test_no_tls_at_the_other_end(fake: FakeProvider, connect: Connect) -> None:
    asked = await ask(connect("openai", base_url=fake.openai_url.replace("http:", "https:")), "fake-hello")
    assert isinstance(asked.failure, UpstreamFailed)
    assert "No secure connection to 127.0.0.1:" in asked.failure.message
    assert fake.exchanges == []


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, connect: Connect) -> None:
    async with tls_listener(tmp_path) as port:
        asked = await ask(connect("openai", base_url=f"https://localhost:{port}/v1"), "any")
    assert type(asked.failure) is UpstreamError
    assert f"The certificate of localhost:{port} is not valid: self" in asked.failure.message


# Waiting.


async def test_the_connect_limit(connect: Connect) -> None:
    timeouts = Timeouts(connect=0.2)
    # The listener accepts, and never answers the TLS greeting.
    async with listener(b"") as port, open_session(timeouts) as session:
        url = f"https://127.0.0.1:{port}/v1"
        asked = await ask(connect("openai", base_url=url, timeouts=timeouts, session=session), "any")
    assert isinstance(asked.failure, UpstreamTimeout)
    assert asked.failure.message == f"upstream: No connection to 127.0.0.1:{port} within 0.2 s."
    assert asked.failure.details == {"timeout": "connect", "seconds": 0.2}


async def test_the_first_token_limit_while_no_headers_come(connect: Connect) -> None:
    async with listener(b"") as port:
        provider = connect("openai_compatible", base_url=f"http://127.0.0.1:{port}/v1", timeouts=SHORT)
        asked = await ask(provider, "any")
    assert isinstance(asked.failure, UpstreamTimeout)
    assert asked.failure.details == {"timeout": "first_token", "seconds": 0.2}


@every_kind
@pytest.mark.parametrize("model", ["fake-silent", "fake-comments-only"])
async def test_the_first_token_limit(kind: Kind, model: str, connect: Connect) -> None:
    asked = await ask(connect(kind, timeouts=SHORT), model)
    assert isinstance(asked.failure, UpstreamTimeout)
    assert "Nothing of the answer came within 0.2 s (FIRST_TOKEN_TIMEOUT_SECONDS)" in asked.failure.message


@every_kind
async def test_keep_alives_do_not_extend_the_first_token_limit(
    kind: Kind, fake: FakeProvider, connect: Connect
) -> None:
    fake.script("pinging", Answer((Comment(), Pause(0.05)) * 40))
    asked = await ask(connect(kind, timeouts=SHORT), "pinging")
    assert isinstance(asked.failure, UpstreamTimeout)
    assert asked.failure.details == {"timeout": "first_token", "seconds": 0.2}


@every_kind
async def test_the_idle_limit(kind: Kind, connect: Connect) -> None:
    asked = await ask(connect(kind, timeouts=Timeouts(idle=0.2)), "fake-stall")
    assert asked.text == "I begin and then"
    assert isinstance(asked.failure, UpstreamTimeout)
    assert asked.failure.details == {"timeout": "idle", "seconds": 0.2}
    assert "stood still for 0.2 s (IDLE_TIMEOUT_SECONDS); what arrived is kept" in asked.failure.message


@every_kind
async def test_keep_alives_and_thinking_are_signs_of_life(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    alive = (Comment(), Pause(0.05)) * 12
    fake.script("thoughtful", Answer((Reasoning("Hm. "), *alive, Text("Yes."))))
    asked = await ask(connect(kind, timeouts=Timeouts(first_token=0.4, idle=0.4)), "thoughtful")
    assert asked.error is None
    assert asked.text == "Yes."


@every_kind
async def test_an_image_and_a_list_have_limits_too(kind: Kind, connect: Connect) -> None:
    async with listener(b"") as port:
        provider = connect(kind, base_url=f"http://127.0.0.1:{port}", timeouts=Timeouts(first_token=0.1, idle=0.1))
        with pytest.raises(UpstreamTimeout, match=r"upstream: No answer within 0\.1 s"):
            await provider.list_models()
        if kind != "anthropic":
            with pytest.raises(UpstreamTimeout, match=r"upstream: No answer within 0\.2 s"):
                await provider.generate_image(ImageRequest("a cat", "gpt-image-fake"), target("gpt-image-fake"))


# Leaving.


@every_kind
async def test_leaving_the_context_hangs_up(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    async with connect(kind).stream_chat(prompt(), target("fake-gated")) as events:
        await first_text(events)
        exchange = await fake.request(1)
        await fake.reached(exchange, "waiting")
        assert "hung_up" not in exchange.states
    await fake.reached(exchange, "hung_up")


@every_kind
async def test_cancelling_the_reader_hangs_up(kind: Kind, fake: FakeProvider, connect: Connect) -> None:
    task = asyncio.create_task(ask(connect(kind), "fake-stall"))
    exchange = await fake.request(1)
    await fake.reached(exchange, "waiting")
    task.cancel()
    await fake.reached(exchange, "hung_up")
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_before_the_answer_begins_hangs_up(fake: FakeProvider, connect: Connect) -> None:
    request = ImageRequest("a cat", "gpt-image-fake-gated")
    task = asyncio.create_task(connect("openai").generate_image(request, target("gpt-image-fake-gated")))
    exchange = await fake.request(1)
    await fake.reached(exchange, "waiting")
    task.cancel()
    await fake.reached(exchange, "hung_up")
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_of_the_reader_is_its_own_and_hangs_up_too(fake: FakeProvider, connect: Connect) -> None:
    with pytest.raises(ConnectionResetError, match="the reader's own"):  # noqa: PT012
        async with connect("openai").stream_chat(prompt(), target("fake-gated")) as events:
            await first_text(events)
            raise ConnectionResetError("the reader's own")
    await fake.reached(await fake.request(1), "hung_up")


# Secrets.


@every_kind
@pytest.mark.parametrize("key", [KEY, "homelab-wrong-horse-battery-staple"])
@pytest.mark.parametrize(
    "model",
    [
        *("fake-400", "fake-401", "fake-404", "fake-429", "fake-500", "fake-529", "fake-html", "fake-json"),
        *("fake-json-error", "fake-redirect", "fake-hangup", "fake-cut", "fake-end", "fake-error", "echoed"),
    ],
)
async def test_no_failure_tells_the_key(
    kind: Kind, key: str, model: str, fake: FakeProvider, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if model == "echoed":
        fake.script(model, Refusal(500, key, f"proxy said: upstream of {key} failed, {key[:12]}… sent"))
    error = (await ask(connect(kind, key=key), model)).failure
    told = "".join(traceback.format_exception(error)) + repr(error) + str(error.as_dict()) + caplog.text
    assert key not in told
    assert key[:10] not in told
    assert key[-10:] not in told


async def test_an_error_in_the_stream_does_not_tell_the_key(fake: FakeProvider, connect: Connect) -> None:
    key = "homelab-horse-battery-staple"
    fake.script("leaky", Answer((StreamError("server_error", f"no luck with {key}"),)))
    asked = await ask(connect("openai_compatible", key=key), "leaky")
    assert "no luck with [redacted]" in asked.failure.message
    assert key not in str(asked.failure.as_dict())


async def test_a_short_key_does_not_blot_out_ordinary_words(fake: FakeProvider, connect: Connect) -> None:
    fake.script("wordy", Refusal(500, "server_error", "none of the models is free"))
    asked = await ask(connect("openai_compatible", key="o"), "wordy")
    assert "none of the models is free" in asked.failure.message


async def test_proxies_of_the_environment_are_not_used(session: aiohttp.ClientSession) -> None:
    assert session.trust_env is False
    assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)


# What the fake provider is too well-mannered for.


def head(status: str, media_type: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: 999999999\r\n\r\n".encode()


@asynccontextmanager
async def listener(answer: bytes, *, closes: bool = False, repeats: int = 0) -> AsyncIterator[int]:
    """Answers whatever it is told with these bytes, then repeats the last three for as many megabytes as it is told;
    then closes, or waits until the other end does. Yields its port."""

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            for _ in range(repeats):
                writer.write(answer[-3:] * 350_000)
                await writer.drain()
            while not closes and await reader.read(65536):
                pass
        writer.close()

    server = await asyncio.start_server(answer_one, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def tls_listener(directory: Path) -> AsyncIterator[int]:
    """Presents a certificate that it signed itself."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    command = f"req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout {key} -out {certificate}"
    openssl = await asyncio.create_subprocess_exec("openssl", *command.split(), stderr=asyncio.subprocess.DEVNULL)
    assert await openssl.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
