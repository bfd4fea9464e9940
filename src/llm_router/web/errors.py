"""The one place where an error becomes a status and a body: `{"error": {"type", "message", "details"?}}`.

Knows the statuses of the error tree and of the framework's own refusals. Does not know how an error came to be,
and never shows what the caller sent: a body may hold a secret, or ten megabytes.
"""

import logging
import math
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from llm_router.domain import errors

STATUSES: Mapping[type[errors.RouterError], int] = {
    errors.RouterError: 500,
    errors.InvalidRequest: 400,
    errors.RequestTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.NotPermitted: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.BudgetExceeded: 402,
    errors.RateLimited: 429,
    errors.UpstreamError: 502,
    errors.UpstreamOverloaded: 503,
    errors.UpstreamTimeout: 504,
    errors.NoRoute: 503,
    errors.StorageFailed: 503,
    errors.Interrupted: 503,
}
"""A class that is not here has the status of its nearest parent."""

_REFUSALS: Mapping[int, type[errors.RouterError]] = {
    403: errors.NotPermitted,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.RequestTooLarge,
    415: errors.UnsupportedMediaType,
}

_MAX_FIELDS = 10
_MAX_SHOWN = 200
_MAX_RETRY_AFTER_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


def status_of(error: errors.RouterError) -> int:
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def error_response(
    error: errors.RouterError, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """`error` in the one error body. `status` is for what the tree has no class for, such as 405."""
    status = status or status_of(error)
    response = Response(
        orjson.dumps({"error": error.as_dict()}, default=str),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )
    if status in (429, 503) and (seconds := _retry_after(error)) is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def stored_error_response(error: Mapping[str, Any], details: Mapping[str, Any]) -> Response:
    """The response for an error that was written down with a message, and what became of it in `details`."""
    kind = next((kind for kind in _tree(errors.RouterError) if kind.error_type == error["type"]), errors.RouterError)
    known = {**(error.get("details") or {}), **details}
    return error_response(
        kind(error["message"], retry_after_seconds=known.pop("retry_after_seconds", None), details=known)
    )


def internal_error_response() -> Response:
    """What is said of an error nobody foresaw: that it happened, and where to look. Nothing of its text."""
    return error_response(
        errors.RouterError("The server failed in a way nobody foresaw. Its log says more; trying again may help.")
    )


def log_unexpected(error: Exception, method: str, path: str) -> None:
    """Writes `error` with its traceback to the log, credentials removed: tracebacks quote what libraries were given."""
    text = "".join(traceback.format_exception(error))
    logger.error("%s %s failed\n%s", method, _shown(path), errors.redact(text))


def register_error_handlers(app: FastAPI) -> None:
    """Gives every error of `app` the one error body."""
    app.add_exception_handler(errors.RouterError, _router_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    # Starlette answers with this one and raises on; `web/middleware.py` stands outside and writes the log.
    app.add_exception_handler(Exception, _unexpected)


async def _router_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.RouterError)
    return error_response(error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(_invalid_request(error.errors()))


async def _http_exception(request: Request, error: Exception) -> Response:
    """The framework's own refusals: no such path, wrong method, a body that cannot be read, a body too large."""
    assert isinstance(error, HTTPException)
    status, message = error.status_code, str(error.detail)
    if status == 404:
        message = f"There is nothing at {_shown(request.url.path)}."
    elif status == 405:
        message = f"{_shown(request.method)} is not possible at {_shown(request.url.path)}."
    elif status == 400 and "parsing the body" in message:
        message = "The body is not JSON in UTF-8."
    kind = _REFUSALS.get(status, errors.InvalidRequest if status < 500 else errors.RouterError)
    return error_response(kind(message), status=status, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    return internal_error_response()


def _invalid_request(problems: Sequence[Any]) -> errors.InvalidRequest:
    """One sentence on the first problem, and all of them, up to a bound, in `details`."""
    fields = [{"field": _field(problem), "problem": _sentence(problem)} for problem in problems[:_MAX_FIELDS]]
    message = fields[0]["problem"] if fields else "The request is not valid."
    if len(problems) > 1:
        message += f" ({len(problems) - 1} more in details)"
    return errors.InvalidRequest(message, details={"fields": fields})


def _field(problem: Mapping[str, Any]) -> str:
    """The name a caller knows the place by: `temperature`, `parts.0.text`; empty for the body as a whole."""
    place = tuple(problem["loc"])
    return _shown(".".join(str(step) for step in place[1:])) if problem["type"] != "json_invalid" else ""


def _sentence(problem: Mapping[str, Any]) -> str:
    """What is wrong and what was expected, from the validator's words; what was found is never repeated."""
    place, kind, said = tuple(problem["loc"]), str(problem["type"]), str(problem["msg"])
    if kind == "json_invalid":
        reason = str(problem.get("ctx", {}).get("error", "")).partition(":")[0]
        return f"The body is not JSON: {_shown(reason)} at character {place[-1]}."
    whole = {"body": "The body", "query": "The query"}.get(str(place[0]) if place else "", "The request")
    name = f"`{field}`" if (field := _field(problem)) else whole
    if kind == "missing":
        return f"{name} is missing."
    if kind == "extra_forbidden":
        return f"{name} is not a field of this request."
    said = said.removeprefix("Value error, ")
    if said.startswith("Input should "):
        return f"{name} {_shown(said.removeprefix('Input '))}."
    return f"{name}: {_shown(said[:1].lower() + said[1:])}."


def _tree(kind: type[errors.RouterError]) -> Iterator[type[errors.RouterError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


def _retry_after(error: errors.RouterError) -> int | None:
    """Whole seconds, at least 1. A 429 always says some; a 503 only where they are known."""
    seconds = error.retry_after_seconds
    if seconds is None or not math.isfinite(seconds):
        return 1 if isinstance(error, errors.RateLimited) else None
    return max(1, math.ceil(min(seconds, _MAX_RETRY_AFTER_SECONDS)))


def _shown(text: str) -> str:
    """`text` cut to a length fit for a sentence, without what looks like a credential."""
    return errors.redact(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")
