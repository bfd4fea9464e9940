"""The lock files: whole, hashed, naming no registry, and as new as what they lock."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
PYTHON_LOCKS = ("requirements.lock", "requirements-local.lock", "requirements-dev.lock")
NODE_LOCK = "frontend/package-lock.json"


def requirements(lock: str) -> dict[str, str]:
    """Each locked requirement: its name, and all that is said of it."""
    text = re.sub(r"^\s*#.*\n", "", (PROJECT / lock).read_text(), flags=re.MULTILINE).replace("\\\n", "")
    return {line.partition("==")[0].strip(): line for line in text.splitlines() if line.strip()}


def version(requirement: str) -> str:
    found = re.search(r"==([^\s;]+)", requirement)
    assert found, requirement
    return found.group(1)


def pyproject() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())


@pytest.mark.parametrize("lock", [*PYTHON_LOCKS, NODE_LOCK])
def test_lock_names_no_registry(lock: str) -> None:
    assert not re.search(r"https?://", (PROJECT / lock).read_text())


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_each_requirement_is_pinned_and_hashed(lock: str) -> None:
    locked = requirements(lock)
    assert locked
    for requirement in locked.values():
        assert version(requirement)
        assert "--hash=sha256:" in requirement


def test_each_node_package_is_pinned_and_hashed() -> None:
    packages = json.loads((PROJECT / NODE_LOCK).read_text())["packages"]
    for place, package in packages.items():
        assert place == "" or (package["version"] and package["integrity"].startswith("sha512-")), place


@pytest.mark.parametrize(("smaller", "larger"), list(pairwise(PYTHON_LOCKS)))
def test_larger_lock_holds_the_smaller_with_the_same_versions(smaller: str, larger: str) -> None:
    of_larger = {name: version(line) for name, line in requirements(larger).items()}
    for name, line in requirements(smaller).items():
        assert of_larger[name] == version(line)


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", pyproject()["project"]["dependencies"]),
        ("requirements-local.lock", pyproject()["project"]["optional-dependencies"]["local"]),
        ("requirements-dev.lock", pyproject()["dependency-groups"]["dev"]),
    ],
)
def test_lock_holds_what_pyproject_asks_for(lock: str, wanted: list[str]) -> None:
    locked = {canonicalize_name(name): line for name, line in requirements(lock).items()}
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{requirement} is not in {lock}: make lock"
        assert version(locked[name]) in requirement.specifier, f"{lock} has another {name}: make lock"


def test_node_lock_holds_what_package_json_asks_for() -> None:
    package = json.loads((PROJECT / "frontend/package.json").read_text())
    locked = json.loads((PROJECT / NODE_LOCK).read_text())["packages"][""]
    for group in ("dependencies", "devDependencies"):
        assert locked.get(group, {}) == package.get(group, {})
