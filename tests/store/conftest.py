"""A database in a real file, with a second user in it whom no query of the owner may touch."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from llm_router.store.database import Database, open_database
from llm_router.store.tables import users
from tests.store.ledgers import Ledger, open_ledger
from tests.store.rows import STRANGER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "router.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = await open_database(path)
    async with database.write() as connection:
        await connection.execute(users.insert().values(id=STRANGER, name=STRANGER, created_at=0))
    yield database
    await database.close()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_ledger(tmp_path_factory.mktemp("ledger") / "router.db") as ledger:
        yield ledger
