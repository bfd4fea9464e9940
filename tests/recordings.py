"""The recorded provider traffic that tests read where it is: nothing of it is kept in the project.

`LLM_ROUTER_RECORDINGS` names the folder; by default it lies beside the project.
"""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange with a provider."""

    name: str
    """`provider/endpoint/file`, without `.json`."""
    status: int
    headers: dict[str, str]
    body: bytes
    """What the provider answered, byte for byte where it was a stream."""
    is_stream: bool
    request_body: Any

    @property
    def provider(self) -> str:
        return self.name.split("/")[0]

    @property
    def endpoint(self) -> str:
        return self.name.split("/")[1]


def recordings_folder() -> Path:
    return PROJECT / os.environ.get("LLM_ROUTER_RECORDINGS", "../shared/recordings")


has_recordings = recordings_folder().is_dir()

needs_recordings = pytest.mark.skipif(
    not has_recordings, reason=f"no recordings in {recordings_folder()}; set LLM_ROUTER_RECORDINGS"
)


@cache
def recordings() -> tuple[Recording, ...]:
    """All of them, by name; none where the folder is absent."""
    folder = recordings_folder()
    return tuple(_read(folder, path) for path in sorted(folder.glob("*/*/*.json")))


def recording(name: str) -> Recording:
    folder = recordings_folder()
    return _read(folder, folder / f"{name}.json")


def _read(folder: Path, path: Path) -> Recording:
    exchange = json.loads(path.read_text(encoding="utf-8"))
    response = exchange["response"]
    stream, raw = response.get("sse"), response.get("raw_body")
    body = stream or raw or json.dumps(response["body"], ensure_ascii=False)
    return Recording(
        name=path.relative_to(folder).with_suffix("").as_posix(),
        status=response["status"],
        headers={name: value for name, value in response["headers"].items() if isinstance(value, str)},
        body=body.encode(),
        is_stream=stream is not None,
        request_body=exchange["request"].get("body"),
    )
