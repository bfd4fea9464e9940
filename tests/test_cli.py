"""The terminal door as a process: exit statuses, and one plain sentence for each mistake."""

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from llm_router import __version__
from llm_router.store.schema import HEAD
from tests.journeys.server import RunningServer

PATIENCE_SECONDS = 30


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    done = subprocess.run(
        [Path(sys.executable).with_name("llm-router"), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PORT": "0", "LOCAL_MODEL": "off", **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    return done.returncode, done.stdout, done.stderr


def test_it_tells_its_version(tmp_path: Path) -> None:
    assert run(tmp_path, "--version") == (0, f"llm-router {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("serv",), "invalid choice: 'serv'"),
        (("serve", "--port", "99999"), "expected a whole number from 0 to 65535, found '99999'"),
        (("serve", "--port", "http"), "expected a whole number from 0 to 65535, found 'http'"),
    ],
)
def test_a_mistake_in_the_call_is_status_2(arguments: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    status, _, said = run(tmp_path, *arguments)
    assert status == 2
    assert expected in said


def test_a_mistake_in_the_configuration_is_status_2_and_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\nPORT=eighty\n")
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [Path(sys.executable).with_name("llm-router"), "serve"], cwd=tmp_path, env=environ, capture_output=True
    )
    expected = f"llm-router: {tmp_path}/.env:2: PORT: expected a whole number from 0 to 65535, found 'eighty'\n"
    assert (done.returncode, done.stderr.decode()) == (2, expected)
    assert list(tmp_path.iterdir()) == [tmp_path / ".env"]


def test_a_taken_port_is_said_and_is_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, said = run(tmp_path, "serve", "--port", str(port))
    assert status == 1
    assert f"('127.0.0.1', {port}): address already in use" in said
    assert "Traceback" not in said


async def test_a_second_server_is_kept_from_the_database_of_the_first(tmp_path: Path) -> None:
    first = RunningServer(tmp_path, {})
    await first.start()
    with closing(sqlite3.connect(first.database_path)) as connection, connection:
        # As if the second were of a newer version: it would bring the tables up to date, under the first one's feet.
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    try:
        status, _, said = run(tmp_path, "serve")
        assert status == 1
        assert f"ERROR:     Another LLM Router is at work with {first.database_path}. End it first" in said
        assert "Traceback" not in said
        with closing(sqlite3.connect(first.database_path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (HEAD,))
        await first.kill()
        await first.start()  # what the killed one held is free
    finally:
        await first.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("file/x.db", "The folder {folder}/file cannot be made: File exists."),
        ("file", "The file {folder}/file is not a database. Move it away, or set DATABASE_PATH"),
        ("folder", "The database {folder}/folder cannot be opened. Check that its folder exists and can be written."),
    ],
)
def test_a_database_that_cannot_be_is_one_sentence_and_status_1(path: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a database, and long enough to be looked at as one")
    (tmp_path / "folder").mkdir()
    status, _, said = run(tmp_path, "serve", DATABASE_PATH=path)
    assert status == 1
    assert f"ERROR:     {expected.format(folder=tmp_path)}" in said
    assert "Traceback" not in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)
    status, _, said = run(tmp_path, "serve")
    assert status == 1
    assert f"The database {folder / 'llm-router.db'} cannot be opened." in said
    assert "Traceback" not in said
