"""What is said in more than one place is the same in each."""

import json
import os
import re
import tomllib
from pathlib import Path

import llm_router

PROJECT = Path(__file__).resolve().parents[2]


def test_one_version() -> None:
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"] == llm_router.__version__
    assert json.loads((PROJECT / "frontend/package.json").read_text())["version"] == llm_router.__version__


def test_compose_publishes_on_this_machine_only() -> None:
    published = re.findall(r'- "?(\S+:\d+)"?', (PROJECT / "compose.yaml").read_text())
    assert published == ["127.0.0.1:8000:8000"]


def test_scripts_can_be_run() -> None:
    for path in (PROJECT / ".ci/run", *(PROJECT / "scripts").glob("*.sh")):
        assert os.access(path, os.X_OK), path
