"""From a prompt to a running answer: one transaction writes both messages down, then the run starts.

A prompt that was acknowledged is in the database; one that was refused has changed nothing.
Knows no HTTP and no provider.
"""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from llm_router.domain.budgets import worst_cost
from llm_router.domain.catalog import ModelInfo
from llm_router.domain.chat import ChatRequest
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Conversation, Message, title_from
from llm_router.domain.errors import Conflict, InvalidRequest, NoRoute, NotFound, UnknownModel
from llm_router.domain.ids import new_id
from llm_router.domain.messages import MessageStatus, TextPart
from llm_router.domain.usage import Source
from llm_router.routing.router import Router
from llm_router.services.budgets import Budgets
from llm_router.services.catalog import Catalog, ResolvedModel
from llm_router.services.changes import Change, Changes
from llm_router.services.generations import Generations
from llm_router.store.conversations import get_conversation, insert_conversation, update_conversation
from llm_router.store.database import Database
from llm_router.store.devices import touch_device
from llm_router.store.generations import find_idempotent, keep_idempotency_key
from llm_router.store.messages import get_message, insert_messages, path_to
from llm_router.store.sql import AsyncConnection
from llm_router.store.usage import OperationName, Origin


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from which device, through which door."""

    user_id: str
    device_id: str | None
    source: Source = "web"
    user_agent: str | None = None
    """What the device says it is."""


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How an answer is to be made. None leaves it to the conversation, the catalog or the provider."""

    model: str | None = None
    temperature: float | None = None
    reasoning: str | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    text: str
    conversation_id: str | None = None
    """None starts a new conversation, unless the parent is in one."""
    parent_id: str | Literal["leaf"] | None = "leaf"
    """The message it follows; `leaf` is the conversation's active one, None starts a new root."""
    system_text: str | None = None
    """Appended to the conversation's system prompt first."""
    options: AnswerOptions = AnswerOptions()


@dataclass(frozen=True, slots=True)
class Submission:
    """What was acknowledged: both messages are in the database."""

    conversation_id: str
    user_message_id: str | None
    message_id: str
    status: MessageStatus


