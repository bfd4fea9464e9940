"""`.env.example` names every setting there is, explains each, and tells its default."""

import re
from itertools import pairwise
from pathlib import Path

from llm_router import settings
from llm_router.settings import load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
LINE = re.compile(r"#([A-Z_]+)=(.*)")


def example() -> dict[str, str]:
    return {match[1]: match[2] for match in map(LINE.fullmatch, EXAMPLE.read_text().splitlines()) if match}


def test_it_names_every_setting_and_no_other() -> None:
    source = Path(settings.__file__).read_text()
    read = set(re.findall(r"""values\.\w+\(\s*"([A-Z][A-Z_]+)\"""", source))
    assert "DATABASE_PATH" in read
    assert set(example()) == read


def test_its_values_are_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "llm-router.toml").touch()
    defaults = load_settings({}, tmp_path)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in example().items()))
    assert load_settings({}, tmp_path) == defaults


def test_each_setting_has_a_line_of_explanation_above_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for above, line in pairwise(lines):
        if LINE.fullmatch(line):
            assert re.fullmatch(r"# [A-Z].+\.", above), line
