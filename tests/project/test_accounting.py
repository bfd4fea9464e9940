"""docs/accounting.md names recordings that there are, and only what the commands take."""

import argparse
import re
from pathlib import Path

import pytest

from llm_router.commands import reconcile, reprice, usage
from tests.recordings import needs_recordings, recordings

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "accounting.md").read_text(encoding="utf-8")


@needs_recordings
def test_every_trap_names_a_recording_that_there_is() -> None:
    known = {each.name.rsplit("/", 1)[-1] for each in recordings()}
    rows = DOCUMENT.partition("| the trap |")[2].splitlines()[2:]
    traps = [row.split("|")[2] for row in rows if row.startswith("|")]
    named = [name for cell in traps for name in re.findall(r"`([^`]+)`", cell)]
    assert len(traps) >= 30
    assert set(named) <= known
    assert len(traps) <= len(named)


@pytest.mark.parametrize("command", ["usage", "reprice", "reconcile"])
def test_the_shown_calls_are_calls_that_are_taken(command: str) -> None:
    parser = argparse.ArgumentParser()
    {"usage": usage, "reprice": reprice, "reconcile": reconcile}[command].add_arguments(parser)
    shown = re.findall(rf"^\$ llm-router {command} (.*)$", DOCUMENT, re.MULTILINE)
    assert shown
    for arguments in shown:
        parser.parse_args(arguments.split())
