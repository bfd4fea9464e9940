"""Where the embedded model's socket goes."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_router.providers.local_child import runtime_directory


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lr-", dir="/tmp") as path:
        yield Path(path)


def test_takes_the_runtime_directory_of_the_user(place: Path) -> None:
    assert runtime_directory({"XDG_RUNTIME_DIR": str(place), "TMPDIR": "/tmp"}) == place


def test_passes_over_what_is_not_there(place: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(place / "missing"), "TMPDIR": str(place)}
    assert runtime_directory(environ) == place
    assert runtime_directory({}) == Path("/tmp")


def test_passes_over_a_path_that_is_too_long_for_a_socket(place: Path) -> None:
    fits, too_long = place / ("x" * (72 - len(str(place)) - 1)), place / ("x" * (72 - len(str(place))))
    for folder in (fits, too_long):
        os.mkdir(folder)
    assert runtime_directory({"TMPDIR": str(fits)}) == fits
    assert runtime_directory({"TMPDIR": str(too_long)}) == Path("/tmp")
