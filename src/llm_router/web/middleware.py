"""The rules every request passes before it reaches a route, and the headers every response leaves with.

Each rule is a plain ASGI application around the next; none buffers, none hides a disconnect. They know the
header lines and the path, and nothing of routes, bodies' meaning or services.
"""

import re
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_router.domain.errors import InvalidRequest, NotPermitted, RequestTooLarge, RouterError, UnsupportedMediaType
from llm_router.domain.ids import new_id, program_id
from llm_router.settings import Settings
from llm_router.web.compression import CompressedJson
from llm_router.web.errors import error_response, internal_error_response, log_unexpected
from llm_router.web.hosts import is_allowed_host, is_same_origin

API = "/api"
DOCS = "/api/docs"
DEVICE_COOKIE = "device_id"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_HEADER_BYTES = 32 * 1024
_YEAR_SECONDS = 365 * 24 * 3600
_DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src {styles}; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


def wrap(app: ASGIApp, settings: Settings) -> ASGIApp:
    """`app` behind all rules. What is returned is to be served in its place.

    They stand around the whole application, not in its `add_middleware` list: that list lies inside of what
    answers an unexpected error, and a 500 needs the security headers too. From the outside in: first what
    holds for every response, refusals included; then whether anyone is answered under this name; then whether
    this caller may change something; then what it sends; last who it is, since nobody refused gets a cookie.
    """
    app = CompressedJson(app)
    app = DeviceIdentity(app)
    app = BodyLimit(app, settings.max_body_bytes)
    app = JsonRule(app)
    app = OriginRule(app)
    app = HostRule(app, settings.allowed_hosts)
    app = HeaderLimit(app)
    app = UnexpectedErrors(app)
    return SecurityHeaders(app)


