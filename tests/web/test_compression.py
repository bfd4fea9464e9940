"""JSON on its way to who takes it smaller, through a real server and raw requests."""

import gzip
from collections.abc import AsyncIterator

import orjson
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from llm_router.settings import Settings
from llm_router.web.errors import register_error_handlers
from llm_router.web.middleware import wrap
from tests.web.loopback import Loopback, serve

TAKES_GZIP = ("Accept-Encoding", "gzip, deflate, br")
LONG = {"messages": [f"message {number} of a long conversation" for number in range(20_000)]}
SHORT = {"status": "ok"}


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    app = FastAPI(openapi_url=None)
    register_error_handlers(app)
    app.add_api_route("/api/long", _long, methods=["GET"])
    app.add_api_route("/api/short", _short, methods=["GET"])
    app.add_api_route("/api/plain", _plain, methods=["GET"])
    app.add_api_route("/api/streamed", _streamed, methods=["GET"])
    app.add_api_route("/api/broken", _broken, methods=["GET"])
    async with serve(wrap(app, Settings())) as loopback:
        yield loopback


async def _long() -> dict[str, list[str]]:
    return LONG


async def _short() -> dict[str, str]:
    return SHORT


async def _plain() -> Response:
    return PlainTextResponse("x" * 5_000)


async def _streamed() -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"[" + b"1," * 2_000
        yield b"1]"

    return StreamingResponse(pieces(), media_type="application/json")


async def _broken() -> dict[str, str]:
    raise RuntimeError("nobody foresaw this")


async def test_a_long_answer_is_compressed_whole_for_who_takes_gzip(server: Loopback) -> None:
    answer = await server.request("GET", "/api/long", TAKES_GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers["content-type"] == "application/json"
    assert "content-length" not in answer.headers
    assert orjson.loads(gzip.decompress(answer.body)) == LONG
    assert len(answer.body) < len(orjson.dumps(LONG)) / 5


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
async def test_it_is_sent_as_it_is_to_who_does_not(server: Loopback, accepted: str) -> None:
    answer = await server.request("GET", "/api/long", ("Accept-Encoding", accepted))
    assert "content-encoding" not in answer.headers
    assert answer.json == LONG


@pytest.mark.parametrize("path", ["/api/short", "/api/plain", "/api/streamed"])
async def test_what_is_short_no_json_or_made_as_it_goes_is_left_alone(server: Loopback, path: str) -> None:
    answer = await server.request("GET", path, TAKES_GZIP)
    plain = await server.request("GET", path)
    assert "content-encoding" not in answer.headers
    assert answer.body == plain.body


async def test_an_error_is_an_answer_too(server: Loopback) -> None:
    answer = await server.request("GET", "/api/broken", TAKES_GZIP)
    assert answer.status == 500
    assert answer.error["type"] == "internal"
