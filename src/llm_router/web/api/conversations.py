"""Conversations: list, fetch with their tree, make, change, copy, delete."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from llm_router.domain.conversations import Conversation, Message
from llm_router.store.conversations import list_conversations
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import (
    CloneBody,
    ConversationAnswer,
    ConversationBody,
    ConversationChanges,
    ConversationPage,
    ConversationWithMessages,
    SystemBody,
)
from llm_router.web.deps import CallerDep, ServicesDep

router = APIRouter(prefix="/api/conversations", tags=["conversations"])


@router.get("", response_model=ConversationPage)
async def index(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    device_id: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Newest first. All devices of the owner see all conversations, unless one device is asked for."""
    async with services.database.read() as connection:
        page = await list_conversations(
            connection, caller.user_id, limit=limit, cursor=cursor or None, device_id=device_id or None
        )
    shown = [conversation.as_dict() for conversation in page.conversations]
    return json_answer({"conversations": shown, "next_cursor": page.next_cursor})


@router.post("", status_code=201, response_model=ConversationWithMessages)
async def create(services: ServicesDep, caller: CallerDep, body: ConversationBody | None = None) -> Response:
    body = body or ConversationBody()
    if body.model is not None:
        services.catalog.resolve(body.model)
    conversation = await services.conversations.create(
        caller, title=body.title, model=body.model, system_prompt=body.system_prompt
    )
    return json_answer(_with_messages(conversation, ()), 201)


@router.get("/{conversation_id}", response_model=ConversationWithMessages)
async def get(conversation_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    return json_answer(_with_messages(*await services.conversations.fetch(caller, conversation_id)))


@router.patch("/{conversation_id}", response_model=ConversationAnswer)
async def change(conversation_id: str, body: ConversationChanges, services: ServicesDep, caller: CallerDep) -> Response:
    if body.model is not None:
        services.catalog.resolve(body.model)
    conversation = await services.conversations.change(
        caller, conversation_id, title=body.title, model=body.model, active_leaf_id=body.active_leaf_id
    )
    return json_answer(conversation.as_dict())


@router.delete("/{conversation_id}", status_code=204, response_class=Response)
async def delete(conversation_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """Stops what runs in it first. Its usage is kept."""
    await services.conversations.delete(caller, conversation_id)
    return Response(status_code=204)


@router.post("/{conversation_id}/clone", status_code=201, response_model=ConversationWithMessages)
async def clone(
    conversation_id: str, services: ServicesDep, caller: CallerDep, body: CloneBody | None = None
) -> Response:
    """The whole tree, or a fork: the path down to `message_id`."""
    message_id = body.message_id if body else None
    return json_answer(_with_messages(*await services.conversations.clone(caller, conversation_id, message_id)), 201)


@router.post("/{conversation_id}/system", response_model=ConversationAnswer)
async def system(conversation_id: str, body: SystemBody, services: ServicesDep, caller: CallerDep) -> Response:
    """Appends to the system prompt, from the next prompt on."""
    conversation = await services.conversations.append_system(caller, conversation_id, body.system_text)
    return json_answer(conversation.as_dict())


def _with_messages(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    return conversation.as_dict() | {"messages": [message.as_dict() for message in messages]}
