"""The rules, through a real server and raw requests."""

import logging
import re
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from llm_router.settings import Settings
from llm_router.web.errors import register_error_handlers
from llm_router.web.middleware import wrap
from tests.web.loopback import Loopback, serve

JSON = ("Content-Type", "application/json")
KEY = "sk-proj-abcdefghijklmnop"


class Site:
    """A small application behind the rules, and what got through to it."""

    def __init__(self) -> None:
        self.changes: list[bytes] = []
        self.app = FastAPI(openapi_url=None)
        register_error_handlers(self.app)
        self.app.add_api_route("/api/things", self.read, methods=["GET"])
        self.app.add_api_route("/api/things", self.change, methods=["POST", "PUT", "PATCH", "DELETE"])
        self.app.add_api_route("/api/parsed", self.parsed, methods=["POST"])
        self.app.add_api_route("/api/cached", self.cached, methods=["GET"])
        self.app.add_api_route("/api/docs", self.read, methods=["GET"])
        self.app.add_api_route("/api/documents", self.read, methods=["GET"])
        self.app.add_api_route("/page", self.read, methods=["GET"])
        self.app.add_api_route("/page", self.change, methods=["POST"])
        self.app.add_api_route("/api/broken", self.broken, methods=["GET"])
        self.app.add_api_route("/api/broken-late", self.broken_late, methods=["GET"])

    async def read(self, request: Request) -> dict[str, str | None]:
        return {"device_id": getattr(request.state, "device_id", None)}

    async def change(self, request: Request) -> dict[str, str | None]:
        self.changes.append(await request.body())
        return {"device_id": getattr(request.state, "device_id", None)}

    async def parsed(self, body: dict[str, str]) -> None:
        self.changes.append(repr(body).encode())

    async def cached(self) -> Response:
        return Response(b"", headers={"Cache-Control": "private, max-age=60"})

    async def broken(self) -> None:
        raise ValueError(f"could not log in with {KEY}")

    async def broken_late(self) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first"
            raise ValueError(f"could not log in with {KEY}")

        return StreamingResponse(pieces())


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def server(site: Site) -> AsyncIterator[Loopback]:
    settings = Settings(allowed_hosts=("chat.example.org",), max_body_bytes=2048)
    async with serve(wrap(site.app, settings)) as server:
        yield server


# Host


async def test_a_foreign_host_is_refused_for_reads_too_and_told_why(server: Loopback, site: Site) -> None:
    answer = await server.request("GET", "/api/things", host="evil.example.com:8000")
    assert answer.status == 403
    assert answer.error["type"] == "permission"
    assert "'evil.example.com'" in answer.error["message"]
    assert "ALLOWED_HOSTS" in answer.error["message"]
    assert (await server.request("POST", "/api/things", host="evil.example.com")).status == 403
    assert (await server.request("GET", "/page", host="evil.example.com")).status == 403
    assert site.changes == []


async def test_a_host_of_ours_is_answered(server: Loopback) -> None:
    for host in ("localhost:8000", "nas", "chat.example.org", "[::1]:8000", "raspberrypi.local"):
        assert (await server.request("GET", "/api/things", host=host)).status == 200


async def test_no_host_two_hosts_and_an_empty_one_are_refused(server: Loopback) -> None:
    assert (await server.request("GET", "/api/things", host=None)).status == 403
    assert (await server.send(b"GET /api/things HTTP/1.0\r\n\r\n")).status == 403
    two = await server.request("GET", "/api/things", ("Host", "evil.example.com"), host="localhost")
    assert two.status == 403
    assert (await server.send(b"GET /api/things HTTP/1.1\r\nConnection: close\r\nHost: \r\n\r\n")).status == 403


async def test_a_host_in_the_request_line_does_not_replace_the_header(server: Loopback) -> None:
    answer = await server.request("GET", "http://localhost/api/things", host="evil.example.com")
    assert answer.status == 403


# Origin


