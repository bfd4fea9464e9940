"""The one place that talks to upstreams: HTTP by aiohttp, with limits on time and size.

Knows how a call goes wrong on its way and says so in our own errors, under the connection's name.
Knows no dialect: decoders are handed in, and what a refusal means is asked of the codec's `decode_error`.
Credentials travel in headers only, never to another host (redirects are not followed), and never into an error.
"""

import asyncio
import io
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp.http_exceptions import HttpProcessingError

from llm_router import __version__
from llm_router.domain.errors import (
    InvalidRequest,
    RouterError,
    UpstreamError,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    redact,
)
from llm_router.domain.events import CONTENT_EVENTS, Failed, Finished, StreamEvent
from llm_router.settings import ConnectionSettings, Secret, Timeouts
from llm_router.wire.json import mapping, read_json
from llm_router.wire.sse import ServerSentEvent, SSEDecoder

_LOG = logging.getLogger(__name__)

ERROR_BODY_BYTES = 1024 * 1024
LIST_BYTES = 16 * 1024 * 1024
IMAGE_BYTES = 64 * 1024 * 1024
ANSWER_BYTES = 16 * 1024 * 1024
LIST_SECONDS = 15.0

_LOWER_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError)
"""Everything that can rise out of the client; a timeout is an OSError too."""

T = TypeVar("T")

ErrorDecoder = Callable[[int, Mapping[str, str], bytes], RouterError]


class EventDecoder(Protocol):
    """A dialect's `StreamDecoder`."""

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]: ...

    def close(self) -> list[StreamEvent]: ...

    def decode_answer(self, body: bytes) -> list[StreamEvent]: ...


def open_session(timeouts: Timeouts, connector: aiohttp.BaseConnector | None = None) -> aiohttp.ClientSession:
    """The client that all connections share; the caller closes it. Proxy variables of the environment are ignored."""
    return aiohttp.ClientSession(
        # No pool limit: waiting for a place would look like a slow upstream, and runs are limited in `services`.
        connector=connector or aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect),
        # A compressed stream comes in bursts. One that is compressed all the same is still understood.
        headers={"Accept-Encoding": "identity", "User-Agent": f"llm-router/{__version__}"},
        trust_env=False,
    )


def bearer(secret: Secret | None) -> dict[str, str]:
    """The header that carries the key at OpenAI and those who follow it; none where there is no key."""
    return {"Authorization": f"Bearer {secret.reveal()}"} if secret else {}


