"""What the serving process writes to its log, and what it does not carry."""

import logging
import subprocess
import sys

import pytest

from llm_router.server import RedactingFormatter
from llm_router.settings import Secret

KEYS = ("sk-test-planted-5c3a9zQxW", "k7planted9without9any9prefix9zQxW")


@pytest.mark.parametrize("key", KEYS)
def test_no_log_line_and_no_traceback_holds_a_key(key: str) -> None:
    formatter = RedactingFormatter([Secret(KEYS[1])])
    try:
        int(key)
    except ValueError:
        record = logging.LogRecord("any", logging.DEBUG, "", 1, "sent %s", (f"x-api-key={key}",), sys.exc_info())
    written = formatter.format(record)
    assert "ValueError: invalid literal" in written
    assert "planted" not in written


def test_a_word_that_is_called_a_key_blots_nothing_else_out() -> None:
    """Servers at home are often given `none` or `ollama` as their key."""
    record = logging.LogRecord("any", logging.INFO, "", 1, "Answers come from: ollama", (), None)
    assert RedactingFormatter([Secret("ollama")]).format(record) == "INFO:     Answers come from: ollama"


def test_it_carries_nothing_that_only_others_need() -> None:
    """Each of these weighs megabytes, and is one careless import away."""
    heavy = ("sqlalchemy.orm", "alembic", "statistics", "difflib", "dotenv", "genai_prices", "llm_router.commands")
    told = "import sys, llm_router.cli, llm_router.server; print(*sys.modules, sep=chr(10))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=60)
    assert [name for name in done.stdout.split() if name.startswith(heavy)] == []