@pytest.mark.parametrize(
    "header",
    [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", ""),
        ("Origin", "http://evil.example.com"),
        ("Origin", "http://127.0.0.1:3000"),
        ("Origin", "null"),
        ("Origin", ""),
    ],
)
async def test_a_change_asked_for_by_a_foreign_page_is_refused(
    server: Loopback, site: Site, header: tuple[str, str]
) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await server.request(method, "/api/things", JSON, header, body=b"{}")
        assert (answer.status, answer.error["type"]) == (403, "permission")
    assert (await server.request("POST", "/page", header)).status == 403
    assert site.changes == []


async def test_a_change_from_our_page_or_from_a_program_passes(server: Loopback, site: Site) -> None:
    own = ("Origin", f"http://127.0.0.1:{server.port}")
    for headers in (
        [],
        [own],
        [own, ("Sec-Fetch-Site", "same-origin")],
        [("Sec-Fetch-Site", "none")],
        # a proxy that ends TLS and rewrites Host: the browser's verdict stands
        [("Origin", "https://chat.example.org"), ("Sec-Fetch-Site", "same-origin")],
    ):
        assert (await server.request("POST", "/api/things", JSON, *headers, body=b"{}")).status == 200
    behind_tls = [("Origin", "https://chat.example.org")]
    assert (await server.request("POST", "/api/things", *behind_tls, host="chat.example.org")).status == 200
    assert len(site.changes) == 6


async def test_one_good_header_does_not_hide_a_bad_one(server: Loopback, site: Site) -> None:
    own, foreign = ("Origin", f"http://127.0.0.1:{server.port}"), ("Origin", "http://evil.example.com")
    assert (await server.request("POST", "/api/things", own, foreign)).status == 403
    sites = [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]
    assert (await server.request("POST", "/api/things", *sites)).status == 403
    assert (await server.request("POST", "/api/things", own, ("Sec-Fetch-Site", "cross-site"))).status == 403
    assert site.changes == []


async def test_a_read_needs_no_origin_and_is_never_opened_to_others(server: Loopback) -> None:
    answer = await server.request("GET", "/api/things", ("Origin", "http://evil.example.com"))
    assert answer.status == 200
    preflight = await server.request(
        "OPTIONS", "/api/things", ("Origin", "http://evil.example.com"), ("Access-Control-Request-Method", "POST")
    )
    assert preflight.status == 405
    for response in (answer, preflight):
        assert not [name for name in response.headers if name.startswith("access-control")]


