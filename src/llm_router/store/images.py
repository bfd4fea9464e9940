"""Images that were made here: where each lies and what it came from. The bytes lie beside the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import or_, select

from llm_router.domain.conversations import shown_cost, shown_time
from llm_router.domain.errors import NotFound
from llm_router.domain.messages import ImagePart, parts_from_json
from llm_router.domain.usage import CostStatus
from llm_router.store.sql import AsyncConnection
from llm_router.store.tables import images, messages


@dataclass(frozen=True, slots=True)
class StoredImage:
    id: str
    message_id: str | None
    file_name: str
    media_type: str
    model: str
    prompt: str
    created_at: int


async def insert_image(connection: AsyncConnection, user_id: str, image: StoredImage) -> None:
    await connection.execute(
        images.insert().values(
            id=image.id,
            user_id=user_id,
            message_id=image.message_id,
            file_name=image.file_name,
            media_type=image.media_type,
            model=image.model,
            prompt=image.prompt,
            created_at=image.created_at,
        )
    )


async def get_image(connection: AsyncConnection, user_id: str, image_id: str) -> StoredImage:
    """Raises NotFound."""
    row = (
        await connection.execute(select(images).where(images.c.user_id == user_id, images.c.id == image_id))
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such image.")
    return _image_from(row)


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image with the answer that shows it, where that is still there, and what that cost."""

    image: StoredImage
    conversation_id: str | None
    cost_nanousd: int | None
    cost_status: CostStatus | None

    def as_dict(self) -> dict[str, Any]:
        """As the API shows it; docs/events.md has the shape."""
        image = self.image
        return {
            "id": image.id,
            "url": f"/api/images/{image.id}",
            "media_type": image.media_type,
            "model": image.model,
            "prompt": image.prompt,
            "conversation_id": self.conversation_id,
            "message_id": image.message_id,
            **shown_cost(self.cost_nanousd, self.cost_status),
            "created_at": shown_time(image.created_at),
        }


async def list_images(
    connection: AsyncConnection, user_id: str, *, limit: int, cursor: str | None = None
) -> tuple[list[ListedImage], str | None]:
    """Newest first, and the cursor of the rest: the id of the last one listed, since ids sort by time."""
    query = (
        select(images, messages.c.conversation_id, messages.c.cost, messages.c.cost_status)
        .outerjoin(messages, messages.c.id == images.c.message_id)
        .where(images.c.user_id == user_id)
        .order_by(images.c.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(images.c.id < cursor)
    rows = (await connection.execute(query)).all()
    page = [ListedImage(_image_from(row), row.conversation_id, row.cost, row.cost_status) for row in rows[:limit]]
    return page, page[-1].image.id if len(rows) > limit else None


async def images_of_conversation(connection: AsyncConnection, user_id: str, conversation_id: str) -> list[StoredImage]:
    """Those that were made in it, and those its messages show: a copy shows what was made elsewhere."""
    mine = (messages.c.user_id == user_id, messages.c.conversation_id == conversation_id)
    columns = await connection.execute(select(messages.c.parts).where(*mine, messages.c.parts.contains('"image_id"')))
    shown = {
        part.image_id
        for column in columns.scalars()
        for part in parts_from_json(orjson.loads(column))
        if isinstance(part, ImagePart)
    }
    made = images.c.message_id.in_(select(messages.c.id).where(*mine))
    rows = await connection.execute(
        select(images).where(images.c.user_id == user_id, or_(made, images.c.id.in_(shown)))
    )
    return [_image_from(row) for row in rows]


async def delete_unused_images(
    connection: AsyncConnection, user_id: str, candidates: Sequence[StoredImage]
) -> list[StoredImage]:
    """Of `candidates`, deletes and returns those that no message shows any more: copies share their image."""
    unused: list[StoredImage] = []
    for image in candidates:
        shown = select(messages.c.id).where(messages.c.user_id == user_id, messages.c.parts.contains(image.id))
        if (await connection.execute(shown.limit(1))).first() is None:
            await connection.execute(images.delete().where(images.c.user_id == user_id, images.c.id == image.id))
            unused.append(image)
    return unused


def _image_from(row: Any) -> StoredImage:
    return StoredImage(row.id, row.message_id, row.file_name, row.media_type, row.model, row.prompt, row.created_at)
