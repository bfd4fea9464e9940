"""One ledger for the tests of a module that write to it what they like."""

from collections.abc import Iterator

import pytest

from tests.store.ledgers import Ledger, open_ledger


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_ledger(tmp_path_factory.mktemp("ledger") / "router.db") as ledger:
        yield ledger
