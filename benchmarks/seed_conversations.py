"""Writes conversations of many messages into a database that a server made: FILE CONVERSATIONS MESSAGES.

Prints the ids of the conversations, newest first. The answers are the same every time: prose, lists, code, tables.
"""

import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence

from llm_router.domain.ids import new_id
from llm_router.store.tables import OWNER_ID

SENTENCE = "the borrow checker sees every borrow inside one function but across a call it sees only its signature"
WORDS = SENTENCE.split()
CODE = "```python\ndef add(a: int, b: int) -> int:\n    # adds\n    return a + b\n\n\nprint(add(1, 2))\n```"
TABLE = "| name | what it is | since |\n|---|---|---|\n" + "| one | the first of them | 2021 |\n" * 4
LIST = "\n".join(f"- point {number} with **bold** words and `code`" for number in range(5))
TITLES = (
    "rust lifetimes",
    "sourdough at 78% hydration",
    "migrate pi to nixos",
    "tax form 1040",
    "sql window functions",
)


def main(path: str, conversations: int, messages: int) -> None:
    with sqlite3.connect(path, timeout=30) as database:
        now = int(time.time() * 1000)
        for number in range(conversations):
            print(write_conversation(database, number, now - number * 1_200_000, messages))


def write_conversation(database: sqlite3.Connection, number: int, moment: int, messages: int) -> str:
    conversation = new_id()
    ids = [new_id() for _ in range(messages)]
    insert(
        database,
        "conversations",
        id=conversation,
        user_id=OWNER_ID,
        title=f"{TITLES[number % len(TITLES)]} {number}",
        active_leaf_id=ids[-1] if ids else None,
        created_at=moment,
        updated_at=moment,
    )
    for at, (message, parent) in enumerate(zip(ids, [None, *ids], strict=False)):
        common = {
            "id": message,
            "user_id": OWNER_ID,
            "conversation_id": conversation,
            "parent_id": parent,
            "status": "complete",
            "created_at": moment,
        }
        if at % 2 == 0:
            insert(database, "messages", role="user", content=f"question {at}: {prose(at, 14)}?", **common)
        else:
            insert(database, "messages", role="assistant", content=answer(at), **RECEIPT, **common)
    return conversation


RECEIPT = {
    "model": "gpt-5.1",
    "provider": "openai",
    "tokens_input": 1214,
    "tokens_output": 348,
    "cost": 8_900_000,
    "cost_status": "exact",
    "finish_reason": "stop",
    "time_to_first_chunk": 0.6,
    "duration": 5.4,
}


def answer(number: int) -> str:
    blocks: Sequence[str] = (prose(number, 45), LIST, CODE, prose(number + 3, 60), TABLE, prose(number + 7, 30))
    return "\n\n".join(blocks[: 1 + number // 2 % len(blocks)])


def prose(start: int, count: int) -> str:
    def words() -> Iterator[str]:
        for at in range(start, start + count):
            word = WORDS[at % len(WORDS)]
            yield f"**{word}**" if at % 11 == 0 else word

    return " ".join(words())


def insert(database: sqlite3.Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
