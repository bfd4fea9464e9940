"""The built page, served from memory, and the API's documentation.

What lies in the build folder at the start is what is served until the end: a request's path is a key in a
table, and a build that is replaced under a running server does not mix two versions. Only the documentation
and the manifest's pictures, heavier than all the rest and seldom asked for, are read again each time. Knows
the layout that the front-end's build makes, and nothing of the API but that its paths are not pages.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from llm_router.domain.errors import InvalidRequest, NotFound
from llm_router.web.compression import accepted_codings
from llm_router.web.errors import error_response

_MEDIA_TYPES: Mapping[str, str] = {
    # Not from `mimetypes`: it reads the machine's own tables, and with `nosniff` a wrong one breaks the page.
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_CODINGS: Mapping[str, str] = {"br": ".br", "gzip": ".gz"}
"""Best first, with the suffix of the sibling that the build may have left."""

_GZIP_HEADER = 16
"""Tells zlib that one stands before the data."""

_READ_EACH_TIME = ("docs/", "icons/", "screenshots/")

_HASHED = "public, max-age=31536000, immutable"
_CHECKED = "no-cache"
_ALWAYS_CHECKED = ("/", "/index.html", "/api/docs", "/api/docs/", "/manifest.webmanifest", "/service-worker.js")
"""What names the files of a build: an old one would ask for files that are gone."""
_SHORT = "public, max-age=3600"

_NOT_BUILT = "The page has not been built yet. Run `make setup` in the project's folder and start the server again.\n"


@dataclass(frozen=True, slots=True)
class _File:
    read: Callable[[], bytes] = field(repr=False)
    media_type: str
    cache_control: str
    etag: str
    """From the content: a package or an image may give every file of every version the same time and size."""
    encoded: Mapping[str, Callable[[], bytes]] = field(repr=False)
    """By coding: the same for each sibling that the build left."""


class StaticSite:
    """An ASGI application for every path that no route takes: give it to the router as its `default`.

    Not as a mount at `/`, which would take a path known under another method before the router can say 405.
    """

    def __init__(self, directory: Path) -> None:
        self._files = dict(_read(directory))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._response(scope["method"], scope["path"], Headers(scope=scope))(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    def _response(self, method: str, path: str, headers: Headers) -> Response:
        file = self._files.get(path)
        is_page = not path.startswith(("/api/", "/assets/")) and path != "/api"
        if method not in ("GET", "HEAD") and (file or is_page):
            error = InvalidRequest(f"{method} is not possible here.")
            return error_response(error, status=405, headers={"Allow": "GET, HEAD"})
        if file is None and is_page and _wants_page(headers):
            # A place inside the app, such as /c/{id}: the page finds its way from the address.
            file = self._files.get("/")
            if file is None:
                return PlainTextResponse(_NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})
        if file is None:
            return error_response(NotFound(f"There is nothing at {path[:200]}."))
        return _file_response(file, headers)


def _read(directory: Path) -> Iterator[tuple[str, _File]]:
    """Every file of the build under the path it is asked for by."""
    suffixes = tuple(_CODINGS.values())
    for location in sorted(directory.rglob("*")):
        name = location.relative_to(directory).as_posix()
        is_hidden = any(part.startswith(".") for part in name.split("/"))  # the build's own notes
        if is_hidden or location.suffix in suffixes or not location.is_file():
            continue
        encoded = {
            coding: _reader(sibling, name)
            for coding, suffix in _CODINGS.items()
            if (sibling := location.with_name(location.name + suffix)).is_file()
        }
        etag = _etag(location)
        # What is kept compressed anyway is not kept twice: few ask for it as it is.
        read = _inflater(encoded["gzip"]) if "gzip" in encoded else _reader(location, name)
        for path in _paths(name):
            yield path, _File(read, _media_type(location), _cache_control(path), etag, encoded)


def _reader(location: Path, name: str) -> Callable[[], bytes]:
    if name.startswith(_READ_EACH_TIME):
        return location.read_bytes
    content = location.read_bytes()
    return lambda: content


def _inflater(read: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: zlib.decompress(read(), zlib.MAX_WBITS | _GZIP_HEADER)


def _paths(name: str) -> tuple[str, ...]:
    if name == "index.html":
        return "/", "/index.html"
    if name == "docs/index.html":
        return "/api/docs", "/api/docs/"
    if name.startswith("docs/"):
        return (f"/api/{name}",)
    return (f"/{name}",)


def _media_type(location: Path) -> str:
    return _MEDIA_TYPES.get(location.suffix.lower(), "application/octet-stream")


def _cache_control(path: str) -> str:
    if path.startswith("/assets/"):
        return _HASHED
    return _CHECKED if path in _ALWAYS_CHECKED else _SHORT


def _etag(location: Path) -> str:
    with location.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _file_response(file: _File, asked: Headers) -> Response:
    accepted = accepted_codings(asked.get("accept-encoding", ""))
    coding = next((coding for coding in file.encoded if coding in accepted), None)
    headers = {
        "Cache-Control": file.cache_control,
        "ETag": f'"{file.etag}-{coding}"' if coding else f'"{file.etag}"',
    }
    if file.encoded:
        headers["Vary"] = "Accept-Encoding"
    if headers["ETag"] in _entity_tags(asked.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if coding:
        headers["Content-Encoding"] = coding
    read = file.encoded[coding] if coding else file.read
    return Response(read(), headers={**headers, "Content-Type": file.media_type})


def _wants_page(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "").lower()


def _entity_tags(value: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in value.split(",")}
