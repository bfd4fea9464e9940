"""Hostile pages in a real Chromium: what they send arrives, changes nothing, and nothing comes back to be read."""

import asyncio
import html
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from llm_router.settings import Settings
from llm_router.web.errors import register_error_handlers
from llm_router.web.middleware import wrap
from llm_router.web.static import StaticSite
from tests.web.loopback import Loopback, serve

SECRET = "what the owner asked"
PICTURE = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

# Tries everything a page can try without the owner's help, and writes down what it saw.
PROBE = """
const target = document.documentElement.dataset.target;
const seen = {};
async function attempt(name, action) {
  const late = new Promise((_, refuse) => setTimeout(refuse, 3000, new Error("late")));
  try { seen[name] = String(await Promise.race([action(), late])); }
  catch (error) { seen[name] = "refused: " + error.name; }
}
async function request(path, options) {
  const response = await fetch(target + path, options);
  return `${response.type} ${response.status} ${await response.text()}`;
}
function placed(element, start) {
  return new Promise((resolve, refuse) => {
    element.onload = () => resolve(element);
    element.onerror = refuse;
    if (start) start(element);
    document.body.append(element);
  });
}
const json = '{"message": "pay"}';
const asJson = { "Content-Type": "application/json" };
const asText = { "Content-Type": "text/plain" };
const blind = { method: "POST", mode: "no-cors" };
await attempt("read", () => request("/api/things"));
await attempt("read-blind", () => request("/api/things", { mode: "no-cors" }));
await attempt("read-with-cookies", () => request("/api/things", { credentials: "include" }));
await attempt("text", () => request("/api/things?text", { ...blind, headers: asText, body: json }));
await attempt("json", () => request("/api/things?json", { method: "POST", headers: asJson, body: json }));
await attempt("empty", () => request("/api/things?empty", blind));
await attempt("delete", () => request("/api/things?delete", { method: "DELETE" }));
await attempt("beacon", () => navigator.sendBeacon(target + "/api/things?beacon", json));
await attempt("form", async () => {
  const frame = document.createElement("iframe");
  frame.name = "answer";
  await placed(frame);
  const form = document.createElement("form");
  Object.assign(form, { method: "post", enctype: "text/plain", target: "answer", action: target + "/api/things?form" });
  const field = document.createElement("input");
  Object.assign(field, { name: '{"message": "', value: 'pay"}' });
  form.append(field);
  document.body.append(form);
  const answered = new Promise((resolve) => { frame.onload = resolve; });
  form.submit();
  await answered;
  return frame.contentWindow.document.body.innerText;
});
await attempt("frame", async () => {
  const frame = await placed(document.createElement("iframe"), (made) => { made.src = target + "/"; });
  return frame.contentWindow.document.body.innerText;
});
await attempt("image", async () => {
  const image = await placed(new Image(), (made) => { made.src = target + "/api/picture"; });
  return `image of ${image.naturalWidth}`;
});
await attempt("script", async () => {
  await placed(document.createElement("script"), (made) => { made.src = target + "/api/things"; });
  return "ran";
});
document.getElementById("seen").textContent = JSON.stringify(seen);
"""


@dataclass(frozen=True)
class Arrival:
    method: str
    what: str
    """The path and query."""
    fetch_site: str | None
    status: int


class House:
    """The owner's server: the product's rules and static files around a few routes worth attacking."""

    def __init__(self, build: Path) -> None:
        self.changes: list[bytes] = []
        self.arrivals: list[Arrival] = []
        app = FastAPI(openapi_url=None)
        register_error_handlers(app)
        app.add_api_route("/api/things", self.read, methods=["GET"])
        app.add_api_route("/api/things", self.change, methods=["POST", "DELETE"])
        app.add_api_route("/api/picture", self.picture, methods=["GET"])
        app.router.default = StaticSite(build)
        self._app = wrap(app, Settings())

    async def read(self) -> dict[str, str]:
        return {"secret": SECRET}

    async def change(self, request: Request) -> dict[str, str]:
        self.changes.append(request.url.query.encode() + b" " + await request.body())
        return {"secret": SECRET}

    async def picture(self) -> Response:
        return Response(PICTURE, media_type="image/gif")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                what = (scope["path"] + "?" + scope["query_string"].decode()).removesuffix("?")
                site = Headers(scope=scope).get("sec-fetch-site")
                self.arrivals.append(Arrival(scope["method"], what, site, message["status"]))
            await send(message)

        await self._app(scope, receive, noting_send)

    def statuses(self, method: str, what: str) -> set[int]:
        return {arrival.status for arrival in self.arrivals if (arrival.method, arrival.what) == (method, what)}


def page(target: str, script: str) -> bytes:
    return f'<!doctype html><html data-target="{target}"><body><pre id="seen"></pre>{script}</body></html>'.encode()


def hostile_page(target: str) -> bytes:
    return page(target, f'<script type="module">{PROBE}</script>')


@pytest.fixture
def house(tmp_path: Path) -> House:
    assets = tmp_path / "build" / "assets"
    assets.mkdir(parents=True)
    (assets / "probe-1.js").write_text(PROBE)
    own_page = page("", f'{SECRET}<script type="module" src="/assets/probe-1.js"></script>')
    (tmp_path / "build" / "index.html").write_bytes(own_page)
    return House(tmp_path / "build")


