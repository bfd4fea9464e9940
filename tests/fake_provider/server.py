"""The fake provider's HTTP server: routes, gates, and a record of every request. Runs scenarios; invents none."""

import asyncio
import base64
import contextlib
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.fake_provider.dialects import ChatCompletions, Dialect, Messages, Responses
from tests.fake_provider.scenario import (
    LISTED_NAMES,
    Answer,
    Comment,
    Cut,
    Echo,
    End,
    Gate,
    Hangup,
    Pause,
    Raw,
    Refusal,
    Scenario,
    Stall,
    StreamError,
    Text,
    named_scenarios,
)

State = Literal["received", "waiting", "finished", "hung_up"]
"""`waiting`: at a gate or in a stall. `finished`: the script ran to its end. `hung_up`: the client left before that."""

PATIENCE_SECONDS = 10.0
"""How long anything waits for something that a test expects, before the test fails."""

ANTHROPIC_PAGE_SIZE = 20
"""The most models on one page of the list, whatever was asked for, so that clients have to turn it."""


@dataclass(slots=True)
class Exchange:
    """One request and what became of it."""

    number: int
    """Counted from 1."""
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """The JSON that was sent, None where there was none."""
    state: State = "received"
    states: list[State] = field(default_factory=lambda: ["received"])
    gates_passed: int = 0

    @property
    def model(self) -> str:
        return str(self.body.get("model", "")) if isinstance(self.body, dict) else ""

    def as_json(self) -> dict[str, Any]:
        hidden = ("authorization", "x-api-key")
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": {name: "hidden" if name in hidden else value for name, value in self.headers.items()},
            "model": self.model,
            "body": self.body,
            "state": self.state,
            "gates_passed": self.gates_passed,
        }


