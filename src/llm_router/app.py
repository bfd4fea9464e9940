"""The composition root: the one room that knows everyone. Opens, wires, mounts, and closes in reverse."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from llm_router import __version__
from llm_router.domain.clock import Clock
from llm_router.providers.base import Provider
from llm_router.providers.http import open_session
from llm_router.providers.local import LocalModel, LocalProvider, LocalUnavailable, detect_local_model
from llm_router.providers.registry import build_providers
from llm_router.routing.retry import RetryPolicy
from llm_router.routing.router import Router
from llm_router.services.budgets import Budgets
from llm_router.services.catalog import LOCAL, Catalog
from llm_router.services.changes import Changes
from llm_router.services.chat import Chat
from llm_router.services.conversations import Conversations
from llm_router.services.estimates import Estimates
from llm_router.services.generations import Generations
from llm_router.services.images import Images
from llm_router.services.recovery import recover
from llm_router.services.snapshot import load_snapshot
from llm_router.settings import Settings, load_settings
from llm_router.store.database import only_server, open_database
from llm_router.web.api import (
    budgets,
    chat,
    conversations,
    devices,
    estimate,
    events,
    health,
    images,
    messages,
    models,
    usage,
)
from llm_router.web.api.schemas import ErrorAnswer
from llm_router.web.deps import Services
from llm_router.web.errors import register_error_handlers
from llm_router.web.middleware import wrap
from llm_router.web.static import StaticSite

_LOG = logging.getLogger(__name__)

STATIC_DIRECTORY = Path(__file__).parent / "web" / "static"

IMAGE_FOLDER = "images"
"""Beside the database."""


def build_app(settings: Settings, closing: asyncio.Event | None = None) -> ASGIApp:
    """The application, complete. Nothing is opened before its lifespan begins.

    Set `closing` when the shutdown begins: running answers are interrupted and stored, and open streams end,
    so that the server need not wait for its readers to leave.
    """
    closing = closing or asyncio.Event()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.services = await _open_services(settings, closing, stack)
            yield

    app = FastAPI(
        title="LLM Router",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={"default": {"model": ErrorAnswer, "description": "what went wrong"}},
    )
    for resource in (
        chat,
        messages,
        conversations,
        estimate,
        events,
        usage,
        models,
        devices,
        budgets,
        images,
        health,
    ):
        app.include_router(resource.router)
    register_error_handlers(app)
    app.router.default = StaticSite(STATIC_DIRECTORY)
    return wrap(app, settings)


def create_app() -> ASGIApp:
    """For a server that reloads and so has to make the application itself."""
    return build_app(load_settings())


async def _open_services(settings: Settings, closing: asyncio.Event, stack: AsyncExitStack) -> Services:
    clock = Clock(time.time, time.monotonic)
    stack.enter_context(only_server(settings.database_path))
    database = await open_database(settings.database_path)
    stack.push_async_callback(database.close)
    session = await stack.enter_async_context(open_session(settings.timeouts))
    providers = build_providers(settings.connections, session, settings.timeouts)
    local = detect_local_model() if settings.local_model else LocalUnavailable("no local model: LOCAL_MODEL is off")
    if isinstance(local, LocalModel):
        providers[LOCAL] = LocalProvider(local, timeouts=settings.timeouts, idle_seconds=settings.local_idle_seconds)
        stack.push_async_callback(providers[LOCAL].close)
    catalog = await stack.enter_async_context(
        Catalog(
            settings.connections,
            providers,
            load_snapshot(),
            configured_prices=settings.prices,
            local_unavailable_reason=local.reason if isinstance(local, LocalUnavailable) else None,
        )
    )
    _announce(settings, providers, local)
    await recover(database, catalog.price_for, clock)
    router = Router(providers, catalog.price_for, clock, RetryPolicy(max_retries=settings.max_retries))
    changes = Changes()
    generations = Generations(
        database,
        catalog.price_for,
        clock,
        changes,
        max_concurrent_runs=settings.max_concurrent_runs,
        drain_seconds={connection.name: connection.drain_seconds for connection in settings.connections},
    )
    spending = Budgets(database, clock)
    # Before everything that an answer in flight still needs: it is stored, then the rest closes.
    stack.push_async_callback(generations.shutdown)
    streams_closing = asyncio.Event()
    watcher = asyncio.create_task(_shut_down(closing, generations, streams_closing), name="shutdown")
    stack.push_async_callback(_end, watcher)
    image_directory = settings.data_directory / IMAGE_FOLDER
    return Services(
        settings=settings,
        database=database,
        catalog=catalog,
        generations=generations,
        budgets=spending,
        chat=Chat(database, catalog, router, generations, spending, clock, changes),
        estimates=Estimates(database, catalog, spending, clock),
        conversations=Conversations(database, generations, image_directory, clock, changes),
        images=Images(database, catalog, router, generations, spending, image_directory, clock, changes),
        changes=changes,
        clock=clock,
        closing=streams_closing,
    )


def _announce(settings: Settings, providers: Mapping[str, Provider], local: LocalModel | LocalUnavailable) -> None:
    """Says in the terminal where answers will come from and where they are kept."""
    _LOG.info("LLM Router %s, data in %s", __version__, settings.database_path)
    configured = [name for name in providers if name != LOCAL]
    if configured:
        _LOG.info("Answers come from: %s", ", ".join(configured))
    elif isinstance(local, LocalModel):
        _LOG.info("No API key is set: answers come from the embedded model, a tiny demo. Add a key to .env.")
    else:
        _LOG.warning("Nothing can answer yet: no API key is set, and %s. Add a key to .env.", local.reason)


async def _shut_down(closing: asyncio.Event, generations: Generations, streams_closing: asyncio.Event) -> None:
    """Readers hear the last event of their answer, and then their streams end."""
    await closing.wait()
    await generations.shutdown()
    streams_closing.set()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
