"""What holds for all tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from llm_router.store.database import Database, open_database
from llm_router.store.tables import users
from tests.store.rows import STRANGER

# A busy machine is not a failure: no test is measured by the clock.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file of `database` is."""
    return tmp_path / "data" / "router.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """A new one, with a second user in it."""
    database = await open_database(path)
    async with database.write() as connection:
        await connection.execute(users.insert().values(id=STRANGER, name=STRANGER, created_at=0))
    yield database
    await database.close()
