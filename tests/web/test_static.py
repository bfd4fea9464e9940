"""The built page as a browser asks for it, from a real folder through a real server."""

import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from llm_router.settings import Settings
from llm_router.web.errors import register_error_handlers
from llm_router.web.middleware import wrap
from llm_router.web.static import StaticSite
from tests.web.loopback import Loopback, serve

HTML = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
INDEX = b"<!doctype html><title>router</title>"
SCRIPT = b"console.log('router');" * 20


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "outside.txt").write_bytes(b"outside")
    build = tmp_path / "static"
    files = {
        "index.html": INDEX,
        "favicon.svg": b"<svg/>",
        "manifest.webmanifest": b"{}",
        "service-worker.js": b"self.addEventListener('fetch', () => {});",
        "icons/icon-192.png": b"PNG",
        "assets/index-4f2a.js": SCRIPT,
        "assets/index-4f2a.js.gz": gzip.compress(SCRIPT),
        "assets/index-4f2a.js.br": b"stands for brotli",
        "assets/font-77aa.woff2": b"wOF2",
        "docs/index.html": b"<!doctype html><title>docs</title>",
        "docs/swagger-ui.css": b"body {}",
        ".vite/manifest.json": b"{}",
        "assets/.hidden": b"",
    }
    for name, content in files.items():
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_bytes(content)
    return build


def site(directory: Path) -> FastAPI:
    app = FastAPI(openapi_url=None)
    register_error_handlers(app)
    app.add_api_route("/api/things", lambda: {"things": 1}, methods=["GET"])
    app.router.default = StaticSite(directory)
    return app


@pytest.fixture
async def server(build: Path) -> AsyncIterator[Loopback]:
    async with serve(wrap(site(build), Settings())) as server:
        yield server


async def test_the_page_is_asked_for_anew_each_time_and_sent_once(server: Loopback) -> None:
    first = await server.request("GET", "/", HTML)
    assert (first.status, first.body) == (200, INDEX)
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    for tag in (first.headers["etag"], "W/" + first.headers["etag"], f'"x", {first.headers["etag"]}'):
        again = await server.request("GET", "/", HTML, ("If-None-Match", tag))
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert (await server.request("GET", "/", HTML, ("If-None-Match", '"other"'))).status == 200


async def test_the_tag_of_a_page_is_its_content_not_its_time_and_size(build: Path, server: Loopback) -> None:
    before = await server.request("GET", "/", HTML)
    index = build / "index.html"
    times = (index.stat().st_atime, index.stat().st_mtime)
    index.write_bytes(INDEX.replace(b"router", b"roofer"))
    os.utime(index, times)
    async with serve(site(build)) as restarted:
        after = await restarted.request("GET", "/", HTML, ("If-None-Match", before.headers["etag"]))
    assert (after.status, after.body) == (200, INDEX.replace(b"router", b"roofer"))


async def test_a_build_replaced_under_a_running_server_does_not_mix_versions(build: Path, server: Loopback) -> None:
    (build / "assets/index-4f2a.js").unlink()
    (build / "index.html").write_bytes(b"next version")
    assert (await server.request("GET", "/", HTML)).body == INDEX
    assert (await server.request("GET", "/assets/index-4f2a.js")).body == SCRIPT


