"""What a handler may ask for in its signature."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from llm_router.domain.clock import Clock
from llm_router.services.budgets import Budgets
from llm_router.services.catalog import Catalog
from llm_router.services.changes import Changes
from llm_router.services.chat import Caller, Chat
from llm_router.services.conversations import Conversations
from llm_router.services.estimates import Estimates
from llm_router.services.generations import Generations
from llm_router.services.images import Images
from llm_router.settings import Settings
from llm_router.store.database import Database
from llm_router.store.tables import OWNER_ID


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a running server is made of; wired once in `app.py`."""

    settings: Settings
    database: Database
    catalog: Catalog
    generations: Generations
    budgets: Budgets
    chat: Chat
    estimates: Estimates
    conversations: Conversations
    images: Images
    changes: Changes
    clock: Clock
    closing: asyncio.Event
    """Set when the server begins to shut down; open streams end on it."""


# Both are coroutines: FastAPI runs plain functions in a thread each time.
async def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def get_caller(request: Request) -> Caller:
    """The one owner, at the device that `web/middleware.py` made out."""
    return Caller(OWNER_ID, request.state.device_id, user_agent=request.headers.get("user-agent"))


ServicesDep = Annotated[Services, Depends(get_services)]
CallerDep = Annotated[Caller, Depends(get_caller)]
