"""Images: made as an answer of a conversation, as durable as any other, and kept as files beside the database."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from llm_router.domain.attempts import Attempt
from llm_router.domain.chat import Target
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Conversation, title_from
from llm_router.domain.errors import InvalidRequest, NoRoute, StorageFailed, UpstreamError
from llm_router.domain.events import Finished, PartAdded, StreamEvent, TextDelta
from llm_router.domain.ids import new_id
from llm_router.domain.messages import ImagePart
from llm_router.providers.base import GeneratedImage, ImageRequest
from llm_router.routing.router import Router
from llm_router.services.catalog import Catalog
from llm_router.services.chat import (
    AnswerOptions,
    Caller,
    Submission,
    check_finished,
    hash_of,
    keep_key,
    known_submission,
    origin_of,
    pending_answer,
    prompt_message,
    submission_of,
)
from llm_router.services.generations import Generations
from llm_router.store.conversations import get_conversation, insert_conversation, update_conversation
from llm_router.store.database import Database
from llm_router.store.images import StoredImage, get_image, insert_image
from llm_router.store.messages import get_message, insert_messages

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    text: str
    model: str | None = None
    size: str | None = None
    quality: str | None = None
    conversation_id: str | None = None


class Images:
    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        router: Router,
        generations: Generations,
        directory: Path,
        clock: Clock,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._router = router
        self._generations = generations
        self._directory = directory
        self._clock = clock

    async def submit(self, caller: Caller, prompt: ImagePrompt, idempotency_key: str | None = None) -> Submission:
        """Takes the prompt and starts the image. Raises as `Chat.submit`."""
        view = await self._catalog.models()
        model = prompt.model or view.defaults.image
        if model is None:
            raise NoRoute("No model that makes images can be asked. Set OPENAI_API_KEY in .env and start again.")
        resolved = self._catalog.resolve(model)
        if not resolved.info.generates_images:
            raise InvalidRequest(f"{resolved.info.id} chats and makes no images.")
        now, body_hash = self._clock.now_ms(), hash_of(prompt)
        with ExitStack() as held:
            async with self._database.write() as connection:
                known = await known_submission(connection, caller, idempotency_key, body_hash)
                if known is not None:
                    return known
                held.enter_context(self._generations.reserve())
                if prompt.conversation_id is None:
                    title = title_from(f"image: {prompt.text}")
                    conversation = Conversation(
                        id=new_id(), title=title, created_at=now, updated_at=now, device_id=caller.device_id
                    )
                    await insert_conversation(connection, caller.user_id, conversation)
                else:
                    conversation = await get_conversation(connection, caller.user_id, prompt.conversation_id)
                parent_id = conversation.active_leaf_id
                if parent_id is not None:
                    check_finished(await get_message(connection, caller.user_id, parent_id))
                question = prompt_message(conversation.id, parent_id, prompt.text, now)
                answer = pending_answer(question, resolved, AnswerOptions(), now)
                await insert_messages(connection, caller.user_id, caller.device_id, [question, answer])
                await keep_key(connection, caller, idempotency_key, body_hash, answer)
                await update_conversation(
                    connection, caller.user_id, conversation.id, active_leaf_id=answer.id, updated_at=now
                )
            request = ImageRequest(prompt.text, resolved.info.id, prompt.size, prompt.quality)
            self._generations.start(
                origin_of(caller, answer, "image_generation"),
                answer,
                resolved.target,
                partial(self._stream, caller.user_id, answer.id, request, resolved.target),
            )
        return submission_of(answer)

    async def file(self, user_id: str, image_id: str) -> tuple[StoredImage, Path]:
        """An image and where its bytes lie. Raises NotFound."""
        async with self._database.read() as connection:
            image = await get_image(connection, user_id, image_id)
        return image, self._directory / image.file_name

    @asynccontextmanager
    async def _stream(
        self,
        user_id: str,
        message_id: str,
        request: ImageRequest,
        target: Target,
        record_attempt: Callable[[Attempt], None],
    ) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """An image as the stream of an answer, for `Generations`."""

        async def events() -> AsyncGenerator[StreamEvent]:
            image = await self._router.generate_image(request, target, record_attempt)
            yield PartAdded(await self._keep(user_id, message_id, request, image))
            if image.revised_prompt:
                yield TextDelta(image.revised_prompt)
            yield Finished("stop")

        async with aclosing(events()) as stream:
            yield stream

    async def _keep(self, user_id: str, message_id: str, request: ImageRequest, image: GeneratedImage) -> ImagePart:
        suffix = _SUFFIXES.get(image.media_type)
        if suffix is None:
            raise UpstreamError(f"The provider made a file of type {image.media_type}, which is no image known here.")
        stored = StoredImage(
            id=(image_id := new_id()),
            message_id=message_id,
            file_name=image_id + suffix,
            media_type=image.media_type,
            model=request.model,
            prompt=request.prompt,
            created_at=self._clock.now_ms(),
        )
        await asyncio.to_thread(_write_file, self._directory / stored.file_name, image.content)
        async with self._database.write() as connection:
            await insert_image(connection, user_id, stored)
        return ImagePart(stored.id, stored.media_type)


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
