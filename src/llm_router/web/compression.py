"""JSON answers on their way to a phone: the catalog and a long conversation shrink to a tenth.

Only what is JSON and complete in one piece: an event stream passes as it comes, and files have compressed
siblings of their own. Knows nothing of what the answers say.
"""

import asyncio
import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WORTH_IT_BYTES = 1_000
"""Below this it still fits one packet."""
_PIECE_BYTES = 64 * 1024
"""A millisecond or so of compressing on a small machine; then others have their turn."""
_LEVEL = 4
_GZIP = 16 + zlib.MAX_WBITS
"""Tells zlib to write gzip's header and sum around the data."""


class CompressedJson:
    """Answers with gzip where the caller takes it. A whole answer is one message here: none is held back for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in accepted_codings(Headers(scope=scope).get("accept-encoding", "")):
            return await self._app(scope, receive, send)
        start: Message | None = None

        async def compressing_send(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_json(Headers(raw=message["headers"])):
                start = message
            elif start is None:
                await send(message)
            else:
                head, start = start, None
                await _send_whole(head, message, send)

        return await self._app(scope, receive, compressing_send)


async def _send_whole(start: Message, message: Message, send: Send) -> None:
    body: bytes = message.get("body", b"")
    if message.get("more_body") or len(body) < _WORTH_IT_BYTES:
        await send(start)
        await send(message)
        return
    headers = MutableHeaders(raw=start["headers"])
    headers["content-encoding"] = "gzip"
    headers.add_vary_header("accept-encoding")
    del headers["content-length"]
    await send(start)
    gzip = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for begin in range(0, len(body), _PIECE_BYTES):
        if piece := gzip.compress(body[begin : begin + _PIECE_BYTES]):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": gzip.flush()})


def accepted_codings(value: str) -> set[str]:
    """The codings named in `Accept-Encoding`, without those refused by `q=0`."""
    codings = set()
    for entry in value.lower().split(","):
        coding, _, quality = entry.partition(";")
        if quality.strip().replace(" ", "").rstrip("0") not in ("q=", "q=0."):
            codings.add(coding.strip())
    return codings


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("application/json") and "content-encoding" not in headers
