"""One body for every error; statuses chosen in one place; nothing of the caller's input in it."""

import math
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from fastapi import FastAPI, Header, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from llm_router.domain import errors
from llm_router.web.errors import STATUSES, error_response, register_error_handlers, status_of
from tests.web.loopback import Answer, Loopback, serve

JSON = ("Content-Type", "application/json")
KEY = "sk-proj-abcdefghijklmnop"


class Part(BaseModel):
    text: str


class Prompt(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: str = Field(min_length=1, max_length=100)
    temperature: float | None = Field(None, ge=0, le=2)
    reasoning: Literal["low", "high"] | None = None
    parts: list[Part] = []

    @field_validator("message")
    @classmethod
    def _not_only_spaces(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("should hold more than spaces")
        return value


async def prompt(prompt: Prompt) -> dict[str, str]:
    return {"message": prompt.message}


async def listed(limit: Annotated[int, Query(ge=1, le=100)] = 50, x_count: Annotated[int, Header()] = 0) -> int:
    return limit + x_count


async def limited() -> None:
    raise errors.RateLimited("Too many at once.", retry_after_seconds=1.2, details={"running": 16})


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    app = FastAPI(openapi_url=None)
    register_error_handlers(app)
    app.add_api_route("/api/prompt", prompt, methods=["POST"])
    app.add_api_route("/api/list", listed, methods=["GET"])
    app.add_api_route("/api/limited", limited, methods=["GET"])
    async with serve(app) as server:
        yield server


def _subclasses(kind: type[errors.RouterError]) -> set[type[errors.RouterError]]:
    return {kind}.union(*(_subclasses(child) for child in kind.__subclasses__()))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.RouterError, 500),
        (errors.InvalidRequest, 400),
        (errors.RequestTooLarge, 413),
        (errors.UnsupportedMediaType, 415),
        (errors.ContextTooLong, 400),
        (errors.NotPermitted, 403),
        (errors.NotFound, 404),
        (errors.UnknownModel, 404),
        (errors.Conflict, 409),
        (errors.RateLimited, 429),
        (errors.UpstreamError, 502),
        (errors.UpstreamRejected, 502),
        (errors.UpstreamFailed, 502),
        (errors.UpstreamOverloaded, 503),
        (errors.UpstreamTimeout, 504),
        (errors.NoRoute, 503),
        (errors.StorageFailed, 503),
        (errors.Interrupted, 503),
    ],
)
def test_each_error_has_its_status(kind: type[errors.RouterError], status: int) -> None:
    assert status_of(kind("")) == error_response(kind("")).status_code == status


def test_every_branch_of_the_tree_has_a_status_of_its_own() -> None:
    branches = {kind for kind in _subclasses(errors.RouterError) if kind.__bases__ == (errors.RouterError,)}
    assert branches <= set(STATUSES)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.RateLimited("", retry_after_seconds=7), "7"),
        (errors.RateLimited("", retry_after_seconds=7.01), "8"),
        (errors.RateLimited("", retry_after_seconds=0), "1"),
        (errors.RateLimited("", retry_after_seconds=-3), "1"),
        (errors.RateLimited(""), "1"),
        (errors.RateLimited("", retry_after_seconds=math.nan), "1"),
        (errors.RateLimited("", retry_after_seconds=math.inf), "1"),
        (errors.RateLimited("", retry_after_seconds=1e300), "86400"),
        (errors.UpstreamOverloaded("", retry_after_seconds=2.5), "3"),
        (errors.UpstreamOverloaded(""), None),
        (errors.UpstreamFailed("", retry_after_seconds=2.5), None),
        (errors.StorageFailed(""), None),
    ],
)
def test_retry_after_is_whole_seconds_and_at_least_one(error: errors.RouterError, expected: str | None) -> None:
    assert error_response(error).headers.get("retry-after") == expected


def test_details_that_json_has_no_word_for_do_not_break_the_answer() -> None:
    response = error_response(errors.NoRoute("", details={"cost": Decimal("0.10"), "share": math.nan}))
    assert b'"cost":"0.10","share":null' in bytes(response.body)