class Chat:
    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        router: Router,
        generations: Generations,
        budgets: Budgets,
        clock: Clock,
        changes: Changes,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._router = router
        self._generations = generations
        self._budgets = budgets
        self._clock = clock
        self._changes = changes

    async def submit(
        self,
        caller: Caller,
        prompt: Prompt,
        idempotency_key: str | None = None,
        *,
        budget_override: bool = False,
    ) -> Submission:
        """Takes a prompt and starts its answer. The same key and prompt again name the first answer, whatever became
        of it. Raises UnknownModel, NoRoute, InvalidRequest, NotFound, Conflict, BudgetExceeded, RateLimited,
        StorageFailed.
        """
        await self._catalog.warm()
        body_hash = hash_of(prompt)
        with ExitStack() as held:
            async with self._database.write() as connection:
                known = await known_submission(connection, caller, idempotency_key, body_hash)
                if known is not None:
                    return known
                held.enter_context(self._generations.reserve())
                conversation, path = await self._place(connection, caller, prompt)
                resolved = self._resolve(prompt.options, conversation)
                now = self._clock.now_ms()
                question = prompt_message(conversation.id, path[-1].id if path else None, prompt.text, now)
                answer = pending_answer(question, resolved, prompt.options, self._clock.now_ms())
                await insert_messages(connection, caller.user_id, caller.device_id, [question, answer])
                await self._point_at(connection, caller, conversation, answer, question, answer.model)
                await keep_key(connection, caller, idempotency_key, body_hash, answer)
                request = _request(conversation, [*path, question], answer)
                origin = await self._admit(connection, caller, answer, request, resolved, budget_override)
            if prompt.conversation_id is None and not path:
                self._changes.publish(caller.user_id, Change("conversation_created", conversation.id))
            return self._start(origin, answer, request, resolved)

    async def retry(
        self,
        caller: Caller,
        message_id: str,
        options: AnswerOptions,
        idempotency_key: str | None = None,
        *,
        budget_override: bool = False,
    ) -> Submission:
        """Starts another answer beside `message_id`, or a first one where that is a prompt. Its model is that of this
        answer alone: the conversation keeps its own. Raises as `submit`.
        """
        await self._catalog.warm()
        body_hash = hash_of(("retry", message_id, options))
        with ExitStack() as held:
            async with self._database.write() as connection:
                known = await known_submission(connection, caller, idempotency_key, body_hash)
                if known is not None:
                    return known
                held.enter_context(self._generations.reserve())
                original = await get_message(connection, caller.user_id, message_id)
                check_finished(original)
                question_id = original.id if original.role == "user" else original.parent_id
                if question_id is None:
                    raise InvalidRequest("That answer follows no prompt, so there is nothing to ask again.")
                path = await path_to(connection, caller.user_id, question_id)
                conversation = await get_conversation(connection, caller.user_id, original.conversation_id)
                options = self._inherited(options, original, conversation)
                resolved = self._resolve(options, conversation)
                answer = pending_answer(path[-1], resolved, options, self._clock.now_ms())
                await insert_messages(connection, caller.user_id, caller.device_id, [answer])
                model = conversation.model or answer.model
                await self._point_at(connection, caller, conversation, answer, path[0], model)
                await keep_key(connection, caller, idempotency_key, body_hash, answer)
                request = _request(conversation, path, answer)
                origin = await self._admit(connection, caller, answer, request, resolved, budget_override)
            return self._start(origin, answer, request, resolved)

    async def _place(
        self, connection: AsyncConnection, caller: Caller, prompt: Prompt
    ) -> tuple[Conversation, list[Message]]:
        """The conversation, made where there is none, and the path the prompt continues."""
        conversation, parent_id = await find_place(connection, caller.user_id, prompt.conversation_id, prompt.parent_id)
        path = await path_to(connection, caller.user_id, parent_id) if parent_id is not None else []
        if conversation is None:
            conversation = await begin_conversation(connection, caller, prompt.text, self._clock.now_ms())
        if prompt.system_text:
            system_prompt = appended(conversation.system_prompt, prompt.system_text)
            await update_conversation(connection, caller.user_id, conversation.id, system_prompt=system_prompt)
            conversation = replace(conversation, system_prompt=system_prompt)
        return conversation, path

    def _inherited(self, options: AnswerOptions, original: Message, conversation: Conversation) -> AnswerOptions:
        """What is not asked for anew is as it was, but for what the model, if it is another one, does not take."""
        model = options.model or original.model
        info = self._resolve_name(model, conversation).info
        temperature, reasoning = original.temperature, original.reasoning
        if not self._takes(info, temperature=temperature):
            temperature = None
        if not self._takes(info, reasoning=reasoning):
            reasoning = None
        return AnswerOptions(
            model=model,
            temperature=temperature if options.temperature is None else options.temperature,
            reasoning=reasoning if options.reasoning is None else options.reasoning,
            max_tokens=original.max_tokens if options.max_tokens is None else options.max_tokens,
        )

    def _takes(self, info: ModelInfo, *, temperature: float | None = None, reasoning: str | None = None) -> bool:
        try:
            self._catalog.validate(info, temperature=temperature, reasoning=reasoning)
        except InvalidRequest:
            return False
        return True

    def _resolve(self, options: AnswerOptions, conversation: Conversation) -> ResolvedModel:
        resolved = self._resolve_name(options.model, conversation)
        self._catalog.validate(resolved.info, temperature=options.temperature, reasoning=options.reasoning)
        return resolved

    def _resolve_name(self, model: str | None, conversation: Conversation) -> ResolvedModel:
        if model is not None or conversation.model is None:
            return self._catalog.resolve(model)
        try:
            return self._catalog.resolve(conversation.model)
        except (UnknownModel, NoRoute):
            # Its key or server is gone since; nobody asked for it by name now.
            return self._catalog.resolve(None)

    async def _point_at(
        self,
        connection: AsyncConnection,
        caller: Caller,
        conversation: Conversation,
        answer: Message,
        first: Message,
        model: str | None,
    ) -> None:
        await update_conversation(
            connection,
            caller.user_id,
            conversation.id,
            # One that was made empty and unnamed gets its name from its first prompt.
            title=conversation.title or title_from(first.content),
            active_leaf_id=answer.id,
            model=model,
            updated_at=answer.created_at,
        )

    async def _admit(
        self,
        connection: AsyncConnection,
        caller: Caller,
        answer: Message,
        request: ChatRequest,
        resolved: ResolvedModel,
        budget_override: bool,
    ) -> Origin:
        """Where the answer is to be booked. The device is one that was here now. Raises BudgetExceeded."""
        await touch_device(connection, caller.user_id, caller.device_id, caller.user_agent, answer.created_at)
        worst = worst_cost(request, resolved.info, self._catalog.price_for(resolved.target))
        return await self._budgets.admit(connection, origin_of(caller, answer), worst, override=budget_override)

    def _start(self, origin: Origin, answer: Message, request: ChatRequest, resolved: ResolvedModel) -> Submission:
        self._generations.start(
            origin,
            answer,
            resolved.target,
            partial(self._router.stream_chat, request, resolved.target),
        )
        return submission_of(answer)


