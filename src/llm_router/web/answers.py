"""JSON answers as bytes. Our values are plain already, so nothing is validated or converted on the way out."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")
