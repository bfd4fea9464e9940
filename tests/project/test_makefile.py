"""The Makefile does again what a change asks for, and no more. Make itself says what it would do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = (
    "pyproject.toml",
    "requirements.lock",
    "requirements-local.lock",
    "requirements-dev.lock",
    "frontend/package.json",
    "frontend/package-lock.json",
    "frontend/vite.config.ts",
    "frontend/src/main.ts",
    "frontend/src/lib/old.ts",
)
STAMPS = (
    ".venv/.made",
    ".venv/.run",
    ".venv/.dev",
    "frontend/node_modules/.run",
    "frontend/node_modules/.dev",
    "src/llm_router/web/static/index.html",
)
RUN = "install_python.sh run"
DEV = "install_python.sh dev"
NPM_RUN = "ci --omit=dev"
NPM_DEV = "frontend ci\n"
BUILD = "run --silent build"
WORK = (RUN, DEV, NPM_RUN, NPM_DEV, BUILD)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which everything has been set up: each file a second newer than the one before."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    for at, name in enumerate((*SOURCES, *STAMPS)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{tmp_path}\n")
        os.utime(path, (at, at))
    for folder in (tmp_path / "frontend/src", tmp_path / "frontend/src/lib"):
        os.utime(folder, (0, 0))
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    return tmp_path


def work(project: Path, target: str) -> set[str]:
    """What make would do for `target`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=project, env=environment, capture_output=True, text=True, check=True
    )
    return {step for step in WORK if step in done.stdout}


def change(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.parametrize("target", ["setup", "setup-dev"])
def test_nothing_is_done_twice(project: Path, target: str) -> None:
    assert work(project, target) == set()


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("requirements-local.lock", {RUN}),
        ("requirements.lock", {RUN}),
        ("requirements-dev.lock", set()),
        ("pyproject.toml", {RUN}),
        ("frontend/package-lock.json", {NPM_RUN, BUILD}),
        ("frontend/src/main.ts", {BUILD}),
        ("frontend/src/lib/new.ts", {BUILD}),
        ("frontend/vite.config.ts", {BUILD}),
    ],
)
def test_a_change_does_again_what_hangs_on_it(project: Path, changed: str, again: set[str]) -> None:
    change(project / changed)
    assert work(project, "setup") == again


def test_a_removed_source_is_noticed(project: Path) -> None:
    (project / "frontend/src/lib/old.ts").unlink()
    assert work(project, "setup") == {BUILD}


def test_development_follows_its_own_lock(project: Path) -> None:
    change(project / "requirements-dev.lock")
    assert work(project, "setup-dev") == {DEV}


def test_a_moved_project_gets_a_new_environment(project: Path) -> None:
    moved = project.rename(project.with_name("moved"))
    assert work(moved, "setup") == {RUN}


def test_an_environment_whose_python_is_gone_is_made_anew(project: Path) -> None:
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to(project / "nowhere")
    assert work(project, "setup") == {RUN}


def test_make_alone_lists_the_commands() -> None:
    listed = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "setup", "dev", "lint", "format", "bench", "image-test", "lock", "clean"):
        assert f"  make {target} " in listed