async def find_place(
    connection: AsyncConnection, user_id: str, conversation_id: str | None, parent_id: str | Literal["leaf"] | None
) -> tuple[Conversation | None, str | None]:
    """The conversation that a prompt would continue, None where it would begin one, and the message it would follow.

    `parent_id` as in `Prompt`. Raises NotFound, InvalidRequest, and Conflict where that message is still being made.
    """
    parent = None
    if parent_id not in ("leaf", None):
        try:
            parent = await get_message(connection, user_id, parent_id)
        except NotFound:
            raise NotFound("There is no such message to follow: parent_id is unknown.") from None
        if conversation_id not in (None, parent.conversation_id):
            raise InvalidRequest("parent_id names a message of another conversation.")
        conversation_id = parent.conversation_id
    if conversation_id is None:
        return None, None
    conversation = await get_conversation(connection, user_id, conversation_id)
    if parent_id == "leaf" and conversation.active_leaf_id is not None:
        parent = await get_message(connection, user_id, conversation.active_leaf_id)
    if parent is None:
        return conversation, None
    check_finished(parent)
    return conversation, parent.id


async def begin_conversation(connection: AsyncConnection, caller: Caller, text: str, now: int) -> Conversation:
    """A new one, named after its first prompt."""
    conversation = Conversation(
        id=new_id(), title=title_from(text), created_at=now, updated_at=now, device_id=caller.device_id
    )
    await insert_conversation(connection, caller.user_id, conversation)
    return conversation


def _request(conversation: Conversation, path: Sequence[Message], answer: Message) -> ChatRequest:
    return ChatRequest(
        model=answer.model or "",
        messages=tuple(message.as_chat_message() for message in path),
        system=conversation.system_prompt,
        temperature=answer.temperature,
        reasoning=answer.reasoning,
        max_tokens=answer.max_tokens,
    )


def appended(system_prompt: str | None, text: str) -> str:
    """A system prompt with one more paragraph."""
    return f"{system_prompt}\n\n{text}" if system_prompt else text


def submission_of(answer: Message) -> Submission:
    return Submission(answer.conversation_id, answer.parent_id, answer.id, answer.status)


def origin_of(caller: Caller, answer: Message, operation_name: OperationName = "chat") -> Origin:
    return Origin(
        caller.user_id,
        caller.device_id,
        caller.source,
        answer.conversation_id,
        answer.id,
        answer.model or "",
        operation_name,
    )


def prompt_message(conversation_id: str, parent_id: str | None, text: str, now: int) -> Message:
    return Message(
        id=new_id(),
        conversation_id=conversation_id,
        parent_id=parent_id,
        role="user",
        content=text,
        parts=(TextPart(text),),
        status="complete",
        created_at=now,
    )


def pending_answer(question: Message, resolved: ResolvedModel, options: AnswerOptions, now: int) -> Message:
    """The answer to `question`, before anything of it is known."""
    return Message(
        id=new_id(),
        conversation_id=question.conversation_id,
        parent_id=question.id,
        role="assistant",
        content="",
        parts=(),
        status="pending",
        created_at=now,
        model=resolved.info.id,
        provider=resolved.target.provider,
        connection=resolved.target.connection,
        temperature=options.temperature,
        reasoning=options.reasoning,
        max_tokens=options.max_tokens,
    )


def check_finished(message: Message) -> None:
    if not message.is_finished:
        raise Conflict("That answer is still being made. Wait for it, or stop it first.")


def hash_of(request: object) -> str:
    """What makes a repeated request the same request. `repr` of a frozen value names every field."""
    return hashlib.sha256(repr(request).encode()).hexdigest()


async def known_submission(
    connection: AsyncConnection, caller: Caller, key: str | None, body_hash: str
) -> Submission | None:
    """The answer that this very request was given under `key` before.

    Raises Conflict where it was another request, or its answer is gone: nothing is paid twice for want of a look.
    """
    found = await find_idempotent(connection, caller.user_id, key) if key is not None else None
    if found is None:
        return None
    message_id, first_hash = found
    if first_hash != body_hash:
        raise Conflict("This Idempotency-Key was used for another request. Make a new key for each.")
    if message_id is None:
        raise Conflict("This was asked before, and its answer was deleted. Send it under a new Idempotency-Key.")
    return submission_of(await get_message(connection, caller.user_id, message_id))


async def keep_key(
    connection: AsyncConnection, caller: Caller, key: str | None, body_hash: str, answer: Message
) -> None:
    if key is not None:
        await keep_idempotency_key(
            connection, caller.user_id, key, body_hash=body_hash, message_id=answer.id, now=answer.created_at
        )