class SecurityHeaders:
    """What a browser may do with our pages, on every response; and nothing is stored that did not ask for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        # Swagger UI sets style attributes. Nothing of the owner's is shown on its page.
        styles = "'self' 'unsafe-inline'" if _is_docs(scope) else "'self'"
        policy = (b"content-security-policy", _POLICY.format(styles=styles).encode())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), policy, *_SECURITY_HEADERS]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        return await self._app(scope, receive, send_with_headers)


class UnexpectedErrors:
    """Where an error nobody foresaw ends: in the log without credentials, and as a 500 without its text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        has_started = False

        async def watched_send(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception as error:
            log_unexpected(error, scope["method"], scope["path"])
            # A response that has begun is left unfinished: the server then cuts the connection, and the
            # caller sees that something is missing. Raising on would write the bare traceback to its log.
            if not has_started:
                await internal_error_response()(scope, receive, send)


class HeaderLimit:
    """The request line and headers together; the HTTP parser in front has no limit of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _header_bytes(scope) > _MAX_HEADER_BYTES:
            limit = f"{_MAX_HEADER_BYTES // 1024} kB"
            return await _refuse(
                InvalidRequest(f"The address and headers of a request may take {limit}."), scope, receive, send
            )
        return await self._app(scope, receive, send)


class HostRule:
    """Answers only under names that are ours; see `web/hosts.py` for why."""

    def __init__(self, app: ASGIApp, allowed_hosts: tuple[str, ...]) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1:
            return await _refuse(NotPermitted("A request names exactly one Host."), scope, receive, send)
        if not is_allowed_host(hosts[0], self._allowed_hosts):
            name = hosts[0].partition(":")[0][:100]
            message = f"This server does not answer as {name!r}. If that name is yours, add it to ALLOWED_HOSTS."
            return await _refuse(NotPermitted(message), scope, receive, send)
        return await self._app(scope, receive, send)


class OriginRule:
    """What changes something comes from our own page, or from no page at all.

    `Sec-Fetch-Site` is the browser's own verdict and no script can set it, so it decides where it is present,
    also behind a proxy that rewrites `Host`. Browsers send it to https and loopback only; on a home network's
    plain http it is `Origin` that speaks. Programs such as curl and the SDKs send neither, and pass.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS and not self._is_ours(scope):
            message = "This would change something, and a page of another site asked for it. Only our own page may."
            return await _refuse(NotPermitted(message), scope, receive, send)
        return await self._app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if sites := headers.getlist("sec-fetch-site"):
            return all(site in ("same-origin", "none") for site in sites)
        return all(is_same_origin(origin, headers.get("host", "")) for origin in headers.getlist("origin"))


class JsonRule:
    """A body sent to the API is `application/json`.

    A form on a foreign page can send text/plain that reads as JSON without asking first; for
    application/json its browser has to ask, and is never told yes. No body (stop, retry) needs no type.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS and _is_api(scope):
            headers = Headers(scope=scope)
            has_body = "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""
            if has_body and _asks_to_upgrade(headers):
                # The HTTP parser takes what follows for another protocol's and drops it.
                message = "No body is read behind an `Upgrade` header. Leave it out: this server speaks HTTP/1.1."
                return await _refuse(InvalidRequest(message), scope, receive, send)
            media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
            if has_body and media_type != "application/json":
                message = "The body has to be JSON and say so: `Content-Type: application/json`."
                return await _refuse(UnsupportedMediaType(message), scope, receive, send)
        return await self._app(scope, receive, send)


class BodyLimit:
    """Refuses a body that says it is too large, and one that turns out to be."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._message = f"The body is too large: {_size(max_body_bytes)} is the limit."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_body_bytes:
            return await _refuse(RequestTooLarge(self._message), scope, receive, send)
        received = 0

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                # The one exception that FastAPI lets through while it reads a body; `web/errors.py` renders it.
                raise HTTPException(413, detail=self._message)
            return message

        return await self._app(scope, counting_receive, send)


class DeviceIdentity:
    """Puts the caller's device to `scope["state"]["device_id"]`: its own header, else its cookie, else a new cookie.

    Programs such as curl and the SDKs bring no cookie back; each of them is one device, by what it is called.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_api(scope):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        named = headers.get("x-device-id")
        if named is not None and not _DEVICE_ID.fullmatch(named):
            message = "X-Device-ID has to be 1 to 64 letters, digits, `-` or `_`."
            return await _refuse(InvalidRequest(message), scope, receive, send)
        remembered = HTTPConnection(scope).cookies.get(DEVICE_COOKIE, "")
        known = named or (remembered if _DEVICE_ID.fullmatch(remembered) else None)
        if known is None and _is_program(headers):
            known = program_id(headers.get("user-agent", ""))
        device_id = known or new_id()
        state: dict[str, Any] = scope.setdefault("state", {})
        state["device_id"] = device_id
        if known:
            return await self._app(scope, receive, send)
        cookie = f"{DEVICE_COOKIE}={device_id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={_YEAR_SECONDS}"
        if scope["scheme"] == "https":
            cookie += "; Secure"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"set-cookie", cookie.encode())]}
            await send(message)

        return await self._app(scope, receive, send_with_cookie)


async def _refuse(error: RouterError, scope: Scope, receive: Receive, send: Send) -> None:
    await error_response(error)(scope, receive, send)


def _is_program(headers: Headers) -> bool:
    """Whether no browser asks. On a home network's plain http the beginning of its name is a browser's only mark."""
    marks = ("cookie", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
    return not any(mark in headers for mark in marks) and not headers.get("user-agent", "").startswith("Mozilla/")


def _asks_to_upgrade(headers: Headers) -> bool:
    return "upgrade" in headers and any("upgrade" in value.lower() for value in headers.getlist("connection"))


def _is_docs(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == DOCS or path.startswith(DOCS + "/")


def _is_api(scope: Scope) -> bool:
    """The documentation lies under the API's path, but is files: no device, and cached like files."""
    path: str = scope["path"]
    return (path == API or path.startswith(API + "/")) and not _is_docs(scope)


def _header_bytes(scope: Scope) -> int:
    line = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return line + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def _size(count: int) -> str:
    for unit, size in (("MB", 1024 * 1024), ("kB", 1024)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"