@pytest.fixture
async def server(house: House) -> AsyncIterator[Loopback]:
    async with serve(house) as server:
        yield server


@pytest.fixture
def chromium() -> str:
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "no Chromium: put one on the PATH or name it in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


async def visit(chromium: str, profile: Path, url: str) -> dict[str, str]:
    """Opens `url` in a fresh browser and returns what the page there saw. Every name leads to this machine."""
    process = await asyncio.create_subprocess_exec(
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={profile}",
        "--host-resolver-rules=MAP * 127.0.0.1",
        "--virtual-time-budget=60000",
        "--timeout=60000",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(90):
            dom, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = re.search(r'<pre id="seen">(.+?)</pre>', dom.decode(), re.DOTALL)
    assert found, dom.decode()[:2000]
    seen: dict[str, str] = json.loads(html.unescape(found[1]))
    return seen


@asynccontextmanager
async def hostile_server(content: bytes) -> AsyncIterator[int]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(content, media_type="text/html")(scope, receive, send)

    async with serve(app) as server:
        yield server.port


@asynccontextmanager
async def rebound_name(content: bytes, house_port: int) -> AsyncIterator[int]:
    """A port where a name first leads to a hostile page, and for everything else to the house.

    That is what a page sees whose owner lets its name point at 127.0.0.1 after it has loaded.
    """

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /attack "):
                answer = (
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
                )
                writer.write(answer % len(content) + content)
                await writer.drain()
                return
            house_reader, house_writer = await asyncio.open_connection("127.0.0.1", house_port)
            house_writer.write(head)
            try:
                await asyncio.gather(pipe(reader, house_writer), pipe(house_reader, writer))
            finally:
                house_writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a connection made ahead and not used
        finally:
            writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


async def test_our_own_page_can_do_what_hostile_ones_try(
    chromium: str, tmp_path: Path, house: House, server: Loopback
) -> None:
    """The probe works: without this, the tests below would pass on a broken one."""
    seen = await visit(chromium, tmp_path / "profile", f"http://127.0.0.1:{server.port}/")
    assert SECRET in seen["read"]
    assert SECRET in seen["json"]
    assert seen["image"] == "image of 1"
    assert house.changes == [b'json {"message": "pay"}', b"empty ", b"delete "]
    assert house.statuses("POST", "/api/things?text") == {415}
    # Not even our own page may be framed or send a form: there is no reason to.
    assert SECRET not in seen["frame"] + seen["form"]
    assert house.statuses("POST", "/api/things?form") == set()


@pytest.mark.parametrize(
    ("hostile_name", "our_name", "has_fetch_metadata"),
    [
        ("127.0.0.1", "127.0.0.1", True),  # another program's page on this machine: the same site to a browser
        ("evil.example.com", "127.0.0.1", True),
        ("evil.example.com", "nas", False),  # plain http on a home network: Origin alone has to do
    ],
)
async def test_a_page_of_another_origin_changes_nothing_and_reads_nothing(
    chromium: str,
    tmp_path: Path,
    house: House,
    server: Loopback,
    hostile_name: str,
    our_name: str,
    has_fetch_metadata: bool,
) -> None:
    content = hostile_page(f"http://{our_name}:{server.port}")
    async with hostile_server(content) as port:
        seen = await visit(chromium, tmp_path / "profile", f"http://{hostile_name}:{port}/")
    assert house.changes == []
    _saw_nothing(seen)
    # It was our server that refused, not the browser that never asked.
    for what in ("text", "empty", "beacon", "form"):
        assert house.statuses("POST", f"/api/things?{what}") == {403}, what
    assert house.statuses("OPTIONS", "/api/things?json") == {405}
    assert house.statuses("OPTIONS", "/api/things?delete") == {405}
    assert any(arrival.fetch_site for arrival in house.arrivals) is has_fetch_metadata


async def test_a_rebound_name_changes_nothing_and_reads_nothing(
    chromium: str, tmp_path: Path, house: House, server: Loopback
) -> None:
    async with rebound_name(hostile_page(""), server.port) as port:
        seen = await visit(chromium, tmp_path / "profile", f"http://evil.example.com:{port}/attack")
    assert house.changes == []
    assert SECRET not in json.dumps(seen)
    # To the browser the page is on our origin, so it may read the refusals, and only them.
    assert seen["read"].startswith("basic 403 ")
    assert seen["json"].startswith("basic 403 ")
    assert len(house.arrivals) >= 10
    assert {arrival.status for arrival in house.arrivals} == {403}


def _saw_nothing(seen: dict[str, str]) -> None:
    assert SECRET not in json.dumps(seen)
    for attempt in ("read", "read-with-cookies", "json", "delete", "frame", "form", "image", "script"):
        assert seen[attempt].startswith("refused: "), (attempt, seen[attempt])
    for attempt in ("read-blind", "text", "empty"):
        assert seen[attempt] == "opaque 0 " or seen[attempt].startswith("refused: "), (attempt, seen[attempt])