async def test_hashed_files_are_kept_for_a_year_and_others_shortly(server: Loopback) -> None:
    script = await server.request("GET", "/assets/index-4f2a.js")
    assert (script.status, script.body) == (200, SCRIPT)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    font = await server.request("GET", "/assets/font-77aa.woff2")
    assert font.headers["content-type"] == "font/woff2"
    manifest = await server.request("GET", "/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert manifest.headers["cache-control"] == "no-cache"
    icon = await server.request("GET", "/icons/icon-192.png")
    assert icon.headers["cache-control"] == "public, max-age=3600"


async def test_the_worker_that_keeps_the_page_is_never_an_old_one(server: Loopback) -> None:
    worker = await server.request("GET", "/service-worker.js")
    assert (worker.status, worker.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert worker.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in worker.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.000", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_the_builds_compressed_sibling_is_sent_to_who_takes_it(
    server: Loopback, accepted: str, coding: str | None
) -> None:
    answer = await server.request("GET", "/assets/index-4f2a.js", ("Accept-Encoding", accepted))
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    expected = {None: SCRIPT, "gzip": gzip.compress(SCRIPT), "br": b"stands for brotli"}[coding]
    assert (gzip.decompress(answer.body) == SCRIPT) if coding == "gzip" else (answer.body == expected)
    plain = await server.request("GET", "/assets/index-4f2a.js")
    assert (answer.headers["etag"] == plain.headers["etag"]) is (coding is None)


async def test_a_place_inside_the_app_is_the_page(server: Loopback) -> None:
    for path in ("/c/0193a1b2", "/usage", "/c/with%20space?x=1", "/index.html"):
        answer = await server.request("GET", path, HTML)
        assert (answer.status, answer.body) == (200, INDEX), path
        assert answer.headers["cache-control"] == "no-cache"


async def test_what_is_neither_a_file_nor_a_page_is_a_404_in_json(server: Loopback) -> None:
    for path, headers in (
        ("/api/nothing", [HTML]),
        ("/api", [HTML]),
        ("/api/", [HTML]),
        ("/api/docs/nothing.js", [HTML]),
        ("/assets/index-0000.js", [HTML]),  # a stale tab after an upgrade must not get HTML as its script
        ("/assets/index-0000.js", []),
        ("/missing.png", [("Accept", "image/*,*/*;q=0.8")]),
        ("/missing.png", []),
        ("/assets/index-4f2a.js.gz", []),
        ("/docs/swagger-ui.css", []),
        ("/.vite/manifest.json", []),
        ("/assets/.hidden", []),
    ):
        answer = await server.request("GET", path, *headers)
        assert (answer.status, answer.error["type"]) == (404, "not_found"), path
        assert answer.headers["cache-control"] == "no-store"


async def test_no_path_leaves_the_folder(server: Loopback) -> None:
    for path in (
        "/../outside.txt",
        "/assets/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/assets/%2e%2e%2f%2e%2e%2foutside.txt",
        "/..%5coutside.txt",
        "//outside.txt",
        "/%00",
        "/assets/index-4f2a.js%00",
        "/api/docs/../../../outside.txt",
        "/%2fetc%2fpasswd",
    ):
        answer = await server.request("GET", path)
        assert answer.status == 404, path
        assert b"outside\n" != answer.body != b"outside"


async def test_methods_other_than_reading_are_refused(server: Loopback) -> None:
    for path in ("/", "/c/1", "/assets/index-4f2a.js", "/api/docs"):
        answer = await server.request("POST", path)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD"), path
    # A route under another method keeps its own 405, and no route stays a 404.
    assert (await server.request("DELETE", "/api/things")).headers["allow"] == "GET"
    assert (await server.request("POST", "/api/nothing")).status == 404
    head = await server.request("HEAD", "/", HTML)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(INDEX)))


async def test_the_documentation_is_served_from_local_files(server: Loopback) -> None:
    for path in ("/api/docs", "/api/docs/"):
        page = await server.request("GET", path, HTML)
        assert (page.status, page.headers["cache-control"]) == (200, "no-cache")
        assert b"docs" in page.body
    style = await server.request("GET", "/api/docs/swagger-ui.css")
    assert (style.status, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert style.headers["cache-control"] == "public, max-age=3600"


async def test_without_a_build_the_page_says_what_to_do_and_the_api_works(tmp_path: Path) -> None:
    async with serve(site(tmp_path / "static")) as server:
        page = await server.request("GET", "/", HTML)
        assert page.status == 503
        assert b"make setup" in page.body
        assert (await server.request("GET", "/api/things")).json == {"things": 1}
        assert (await server.request("GET", "/assets/x.js")).status == 404
        assert (await server.request("GET", "/api/docs", HTML)).status == 404