# JSON


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "text/plain;application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/jsonp",
        "application/json-seq",
        "",
    ],
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(
    server: Loopback, site: Site, content_type: str | None
) -> None:
    headers = [] if content_type is None else [("Content-Type", content_type)]
    answer = await server.request("POST", "/api/things", *headers, body=b'{"message": "hi"}')
    assert (answer.status, answer.error["type"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.error["message"]
    assert site.changes == []


async def test_a_chunked_body_needs_the_type_too(server: Loopback, site: Site) -> None:
    headers = (f"Host: localhost:{server.port}", "Connection: close", "Transfer-Encoding: chunked")
    answer = await server.send(
        "\r\n".join(["POST /api/things HTTP/1.1", *headers, "", "2\r\n{}\r\n0\r\n\r\n"]).encode()
    )
    assert answer.status == 415
    assert site.changes == []


async def test_json_passes(server: Loopback, site: Site) -> None:
    for content_type in ("application/json", "Application/JSON; charset=utf-8"):
        answer = await server.request("POST", "/api/things", ("Content-Type", content_type), body=b"{}")
        assert answer.status == 200
    assert site.changes == [b"{}", b"{}"]


async def test_a_body_that_the_parser_drops_is_not_taken_for_none(server: Loopback, site: Site) -> None:
    """So ask clients that would rather speak HTTP/2: Java's own, and `curl --http2`."""
    upgrade = (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"))
    answer = await server.request("POST", "/api/things", JSON, *upgrade, body=b'{"message": "hi"}')
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert "Upgrade" in answer.error["message"]
    assert site.changes == []
    assert (await server.request("GET", "/api/things", *upgrade)).status == 200


async def test_no_body_needs_no_type(server: Loopback) -> None:
    assert (await server.request("POST", "/api/things")).status == 200
    assert (await server.request("POST", "/api/things", body=b"")).status == 200
    assert (await server.request("DELETE", "/api/things")).status == 200


# Size


@pytest.mark.parametrize("path", ["/api/things", "/api/parsed"])
async def test_a_body_over_the_limit_is_refused_before_it_is_sent(server: Loopback, site: Site, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: nas\r\nConnection: close\r\nContent-Length: 10000000\r\n"
    answer = await server.send(head.encode() + b"Content-Type: application/json\r\n\r\n")
    assert (answer.status, answer.error["type"]) == (413, "request_too_large")
    assert "2 kB" in answer.error["message"]
    assert site.changes == []


@pytest.mark.parametrize("path", ["/api/things", "/api/parsed"])
async def test_a_chunked_body_is_counted_as_it_comes(server: Loopback, site: Site, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: nas\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    # No last chunk: the refusal does not wait for the end of a body that may have none.
    answer = await server.send(head.encode() + b"Content-Type: application/json\r\n\r\n", chunk, chunk, chunk)
    assert (answer.status, answer.error["type"]) == (413, "request_too_large")
    assert "2 kB" in answer.error["message"]
    assert site.changes == []


async def test_a_body_at_the_limit_passes(server: Loopback, site: Site) -> None:
    assert (await server.request("POST", "/api/things", JSON, body=b" " * 2048)).status == 200
    assert (await server.request("POST", "/api/things", JSON, body=b" " * 2049)).status == 413
    assert [len(change) for change in site.changes] == [2048]


async def test_headers_and_addresses_have_a_limit(server: Loopback) -> None:
    assert (await server.request("GET", "/api/things", ("X-Long", "x" * 30_000))).status == 200
    for path, header in (
        ("/api/things", ("X-Long", "x" * 33_000)),
        ("/api/things?q=" + "x" * 33_000, ("X-Short", "x")),
    ):
        answer = await server.request("GET", path, header)
        assert (answer.status, answer.error["type"]) == (400, "invalid_request")
        assert "32 kB" in answer.error["message"]


# Headers of responses


async def test_every_response_carries_the_security_headers(server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        answers = [
            await server.request("GET", "/page"),
            await server.request("GET", "/api/things"),
            await server.request("GET", "/nowhere"),
            await server.request("DELETE", "/page"),
            await server.request("GET", "/api/broken"),
            await server.request("GET", "/page", host="evil.example.com"),
            await server.request("POST", "/page", ("Origin", "null")),
            await server.request("POST", "/api/things", body=b"x"),
            await server.request("POST", "/api/things", JSON, body=b"x" * 4000),
            await server.request("GET", "/page", ("X-Long", "x" * 40_000)),
            await server.request("GET", "/api/things", ("X-Device-ID", "a b")),
        ]
    assert [answer.status for answer in answers] == [200, 200, 404, 405, 500, 403, 403, 415, 413, 400, 400]
    for answer in answers:
        policy = _policy(answer.headers["content-security-policy"])
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["worker-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["img-src"] == "'self' data: blob:"  # nothing from other servers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert answer.headers["cache-control"] == "no-store"


async def test_only_the_documentation_may_style_inline_and_nobody_may_script_inline(server: Loopback) -> None:
    docs = _policy((await server.request("GET", "/api/docs")).headers["content-security-policy"])
    assert docs["style-src"] == "'self' 'unsafe-inline'"
    assert docs["script-src"] == "'self'"
    other = _policy((await server.request("GET", "/api/documents")).headers["content-security-policy"])
    assert other["style-src"] == "'self'"


async def test_a_response_that_says_how_it_is_cached_is_left_alone(server: Loopback) -> None:
    assert (await server.request("GET", "/api/cached")).headers["cache-control"] == "private, max-age=60"


def _policy(header: str) -> dict[str, str]:
    directives = (directive.strip().partition(" ") for directive in header.split(";"))
    return {name: value for name, _, value in directives}


# Device


@pytest.mark.parametrize("mark", [("User-Agent", "Mozilla/5.0 (iPhone)"), ("Sec-Fetch-Site", "same-origin")])
async def test_a_new_browser_gets_a_device_and_keeps_it(server: Loopback, mark: tuple[str, str]) -> None:
    first = await server.request("GET", "/api/things", mark)
    (cookie,) = first.cookies
    name_and_value, *attributes = cookie.split("; ")
    device_id = first.json["device_id"]
    assert name_and_value == f"device_id={device_id}"
    assert set(attributes) == {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=31536000"}
    second = await server.request("GET", "/api/things", ("Cookie", f"theme=amber; {name_and_value}"))
    assert second.json["device_id"] == device_id
    assert not second.cookies


async def test_a_program_is_one_device_at_every_call_and_after_an_update(server: Loopback) -> None:
    async def device_of(*headers: tuple[str, str]) -> str:
        answer = await server.request("GET", "/api/things", *headers)
        assert not answer.cookies
        return str(answer.json["device_id"])

    curl = await device_of(("User-Agent", "curl/8.5.0"))
    assert re.fullmatch(r"program-[0-9a-f]{16}", curl)
    assert await device_of(("User-Agent", "curl/8.17.0-DEV")) == curl
    python, js = ("User-Agent", "OpenAI/Python 2.8.0"), ("User-Agent", "OpenAI/JS 6.9.1")
    assert len({curl, await device_of(python), await device_of(js), await device_of()}) == 4
    assert await device_of() == await device_of()
    assert await device_of(("User-Agent", "curl/8.5.0"), ("X-Device-ID", "phone")) == "phone"


async def test_the_callers_own_device_id_wins_over_the_cookie(server: Loopback) -> None:
    answer = await server.request("GET", "/api/things", ("X-Device-ID", "my_phone-1"), ("Cookie", "device_id=other"))
    assert answer.json["device_id"] == "my_phone-1"
    assert not answer.cookies


@pytest.mark.parametrize("device_id", ["", "a b", "a" * 65, "a;b", "../x", "é", "<script>"])
async def test_a_malformed_device_id_is_refused_and_a_malformed_cookie_replaced(
    server: Loopback, site: Site, device_id: str
) -> None:
    answer = await server.request("POST", "/api/things", ("X-Device-ID", device_id))
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert "X-Device-ID" in answer.error["message"]
    assert site.changes == []
    if ";" not in device_id:
        renewed = await server.request("GET", "/api/things", ("Cookie", f"device_id={device_id}"))
        assert renewed.status == 200
        assert renewed.json["device_id"] != device_id
        assert len(renewed.cookies) == 1


async def test_pages_and_documentation_know_no_device(server: Loopback) -> None:
    for path in ("/page", "/api/docs"):
        answer = await server.request("GET", path)
        assert answer.json["device_id"] is None
        assert not answer.cookies


async def test_nobody_refused_gets_a_cookie(server: Loopback) -> None:
    assert not (await server.request("GET", "/api/things", host="evil.example.com")).cookies
    assert not (await server.request("POST", "/api/things", ("Origin", "null"))).cookies


# The unexpected


async def test_an_unexpected_error_says_nothing_of_itself_and_its_log_holds_no_key(
    server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await server.request("GET", "/api/broken?token=" + KEY)
    assert (answer.status, answer.error["type"]) == (500, "internal")
    assert set(answer.error) == {"type", "message"}
    assert b"log in" not in answer.body
    assert b"Traceback" not in answer.body
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "llm_router.web.errors"
    assert "GET /api/broken failed" in record.getMessage()
    assert "ValueError: could not log in with [redacted]" in record.getMessage()
    assert KEY not in caplog.text


async def test_an_error_after_the_start_cuts_the_response_off(
    server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    request = b"GET /api/broken-late HTTP/1.1\r\nHost: nas\r\nConnection: close\r\n\r\n"
    raw = await server.send_raw(request)
    assert raw.endswith(b"5\r\nfirst\r\n")  # and not the empty chunk that would mean a good end
    assert "could not log in with [redacted]" in caplog.text
    assert KEY not in caplog.text