class Upstream:
    """One connection's way out. `stream` for answers that come in pieces, `get` and `post` for the rest."""

    def __init__(
        self,
        connection: ConnectionSettings,
        session: aiohttp.ClientSession,
        timeouts: Timeouts,
        *,
        decode_error: ErrorDecoder,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection
        self._session = session
        self._timeouts = timeouts
        self._decode_error = decode_error
        self._headers = dict(headers or {})
        parts = urlsplit(connection.base_url)
        self._place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    @asynccontextmanager
    async def stream(
        self, path: str, body: Mapping[str, Any], decoder: EventDecoder
    ) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """Posts `body` and yields the events of the answer, as `providers.base.Provider.stream_chat` promises.

        The first-token limit runs from the sending to the first content; keep-alives do not extend it. After that
        the idle limit runs between any two arrivals, and a keep-alive counts: the upstream lives, and says so.
        A server that cannot stream answers in one piece, for which there is as much time as for an image.
        """
        waiting = _Waiting("first_token", self._timeouts.first_token)
        response = await self._send("POST", path, waiting, body, accept="text/event-stream")
        try:
            if response.status != 200:
                raise self._named(await self._refusal(response, waiting))
            reader: _StreamReader | _AnswerReader
            if response.content_type == "text/event-stream":
                reader = _StreamReader(decoder)
            else:
                reader, waiting = _AnswerReader(decoder), self._whole_limit()
            async with aclosing(self._events(response, reader, waiting)) as events:
                yield events
        finally:
            # Closed, not given back to the pool: an upstream that is cut off stops working, and billing.
            response.close()

    async def get(self, path: str, decode: Callable[[bytes], T], *, params: Mapping[str, str] | None = None) -> T:
        """What `decode` makes of a list or other small document. Raises a RouterError."""
        waiting = _Waiting("whole", min(LIST_SECONDS, self._timeouts.first_token))
        response = await self._send("GET", path, waiting, params=params)
        return await self._whole(response, waiting, LIST_BYTES, decode)

    async def post(self, path: str, body: Mapping[str, Any], decode: Callable[[bytes], T]) -> T:
        """What `decode` makes of an answer that comes in one piece (an image). Raises a RouterError."""
        waiting = self._whole_limit()
        return await self._whole(await self._send("POST", path, waiting, body), waiting, IMAGE_BYTES, decode)

    def _whole_limit(self) -> "_Waiting":
        """As long as a stream may be silent at most: nothing arrives before all of it is done."""
        return _Waiting("whole", self._timeouts.first_token + self._timeouts.idle)

    async def _send(
        self,
        method: str,
        path: str,
        waiting: "_Waiting",
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": accept, **self._headers}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            try:
                # A stream and not bytes, so that a long prompt is written in pieces between other work.
                data = io.BytesIO(orjson.dumps(body))
            except orjson.JSONEncodeError as error:
                raise self._named(InvalidRequest(f"The request cannot be written as JSON: {error}.")) from None
        url = self._connection.base_url + path
        try:
            async with asyncio.timeout_at(waiting.deadline):
                return await self._session.request(
                    method,
                    url,
                    data=data,
                    params=params,
                    headers=headers,
                    allow_redirects=False,
                )
        except _LOWER_ERRORS as error:
            was_sent = data is not None and data.tell() == data.getbuffer().nbytes
            raise self._named(self._translated(error, waiting, was_sent=was_sent)) from None

    async def _events(
        self, response: aiohttp.ClientResponse, reader: "_StreamReader | _AnswerReader", waiting: "_Waiting"
    ) -> AsyncGenerator[StreamEvent, None]:
        has_content = False
        while True:
            broken: Exception | None = None
            try:
                async with asyncio.timeout_at(waiting.deadline):
                    data = await response.content.readany()
            except _LOWER_ERRORS as error:
                data, broken = _left_over(response.content), error
            try:
                events = reader.feed(data)
                if not data and broken is None:
                    events += reader.flush()
            except RouterError as error:
                raise self._named(error) from None
            has_content = has_content or any(isinstance(event, CONTENT_EVENTS) for event in events)
            if not data or broken is not None:
                events += self._ending(response, reader, broken, waiting, has_content)
            for event in events:
                if isinstance(event, Failed):
                    raise self._named(event.error)
                yield event
                if isinstance(event, Finished):
                    return
            if has_content:
                waiting = _Waiting("idle", self._timeouts.idle)

    def _ending(
        self,
        response: aiohttp.ClientResponse,
        reader: "_StreamReader | _AnswerReader",
        broken: Exception | None,
        waiting: "_Waiting",
        has_content: bool,
    ) -> list[StreamEvent]:
        """What the end of the bytes means. An answer that was whole before a break is whole; the codec knows."""
        ending = reader.close()
        if ending and isinstance(ending[-1], Finished):
            return ending
        if broken is not None:
            return [Failed(self._translated(broken, waiting, has_content, was_sent=True))]
        for event in ending:
            if isinstance(event, Failed):
                _mark_sent(event.error)
        return ending or [Failed(self._no_answer(response, reader.body))]

    async def _whole(
        self, response: aiohttp.ClientResponse, waiting: "_Waiting", max_bytes: int, decode: Callable[[bytes], T]
    ) -> T:
        try:
            if response.status != 200:
                raise self._named(await self._refusal(response, waiting))
            body = await self._read(response, waiting, max_bytes)
            try:
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
                return decode(body)
            except RouterError as error:
                raise self._named(_mark_sent(error)) from None
        finally:
            response.close()

    async def _read(self, response: aiohttp.ClientResponse, waiting: "_Waiting", max_bytes: int) -> bytes:
        """The body; of one that is too long a little more than `max_bytes`, and the rest unread."""
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout_at(waiting.deadline):
                while size <= max_bytes and (piece := await response.content.readany()):
                    pieces.append(piece)
                    size += len(piece)
        except _LOWER_ERRORS as error:
            raise self._named(self._translated(error, waiting, was_sent=True)) from None
        return b"".join(pieces)

    async def _refusal(self, response: aiohttp.ClientResponse, waiting: "_Waiting") -> RouterError:
        if 300 <= response.status < 400:
            return UpstreamError(
                f"{self._place} redirects elsewhere (status {response.status}), which is not followed, since the key "
                "would travel along. Set the base URL to where the API really is.",
                details={"provider_status": response.status},
            )
        try:
            body = (await self._read(response, waiting, ERROR_BODY_BYTES))[:ERROR_BODY_BYTES]
        except UpstreamError:
            body = b""  # the status says enough, and more than a broken body does
        return self._decode_error(response.status, response.headers, body)

    def _no_answer(self, response: aiohttp.ClientResponse, body: bytes) -> RouterError:
        """A 200 that is no answer: an error in disguise, or something that was never an API."""
        if mapping(read_json(body)).get("error"):
            return self._decode_error(response.status, response.headers, body)
        # Not retryable: an answer may have been made, and billed, and would be again.
        return UpstreamError(
            f"{self._place} answered with {response.content_type} where an event stream was expected. "
            "Check that the base URL leads to the API and that it can stream.",
            details={"content_type": response.content_type},
        )

    def _translated(
        self, error: Exception, waiting: "_Waiting", has_content: bool = False, *, was_sent: bool = False
    ) -> RouterError:
        """The client's error in our words, most specific first. It is not chained: its repr may hold our headers.

        `was_sent`: the upstream has the whole request; see `_mark_sent`.
        """
        place = self._place
        match error:
            case aiohttp.ConnectionTimeoutError():
                seconds = self._timeouts.connect
                return UpstreamTimeout(
                    f"No connection to {place} within {seconds:g} s.",
                    details={"timeout": "connect", "seconds": seconds},
                )
            case TimeoutError():
                return UpstreamTimeout(
                    f"{waiting.complaint}{'; what arrived is kept' if has_content else ''}.",
                    details={"timeout": waiting.limit, "seconds": waiting.seconds},
                )
            case aiohttp.ClientConnectorCertificateError():
                # Stays wrong until somebody does something about it: no retry.
                return UpstreamError(f"The certificate of {place} is not valid: {_reason(error)}.")
            case aiohttp.ClientSSLError():
                return UpstreamFailed(f"No secure connection to {place}: {_reason(error)}.")
            case aiohttp.ClientConnectorDNSError():
                return UpstreamFailed(f"Cannot find the host of {place}: {_reason(error)}.")
            case aiohttp.ClientConnectorError():
                return UpstreamFailed(f"Cannot connect to {place}: {_reason(error)}.")
            case aiohttp.InvalidURL():
                return UpstreamError("The base URL is not an address.")
            case HttpProcessingError() | aiohttp.ClientResponseError():
                return UpstreamFailed(f"{place} does not speak HTTP as it should{_kept(has_content)}.")
        failed = UpstreamFailed(f"The connection to {place} broke{_kept(has_content)}.")
        return _mark_sent(failed) if was_sent else failed

    def _named(self, error: RouterError) -> RouterError:
        """`error` under the connection's name, and without what the upstream echoed of the key."""
        name, secret, secret_env = self._connection.name, self._connection.api_key, self._connection.api_key_env
        error.message = f"{name}: {_without_key(error.message, secret)}"
        if isinstance(error, UpstreamRejected) and secret_env:
            error.message = f"{error.message.rstrip('.')}. Check {secret_env}, then start again."
        error.args = (error.message,)
        if error.details:
            error.details = {
                key: _without_key(value, secret) if isinstance(value, str) else value
                for key, value in error.details.items()
            }
        return error


class _Waiting:
    """How long something may take, counted from now."""

    def __init__(self, limit: Literal["first_token", "idle", "whole"], seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self.deadline = asyncio.get_running_loop().time() + seconds

    @property
    def complaint(self) -> str:
        match self.limit:
            case "first_token":
                return f"Nothing of the answer came within {self.seconds:g} s (FIRST_TOKEN_TIMEOUT_SECONDS)"
            case "idle":
                return f"The answer stood still for {self.seconds:g} s (IDLE_TIMEOUT_SECONDS)"
            case "whole":
                return f"No answer within {self.seconds:g} s"


class _StreamReader:
    """The bytes of an event stream to events."""

    body = b""
    """Of an answer in one piece."""

    def __init__(self, decoder: EventDecoder) -> None:
        self._sse = SSEDecoder()
        self._decoder = decoder

    def feed(self, data: bytes) -> list[StreamEvent]:
        return self._decoded(self._sse.feed(data))

    def flush(self) -> list[StreamEvent]:
        """What was waiting for a body that has now ended, and was not cut."""
        return self._decoded(self._sse.close())

    def close(self) -> list[StreamEvent]:
        """What the end means for the answer."""
        return self._decoder.close()

    def _decoded(self, sent: Iterable[ServerSentEvent]) -> list[StreamEvent]:
        """What is said in them, up to the first that cannot be read: what came before it stands."""
        events: list[StreamEvent] = []
        for each in sent:
            try:
                events += self._decoder.feed(each)
            except Exception:
                return [*events, _unreadable()]
        return events


class _AnswerReader:
    """The bytes of an answer in one piece to events, when it is whole."""

    def __init__(self, decoder: EventDecoder) -> None:
        self._decoder = decoder
        self._body = bytearray()

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Nothing yet. Raises UpstreamError where it grows without bound."""
        self._body += data
        if len(self._body) > ANSWER_BYTES:
            raise _mark_sent(_too_large(ANSWER_BYTES))
        return []

    def flush(self) -> list[StreamEvent]:
        try:
            return self._decoder.decode_answer(self.body)
        except Exception:
            return [_unreadable()]

    def close(self) -> list[StreamEvent]:
        return []


def _unreadable() -> Failed:
    """Nobody knows all that an upstream may send. It costs the rest of this answer, and no more."""
    _LOG.exception("an answer could not be decoded")
    return Failed(_mark_sent(UpstreamFailed("The provider's stream held something that could not be read.")))


def _too_large(max_bytes: int) -> RouterError:
    return UpstreamError(f"The answer is larger than {max_bytes // 2**20} MB.")


def _mark_sent(error: RouterError) -> RouterError:
    """Says of a failure that the upstream had the whole request: it may have worked for it, and charge, unheard."""
    error.details = {**(error.details or {}), "sent": True}
    return error


def _left_over(content: aiohttp.StreamReader) -> bytes:
    """What arrived before the break. aiohttp's reader raises first and would keep it to itself."""
    content._exception = None
    return content.read_nowait()


def _kept(has_content: bool) -> str:
    return " in the middle of the answer; what arrived is kept" if has_content else " before the answer began"


def _reason(error: BaseException) -> str:
    """The operating system's or OpenSSL's own words for it."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return str(getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or cause).lower()


ECHO_CHARACTERS = 8
"""Of a key this much in a row gives it away; shorter runs are words that anyone may use."""

_WORD = re.compile(r"[\w.*~+/=-]+")


def _without_key(text: str, secret: Secret | None) -> str:
    """`text` without the words that hold a piece of the key. Keys without a known prefix pass by `redact`."""
    key = secret.reveal() if secret else ""
    pieces = {key[at : at + ECHO_CHARACTERS] for at in range(len(key) - ECHO_CHARACTERS + 1)}

    def replacement(match: re.Match[str]) -> str:
        word = match.group()
        return "[redacted]" if word == key or any(piece in word for piece in pieces) else word

    return _WORD.sub(replacement, redact(text))
