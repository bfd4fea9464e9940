"""Images: made as an answer of a conversation, as durable as any other, and kept as files beside the database."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from llm_router.domain.chat import Target
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Message
from llm_router.domain.errors import InvalidRequest, NoRoute, StorageFailed, UpstreamError
from llm_router.domain.events import Finished, PartAdded, StreamEvent, TextDelta
from llm_router.domain.ids import new_id
from llm_router.domain.messages import ImagePart
from llm_router.domain.pricing import price_usage
from llm_router.providers.base import GeneratedImage, ImageRequest
from llm_router.routing.metering import BeginAttempt, expected_of_image
from llm_router.routing.router import Router
from llm_router.services.budgets import Budgets
from llm_router.services.catalog import Catalog, ResolvedModel
from llm_router.services.changes import Change, Changes
from llm_router.services.chat import (
    AnswerOptions,
    Caller,
    Submission,
    begin_conversation,
    find_place,
    hash_of,
    keep_key,
    known_submission,
    origin_of,
    pending_answer,
    prompt_message,
    submission_of,
)
from llm_router.services.generations import Generations
from llm_router.store.conversations import update_conversation
from llm_router.store.database import Database
from llm_router.store.devices import touch_device
from llm_router.store.images import ListedImage, StoredImage, get_image, insert_image, list_images
from llm_router.store.messages import insert_messages
from llm_router.store.sql import AsyncConnection
from llm_router.store.usage import Origin

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    text: str
    model: str | None = None
    size: str | None = None
    quality: str | None = None
    conversation_id: str | None = None
    parent_id: str | Literal["leaf"] | None = "leaf"
    """As in `Prompt`."""


class Images:
    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        router: Router,
        generations: Generations,
        budgets: Budgets,
        directory: Path,
        clock: Clock,
        changes: Changes,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._router = router
        self._generations = generations
        self._budgets = budgets
        self._directory = directory
        self._clock = clock
        self._changes = changes

    async def submit(
        self,
        caller: Caller,
        prompt: ImagePrompt,
        idempotency_key: str | None = None,
        *,
        budget_override: bool = False,
    ) -> Submission:
        """Takes the prompt and starts the image. Raises as `Chat.submit`."""
        resolved = await self._resolve(prompt.model)
        body_hash = hash_of(prompt)
        with ExitStack() as held:
            async with self._database.write() as connection:
                known = await known_submission(connection, caller, idempotency_key, body_hash)
                if known is not None:
                    return known
                held.enter_context(self._generations.reserve())
                answer = await self._write_down(connection, caller, prompt, resolved)
                await keep_key(connection, caller, idempotency_key, body_hash, answer)
                await touch_device(connection, caller.user_id, caller.device_id, caller.user_agent, answer.created_at)
                origin = await self._budgets.admit(
                    connection,
                    origin_of(caller, answer, "image_generation"),
                    self._worst_cost(prompt, resolved.target),
                    override=budget_override,
                )
            if prompt.conversation_id is None and prompt.parent_id in ("leaf", None):
                self._changes.publish(caller.user_id, Change("conversation_created", answer.conversation_id))
            self._start(origin, answer, prompt, resolved)
        return submission_of(answer)

    async def _resolve(self, model: str | None) -> ResolvedModel:
        model = model or (await self._catalog.models()).defaults.image
        if model is None:
            raise NoRoute("No model that makes images can be asked. Set OPENAI_API_KEY in .env and start again.")
        resolved = self._catalog.resolve(model)
        if not resolved.info.generates_images:
            raise InvalidRequest(f"{resolved.info.id} chats and makes no images.")
        return resolved

    async def _write_down(
        self, connection: AsyncConnection, caller: Caller, prompt: ImagePrompt, resolved: ResolvedModel
    ) -> Message:
        """The prompt at the end of its conversation, made where there is none; returns the answer to come."""
        now = self._clock.now_ms()
        conversation, parent_id = await find_place(connection, caller.user_id, prompt.conversation_id, prompt.parent_id)
        if conversation is None:
            conversation = await begin_conversation(connection, caller, f"image: {prompt.text}", now)
        question = prompt_message(conversation.id, parent_id, prompt.text, now)
        answer = pending_answer(question, resolved, AnswerOptions(), now)
        await insert_messages(connection, caller.user_id, caller.device_id, [question, answer])
        await update_conversation(connection, caller.user_id, conversation.id, active_leaf_id=answer.id, updated_at=now)
        return answer

    def _start(self, origin: Origin, answer: Message, prompt: ImagePrompt, resolved: ResolvedModel) -> None:
        request = ImageRequest(prompt.text, resolved.info.id, prompt.size, prompt.quality)
        made = _MadeImage(self._directory, origin.user_id, request, self._clock)
        stream = partial(self._stream, request, resolved.target, made)
        self._generations.start(origin, answer, resolved.target, stream, made)

    async def page(self, user_id: str, *, limit: int, cursor: str | None) -> tuple[list[ListedImage], str | None]:
        """Newest first, and where the next page begins."""
        async with self._database.read() as connection:
            return await list_images(connection, user_id, limit=limit, cursor=cursor)

    async def file(self, user_id: str, image_id: str) -> tuple[StoredImage, Path]:
        """An image and where its bytes lie. Raises NotFound."""
        async with self._database.read() as connection:
            image = await get_image(connection, user_id, image_id)
        return image, self._directory / image.file_name

    def _worst_cost(self, prompt: ImagePrompt, target: Target) -> int | None:
        """The most the image may cost; None where no price is known."""
        most = expected_of_image(prompt.text, prompt.quality, at_most=True)
        return price_usage(most, self._catalog.price_for(target)).nanousd

    @asynccontextmanager
    async def _stream(
        self, request: ImageRequest, target: Target, made: "_MadeImage", begin_attempt: BeginAttempt
    ) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """An image as the stream of an answer, for `Generations`."""

        async def events() -> AsyncGenerator[StreamEvent]:
            image = await self._router.generate_image(request, target, begin_attempt)
            yield PartAdded(made.take(image))
            if image.revised_prompt:
                yield TextDelta(image.revised_prompt)
            yield Finished("stop")

        async with aclosing(events()) as stream:
            yield stream


class _MadeImage:
    """The image of one answer on its way to the disk: its file first, then its row with the answer.

    It has been paid for, so it is held in memory until both are written.
    """

    def __init__(self, directory: Path, user_id: str, request: ImageRequest, clock: Clock) -> None:
        self._directory = directory
        self._user_id = user_id
        self._request = request
        self._clock = clock
        self._image: StoredImage | None = None
        self._unwritten: bytes | None = None

    def take(self, image: GeneratedImage) -> ImagePart:
        """Raises UpstreamError where it is of no known kind."""
        suffix = _SUFFIXES.get(image.media_type)
        if suffix is None:
            raise UpstreamError(f"The provider made a file of type {image.media_type}, which is no image known here.")
        image_id = new_id()
        self._image = StoredImage(
            id=image_id,
            message_id=None,
            file_name=image_id + suffix,
            media_type=image.media_type,
            model=self._request.model,
            prompt=self._request.prompt,
            created_at=self._clock.now_ms(),
        )
        self._unwritten = image.content
        return ImagePart(image_id, image.media_type)

    async def write(self) -> None:
        if self._image is not None and self._unwritten is not None:
            await asyncio.to_thread(_write_file, self._directory / self._image.file_name, self._unwritten)
            self._unwritten = None

    async def insert(self, connection: AsyncConnection, message_id: str | None) -> None:
        if self._image is not None:
            await insert_image(connection, self._user_id, replace(self._image, message_id=message_id))


def _write_file(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial_path = path.with_suffix(".partial")
        with partial_path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial_path.rename(path)
    except OSError as error:
        raise StorageFailed(f"The image was made but cannot be kept: {error.strerror}.") from error