async def test_an_error_of_the_tree_is_rendered_once(server: Loopback) -> None:
    answer = await server.request("GET", "/api/limited")
    assert answer.status == 429
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json == {
        "error": {
            "type": "rate_limited",
            "message": "Too many at once.",
            "details": {"running": 16, "retry_after_seconds": 1.2},
        }
    }


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"{}", "message", "`message` is missing."),
        (b'{"message": 5}', "message", "`message` should be a valid string."),
        (b'{"message": null}', "message", "`message` should be a valid string."),
        (b'{"message": ""}', "message", "`message`: string should have at least 1 character."),
        (b'{"message": "  "}', "message", "`message`: should hold more than spaces."),
        (b'{"message": "hi", "temperature": 3}', "temperature", "`temperature` should be less than or equal to 2."),
        (b'{"message": "hi", "reasoning": "deep"}', "reasoning", "`reasoning` should be 'low' or 'high'."),
        (b'{"message": "hi", "parts": [{}]}', "parts.0.text", "`parts.0.text` is missing."),
        (b'{"message": "hi", "mood": 1}', "mood", "`mood` is not a field of this request."),
        (b"[]", "", "The body should be a valid dictionary or object to extract fields from."),
        (b"5", "", "The body should be a valid dictionary or object to extract fields from."),
        (b"", "", "The body is missing."),
    ],
)
async def test_a_wrong_body_is_named_by_field_and_expectation(
    server: Loopback, body: bytes, field: str, message: str
) -> None:
    answer = await server.request("POST", "/api/prompt", JSON, body=body)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert answer.error["message"] == message
    assert answer.error["details"] == {"fields": [{"field": field, "problem": message}]}


async def test_wrong_queries_and_headers_are_named_too(server: Loopback) -> None:
    answer = await server.request("GET", "/api/list?limit=ten", ("X-Count", "y"))
    assert answer.status == 400
    assert answer.error["message"].startswith("`limit` should be a valid integer")
    assert answer.error["message"].endswith("(1 more in details)")
    assert [field["field"] for field in answer.error["details"]["fields"]] == ["limit", "x-count"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'message': 'hi'}",
        b'{"message": "hi"',
        b"message=hi",
        b'{"message": "\xff"}',
        b"[" * 100_000,
        b"1" * 10_000,
    ],
)
async def test_what_is_not_json_is_said_to_be_so(server: Loopback, body: bytes) -> None:
    answer = await server.request("POST", "/api/prompt", JSON, body=body)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert answer.error["message"].startswith("The body is not JSON")
    assert len(answer.body) < 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "%s"}' % (KEY.encode() * 50_000),
        b'{"message": ["%s"]}' % KEY.encode(),
        b'{"message": "hi", "%s": 1}' % KEY.encode(),
        b'{"message": "hi", "%s": 1}' % (b"x" * 100_000),
        b'{"message": "hi", "\\ud800": 1}',
        b'{"message": "\\ud800"}',
        b'{"message": "hi", %s}' % b",".join(b'"f%d": 1' % number for number in range(1000)),
        b'{"message": "%s}' % KEY.encode(),
    ],
    ids=["long", "list", "key-as-name", "long-name", "surrogate-name", "surrogate", "many", "cut"],
)
async def test_the_answer_holds_nothing_secret_and_nothing_huge(server: Loopback, body: bytes) -> None:
    answer = await server.request("POST", "/api/prompt", JSON, body=body)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request")
    assert KEY.encode() not in answer.body
    assert len(answer.body) < 3000


async def test_the_routers_own_refusals_have_the_same_body(server: Loopback) -> None:
    unknown = await server.request("GET", "/api/nothing")
    assert (unknown.status, unknown.error["type"]) == (404, "not_found")
    assert "/api/nothing" in unknown.error["message"]
    assert len((await server.request("GET", "/api/" + "x" * 10_000)).body) < 500
    wrong_method = await server.request("DELETE", "/api/list")
    assert (wrong_method.status, wrong_method.error["type"]) == (405, "invalid_request")
    assert wrong_method.headers["allow"] == "GET"
    _has_one_shape(unknown, wrong_method)


def _has_one_shape(*answers: Answer) -> None:
    for answer in answers:
        assert set(answer.json) == {"error"}
        assert {"type", "message"} <= set(answer.error) <= {"type", "message", "details"}
