"""The documents name what there is: every setting, every endpoint."""

import re
from pathlib import Path

import pytest

from llm_router import settings
from llm_router.app import build_app
from llm_router.settings import Settings
from tests.web.loopback import serve

ROOT = Path(__file__).resolve().parents[2]
METHODS = {"get", "put", "post", "patch", "delete"}


def variables() -> list[str]:
    """Those that settings.py reads."""
    read = re.findall(r"""values\.\w+\(\s*"([A-Z][A-Z_]+)\"""", Path(settings.__file__).read_text(encoding="utf-8"))
    assert {"OPENAI_API_KEY", "DATABASE_PATH", "LLM_ROUTER_CONFIG"} <= set(read)
    return sorted(set(read))


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
@pytest.mark.parametrize("variable", variables())
def test_every_setting_is_documented(variable: str, document: str) -> None:
    assert re.search(rf"\b{variable}\b", (ROOT / document).read_text(encoding="utf-8"))


async def test_every_endpoint_is_documented_and_no_other() -> None:
    """Parameters are called by their own names in the code; all of them are ids, and `{id}` in the document."""
    async with serve(build_app(Settings())) as loopback:
        described = (await loopback.request("GET", "/openapi.json")).json
    there = {
        f"{method.upper()} {re.sub(r'{[^}]*}', '{id}', path)}"
        for path, methods in described["paths"].items()
        for method in METHODS & set(methods)
    }
    document = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", document, re.MULTILINE))
    assert len(there) > 10
    assert told == there