class FakeProvider:
    """A provider on loopback: `async with FakeProvider() as fake`. See the package's docstring."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._runner: web.AppRunner | None = None
        self._scripts: dict[str, list[Scenario]] = {}
        self._asked: dict[str, int] = {}
        self._permits: dict[str, int] = {}
        self._open: set[str] = set()
        self._changed = asyncio.Event()
        self._running: set[asyncio.Task[Any]] = set()
        self.exchanges: list[Exchange] = []

    async def __aenter__(self) -> "FakeProvider":
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for root in ("/v1", "/compatible/v1"):
            app.router.add_post(f"{root}/chat/completions", self._chat_completions)
            app.router.add_get(f"{root}/models", self._models)
            app.router.add_post(f"{root}/images/generations", self._images)
        app.router.add_post("/v1/responses", self._responses)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_route("*", "/control/trap", self._trap)
        app.router.add_post("/control/release", self._control_release)
        app.router.add_post("/control/script", self._control_script)
        app.router.add_get("/control/requests", self._control_requests)
        app.router.add_get("/control/requests/{number}", self._control_request)
        # Cancelled when the client goes: that is how a hang-up is noticed while nothing is being written.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        self._port = runner.addresses[0][1]
        self._runner = runner
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    # What a test calls.

    @property
    def url(self) -> str:
        """The root: Anthropic's base URL."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def compatible_url(self) -> str:
        """An OpenAI-compatible base URL whose list has the bare `fake-*` names; needs no key."""
        return f"{self.url}/compatible/v1"

    def script(self, model: str, *scenarios: Scenario) -> None:
        """From now on requests for `model` get these, one after the other; the last one repeats."""
        self._scripts[model] = list(scenarios)
        self._asked.pop(model, None)

    def release(self, model: str | None = None, count: int | None = 1) -> None:
        """Lets `count` gates of `model` pass, also ones not reached yet. None for either: all of them, for ever."""
        if count is None or model is None:
            self._open.add(model or "")
        else:
            self._permits[model] = self._permits.get(model, 0) + count
        self._notify()

    @property
    def requests(self) -> list[Exchange]:
        """Those that a provider would answer; model lists and `/control/trap` are in `exchanges` as well."""
        return [exchange for exchange in self.exchanges if exchange.method == "POST" and "/v1/" in exchange.path]

    async def request(self, number: int = 1) -> Exchange:
        """The nth of `requests`, awaited."""
        await self.until(lambda: len(self.requests) >= number, f"request {number}")
        return self.requests[number - 1]

    async def reached(self, exchange: Exchange, state: State) -> None:
        """Waits until `exchange` is, or was, in `state`."""
        await self.until(lambda: state in exchange.states, f"request {exchange.number} to be {state}")

    async def until(self, is_true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not is_true():
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"waited {seconds:g} s in vain for {what}") from None

    # The providers' endpoints.

    async def _chat_completions(self, request: web.Request) -> web.StreamResponse:
        return await self._converse(request, ChatCompletions, "messages")

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        return await self._converse(request, Responses, "input")

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        return await self._converse(request, Messages, "messages", "max_tokens")

    async def _converse(self, request: web.Request, dialect: type[Dialect], *required: str) -> web.StreamResponse:
        exchange = await self._record(request)
        refusal = self._objection(exchange, dialect, *required)
        scenario = refusal or self._next_scenario(exchange.model)
        match scenario:
            case Answer():
                return await self._stream(request, exchange, dialect(exchange.body, scenario))
            case Refusal():
                return self._refuse(exchange, scenario, dialect)
            case _:
                return await self._other(request, exchange, scenario)

    async def _stream(self, request: web.Request, exchange: Exchange, dialect: Dialect) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        size = dialect.answer.write_bytes

        async def send(data: bytes) -> None:
            for at in range(0, len(data), size or len(data) or 1):
                await response.write(data[at : at + size] if size else data)

        with self._serving(exchange):
            await response.prepare(request)
            await send(dialect.begin())
            for step in dialect.answer.steps:
                match step:
                    case Echo():
                        await send(dialect.say(Text(dialect.last_prompt(exchange.body))))
                    case Comment():
                        await send(dialect.keep_alive(step))
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                    case Gate():
                        await self._pass_gate(exchange)
                    case Stall():
                        self._enter(exchange, "waiting")
                        await asyncio.Event().wait()
                    case StreamError():
                        await send(dialect.fail(step))
                        break
                    case Cut():
                        self._enter(exchange, "finished")
                        if request.transport is not None:
                            request.transport.close()
                        return response
                    case End():
                        break
                    case _:
                        await send(dialect.say(step))
            else:
                await send(dialect.finish())
            self._enter(exchange, "finished")
            await response.write_eof()
        return response

    async def _images(self, request: web.Request) -> web.StreamResponse:
        """`gpt-image-fake`: base64 and usage. `dall-e-fake`: a URL unless asked for base64. `fake-image-url`: a URL."""
        exchange = await self._record(request)
        model = exchange.model
        refusal = self._objection(exchange, ChatCompletions, "prompt")
        is_image = model in ("gpt-image-fake", "dall-e-fake", "fake-image", "fake-image-url")
        scripted = None if is_image and model not in self._scripts else self._next_scenario(model)
        scenario = refusal or scripted
        if scenario is None and model.startswith("gpt-image") and "response_format" in exchange.body:
            scenario = Refusal(400, "unknown_parameter", "Unknown parameter: 'response_format'.")
        if isinstance(scenario, Refusal):
            return self._refuse(exchange, scenario, ChatCompletions)
        if scenario is not None and not isinstance(scenario, Answer):
            return await self._other(request, exchange, scenario)
        with self._serving(exchange):
            for step in scenario.steps if scenario else ():
                if isinstance(step, Gate):
                    await self._pass_gate(exchange)
        image: dict[str, Any] = {"b64_json": base64.b64encode(png()).decode()}
        if model == "fake-image-url" or (model == "dall-e-fake" and exchange.body.get("response_format") != "b64_json"):
            image = {"url": "http://169.254.169.254/latest/image.png"}
        body: dict[str, Any] = {"created": 1790000000, "data": [image]}
        if model == "dall-e-fake":
            image["revised_prompt"] = f"A picture of {exchange.body['prompt']}"
        else:
            details = {"image_tokens": 0, "text_tokens": 10}
            body |= {"output_format": "png", "size": "1024x1024", "quality": "low"}
            body["usage"] = {
                "input_tokens": 10,
                "input_tokens_details": details,
                "output_tokens": 272,
                "output_tokens_details": {"image_tokens": 272, "text_tokens": 0},
                "total_tokens": 282,
            }
        self._enter(exchange, "finished")
        return web.json_response(body)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        """Anthropic's list (paged) to whoever sends its version header, OpenAI's to others."""
        exchange = await self._record(request)
        is_anthropic = "anthropic-version" in exchange.headers
        dialect: type[Dialect] = Messages if is_anthropic else ChatCompletions
        if refusal := self._objection(exchange, dialect):
            return self._refuse(exchange, refusal, dialect)
        self._enter(exchange, "finished")
        if is_anthropic:
            return web.json_response(self._anthropic_models(exchange.query))
        if exchange.path.startswith("/compatible"):
            names = [*LISTED_NAMES, "fake-image"]
        else:
            names = [f"gpt-{name}" for name in LISTED_NAMES] + ["gpt-image-fake", "dall-e-fake"]
        rows = [{"id": name, "object": "model", "created": 1790000000, "owned_by": "fake"} for name in names]
        return web.json_response({"object": "list", "data": rows})

    def _anthropic_models(self, query: Mapping[str, str]) -> dict[str, Any]:
        names = [f"claude-{name}" for name in LISTED_NAMES]
        start = names.index(query["after_id"]) + 1 if query.get("after_id") in names else 0
        page = names[start : start + min(int(query.get("limit", 20)), ANTHROPIC_PAGE_SIZE)]
        rows = [
            {
                "type": "model",
                "id": name,
                "display_name": name.replace("-", " ").title(),
                "created_at": "2026-11-24T00:00:00Z",
                "max_input_tokens": 200_000,
                "max_tokens": 64_000,
            }
            for name in page
        ]
        last = page[-1] if page else None
        return {"data": rows, "has_more": last != names[-1], "first_id": page[0] if page else None, "last_id": last}

    async def _trap(self, request: web.Request) -> web.StreamResponse:
        """Where `fake-redirect` leads. Nobody should come here."""
        await self._record(request)
        return web.Response(text="trapped")

    # The control endpoints, for tests in another process.

    async def _control_release(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        self.release(body.get("model"), body.get("count", 1))
        return web.json_response({"released": True})

    async def _control_script(self, request: web.Request) -> web.Response:
        body = await request.json()
        scenarios: list[Scenario] = []
        for name in body["scenarios"]:
            found = named_scenarios(name)
            if found is None:
                raise web.HTTPBadRequest(text=f"no scenario {name}")
            scenarios += found
        self.script(body["model"], *scenarios)
        return web.json_response({"scripted": len(scenarios)})

    async def _control_requests(self, request: web.Request) -> web.Response:
        count = int(request.query.get("count", 0))
        await self._until_or_408(lambda: len(self.requests) >= count, f"{count} requests", request)
        return web.json_response({"requests": [exchange.as_json() for exchange in self.requests]})

    async def _control_request(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        state = request.query.get("state", "received")
        await self._until_or_408(
            lambda: len(self.requests) >= number and state in self.requests[number - 1].states,
            f"request {number} to be {state}",
            request,
        )
        return web.json_response(self.requests[number - 1].as_json())

    async def _until_or_408(self, is_true: Callable[[], bool], what: str, request: web.Request) -> None:
        try:
            await self.until(is_true, what, float(request.query.get("seconds", PATIENCE_SECONDS)))
        except TimeoutError as error:
            raise web.HTTPRequestTimeout(text=str(error)) from None

    # Inside.

    async def _record(self, request: web.Request) -> Exchange:
        exchange = Exchange(
            number=len(self.exchanges) + 1,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.json() if request.can_read_body else None,
        )
        self.exchanges.append(exchange)
        self._notify()
        return exchange

    def _next_scenario(self, model: str) -> Scenario:
        scenarios = self._scripts.get(model) or named_scenarios(model)
        if not scenarios:
            return Refusal(404, "model_not_found", f"The model `{model}` does not exist")
        asked = self._asked.get(model, 0)
        self._asked[model] = asked + 1
        return scenarios[min(asked, len(scenarios) - 1)]

    @staticmethod
    def _objection(exchange: Exchange, dialect: type[Dialect], *required: str) -> Refusal | None:
        """What a real provider would refuse: no key, a key with `wrong` in it, a field missing."""
        key = _key(exchange)
        if not key and not exchange.path.startswith("/compatible"):
            return Refusal(401, "invalid_api_key", "You didn't provide an API key")
        if "wrong" in key:
            return Refusal(401, "invalid_api_key", "Incorrect API key provided: {key}.", echoes_key=True)
        if dialect is Messages and "anthropic-version" not in exchange.headers:
            return Refusal(400, "invalid_request_error", "anthropic-version: header is required")
        if required and not isinstance(exchange.body, dict):
            return Refusal(400, "invalid_request_error", "expected a JSON object")
        for name in ("model", *required) if required else ():
            if not exchange.body.get(name):
                return Refusal(400, "missing_required_parameter", f"{name}: field required")
        if required and required != ("prompt",) and exchange.body.get("stream") is not True:
            return Refusal(400, "invalid_value", "the fake provider only streams: stream must be true")
        return None

    def _refuse(self, exchange: Exchange, refusal: Refusal, dialect: type[Dialect]) -> web.Response:
        self._enter(exchange, "finished")
        message = refusal.message
        if refusal.echoes_key:
            key = _key(exchange)
            message = message.format(key=f"{key[:10]}{'*' * 10}{key[-4:]}")
        return web.json_response(dialect.refuse(refusal, message), status=refusal.status, headers=refusal.headers)

    async def _other(self, request: web.Request, exchange: Exchange, scenario: Raw | Hangup) -> web.StreamResponse:
        self._enter(exchange, "finished")
        if isinstance(scenario, Raw):
            return web.Response(status=scenario.status, headers=scenario.headers, body=scenario.body)
        if request.transport is not None:
            request.transport.close()
        return web.Response()

    @contextlib.contextmanager
    def _serving(self, exchange: Exchange) -> Iterator[None]:
        """Notes when the client leaves, which cancels the task, and lets the task be cancelled at the end."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            if exchange.state != "finished":
                self._enter(exchange, "hung_up")
            raise
        finally:
            self._running.discard(task)

    async def _pass_gate(self, exchange: Exchange) -> None:
        model = exchange.model
        self._enter(exchange, "waiting")
        while not (self._open & {"", model} or self._permits.get(model, 0) > 0):
            await self._changed.wait()
        if not self._open & {"", model}:
            self._permits[model] -= 1
        exchange.gates_passed += 1
        self._enter(exchange, "received")

    def _enter(self, exchange: Exchange, state: State) -> None:
        exchange.state = state
        exchange.states.append(state)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _key(exchange: Exchange) -> str:
    return exchange.headers.get("x-api-key") or exchange.headers.get("authorization", "").removeprefix("Bearer ")


def png(size: int = 16) -> bytes:
    """A small picture, valid to the last checksum: a diagonal on green."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + b"".join(b"\xff\xff\xff" if x == y else b"\x20\xc0\x40" for x in range(size)) for y in range(size)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
