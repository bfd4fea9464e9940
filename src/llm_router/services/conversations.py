"""What is done to whole conversations in more than one step: begin, copy, end."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Conversation, Message, base_of_title, title_of_copy
from llm_router.domain.errors import InvalidRequest
from llm_router.domain.ids import new_id
from llm_router.services.changes import Change, ChangeName, Changes
from llm_router.services.chat import Caller, appended
from llm_router.services.generations import Generations
from llm_router.store.conversations import (
    delete_conversation,
    get_conversation,
    insert_conversation,
    titles_beginning,
    update_conversation,
)
from llm_router.store.database import Database
from llm_router.store.images import delete_unused_images, images_of_conversation
from llm_router.store.messages import copy_messages, list_messages, path_to


class Conversations:
    def __init__(
        self, database: Database, generations: Generations, image_directory: Path, clock: Clock, changes: Changes
    ) -> None:
        self._database = database
        self._generations = generations
        self._image_directory = image_directory
        self._clock = clock
        self._changes = changes

    async def create(
        self, caller: Caller, *, title: str | None, model: str | None, system_prompt: str | None
    ) -> Conversation:
        """An empty one. Without a title it takes the first words of its first prompt."""
        now = self._clock.now_ms()
        conversation = Conversation(
            id=new_id(),
            title=title or "",
            created_at=now,
            updated_at=now,
            model=model,
            system_prompt=system_prompt,
            device_id=caller.device_id,
        )
        async with self._database.write() as connection:
            await insert_conversation(connection, caller.user_id, conversation)
        self._tell(caller, "conversation_created", conversation.id)
        return conversation

    async def fetch(self, caller: Caller, conversation_id: str) -> tuple[Conversation, list[Message]]:
        """A conversation with its whole tree, oldest message first. Raises NotFound."""
        async with self._database.read() as connection:
            conversation = await get_conversation(connection, caller.user_id, conversation_id)
            return conversation, await list_messages(connection, caller.user_id, conversation_id)

    async def change(
        self,
        caller: Caller,
        conversation_id: str,
        *,
        title: str | None = None,
        model: str | None = None,
        active_leaf_id: str | None = None,
    ) -> Conversation:
        """Sets what is not None. Raises NotFound, InvalidRequest."""
        given = {"title": title, "model": model, "active_leaf_id": active_leaf_id}
        changes = {name: value for name, value in given.items() if value is not None}
        async with self._database.write() as connection:
            await get_conversation(connection, caller.user_id, conversation_id)
            if active_leaf_id is not None:
                leaf = (await path_to(connection, caller.user_id, active_leaf_id))[-1]
                if leaf.conversation_id != conversation_id:
                    raise InvalidRequest("active_leaf_id names a message of another conversation.")
            if changes:
                await update_conversation(connection, caller.user_id, conversation_id, **changes)
            changed = await get_conversation(connection, caller.user_id, conversation_id)
        if changes:
            self._tell(caller, "conversation_updated", conversation_id)
        return changed

    async def append_system(self, caller: Caller, conversation_id: str, text: str) -> Conversation:
        """Takes effect from the next prompt. Raises NotFound."""
        async with self._database.write() as connection:
            conversation = await get_conversation(connection, caller.user_id, conversation_id)
            system_prompt = appended(conversation.system_prompt, text)
            await update_conversation(connection, caller.user_id, conversation_id, system_prompt=system_prompt)
        self._tell(caller, "conversation_updated", conversation_id)
        return replace(conversation, system_prompt=system_prompt)

    async def clone(
        self, caller: Caller, conversation_id: str, message_id: str | None
    ) -> tuple[Conversation, list[Message]]:
        """A copy of the whole tree, or a fork: the path down to `message_id`. What is still being made stays behind.

        Raises NotFound, InvalidRequest.
        """
        now = self._clock.now_ms()
        async with self._database.write() as connection:
            original = await get_conversation(connection, caller.user_id, conversation_id)
            if message_id is None:
                tree = await list_messages(connection, caller.user_id, conversation_id)
                leaf_id = original.active_leaf_id
            else:
                tree = await path_to(connection, caller.user_id, message_id)
                leaf_id = message_id
                if tree[-1].conversation_id != conversation_id:
                    raise InvalidRequest("message_id names a message of another conversation.")
            taken = await titles_beginning(connection, caller.user_id, base_of_title(original.title))
            copied = [message for message in tree if message.is_finished]
            copy = replace(
                original,
                id=new_id(),
                title=title_of_copy(original.title, taken),
                device_id=caller.device_id,
                created_at=now,
                updated_at=now,
                active_leaf_id=None,
            )
            await insert_conversation(connection, caller.user_id, copy)
            new_ids = await copy_messages(connection, caller.user_id, caller.device_id, copied, copy.id)
            leaf = _finished_leaf(tree, leaf_id)
            if leaf is not None:
                await update_conversation(connection, caller.user_id, copy.id, active_leaf_id=new_ids[leaf])
        self._tell(caller, "conversation_created", copy.id)
        return await self.fetch(caller, copy.id)

    async def delete(self, caller: Caller, conversation_id: str) -> None:
        """Stops what runs in it, keeps what it cost, and takes its images along. Raises NotFound."""
        async with self._database.read() as connection:
            await get_conversation(connection, caller.user_id, conversation_id)
        await self._generations.stop_conversation(caller.user_id, conversation_id)
        async with self._database.write() as connection:
            images = await images_of_conversation(connection, caller.user_id, conversation_id)
            await delete_conversation(connection, caller.user_id, conversation_id)
            unused = await delete_unused_images(connection, caller.user_id, images)
        self._tell(caller, "conversation_deleted", conversation_id)
        # A prompt may have come in before the deletion had its turn to write.
        await self._generations.stop_conversation(caller.user_id, conversation_id)
        for image in unused:
            path = self._image_directory / image.file_name
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def _tell(self, caller: Caller, name: ChangeName, conversation_id: str) -> None:
        self._changes.publish(caller.user_id, Change(name, conversation_id))


def _finished_leaf(tree: Sequence[Message], leaf_id: str | None) -> str | None:
    """The leaf itself, or what it follows where it is still being made."""
    by_id = {message.id: message for message in tree}
    leaf = by_id.get(leaf_id) if leaf_id else None
    while leaf is not None and not leaf.is_finished:
        leaf = by_id.get(leaf.parent_id) if leaf.parent_id else None
    return leaf.id if leaf else None
