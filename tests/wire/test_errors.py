"""What upstreams complain of, by the recordings and by hand where there are none."""

import json

import pytest

from llm_router.domain.errors import (
    ContextTooLong,
    InvalidRequest,
    NoCredit,
    RateLimited,
    RequestTooLarge,
    RouterError,
    UnknownModel,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamTimeout,
)
from llm_router.wire import anthropic_messages, openai_chat, openai_media, openai_responses
from llm_router.wire.errors import MAX_MESSAGE_CHARACTERS, decode_error, decode_stream_error
from tests.recordings import needs_recordings, recording, recordings

RECORDED = {
    "anthropic/count-tokens/count-tokens-404-claude-does-not-exist": UnknownModel,
    "anthropic/messages/400-prompt-is-too-long-claude-haiku-4-5-20251": ContextTooLong,
    "anthropic/messages/messages-400-claude-3-opus-20240229": InvalidRequest,
    "anthropic/messages/messages-404-model-there-is-no-such-model": UnknownModel,
    "azure/chat-completions/401-at-azure-grok-4-1-fast-non-reas": UpstreamRejected,
    "azure/chat-completions/404-deploymentnotfound-at-azure-gpt-5-nano": UnknownModel,
    "azure/chat-completions/429-with-retry-after-and-retry-after-ms-0-grok-4-1-fast-non-reas": RateLimited,
    "deepseek/chat-completions/401-at-deepseek-deepseek-chat": UpstreamRejected,
    "groq/chat-completions/groq-400-tool-use-failed-gpt-oss-120b": InvalidRequest,
    "groq/chat-completions/groq-404-llama-3-3-70b-versatli": UnknownModel,
    "mistral/chat-completions/401-with-detail-instead-of-error-mistral-small-latest": UpstreamRejected,
    "ollama/chat-completions/400-too-long-at-ollama-cloud-gpt-oss-120b": ContextTooLong,
    "openai/chat-completions/400-gpt-5-mini": InvalidRequest,
    "openai/chat-completions/401-gpt-4o-mini": UpstreamRejected,
    "openai/chat-completions/404-model-this-model-does-not-ex": UnknownModel,
    "openai/completions/400-on-completions-babbage-002": InvalidRequest,
    "openai/embeddings/embeddings-400-text-embedding-3-small": InvalidRequest,
    "openai/images-generations/400-response-format-not-allowed-for-gpt-imag-gpt-image-1": InvalidRequest,
    "openai/images-generations/dall-e-2-400-dall-e-2": InvalidRequest,
    "openai/responses/400-context-length-exceeded-gpt-5-nano": ContextTooLong,
    "openai/responses/responses-400-401-gpt-4o": UpstreamRejected,
    "openai/responses/responses-400-this-model-does-not-ex": UnknownModel,
    "openrouter/chat-completions/400-context-length-at-openrouter-claude-haiku-4-5": ContextTooLong,
    "openrouter/chat-completions/401-at-openrouter-numeric-code-claude-haiku-4-5": UpstreamRejected,
    "openrouter/chat-completions/429-per-minute-limit-with-x-ratelimit-header-llama-3-2-3b-instruct": RateLimited,
    "xai/responses/wrong-key-answered-400-with-error-as-a-strin-grok-4-3": UpstreamRejected,
}


def recorded_error(name: str) -> RouterError:
    recorded = recording(name)
    return decode_error(recorded.status, recorded.headers, recorded.body)


def error(status: int, body: object = None, **headers: str) -> RouterError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_error(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def retry_after(error: RouterError) -> float | None:
    assert isinstance(error, RateLimited | UpstreamError)
    return error.retry_after_seconds


@needs_recordings
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_complaints_have_their_class(name: str) -> None:
    found = recorded_error(name)
    assert type(found) is RECORDED[name]
    assert found.details is not None
    assert found.details["provider_status"] == recording(name).status
    assert found.details["provider_message"] in found.message


@needs_recordings
def test_no_recorded_complaint_is_left_out() -> None:
    assert {recorded.name for recorded in recordings() if recorded.status >= 400} == set(RECORDED)


@needs_recordings
@pytest.mark.parametrize("name", RECORDED)
def test_no_part_of_a_key_is_passed_on(name: str) -> None:
    shown = json.dumps(recorded_error(name).as_dict())
    assert "*" not in shown
    for echoed in ("bad-key", "test. You", "invalid-[", "invalid-*", "2345", "-key is"):
        assert echoed not in shown or echoed not in recording(name).body.decode()


@pytest.mark.parametrize(
    "echo",
    [
        "sk-proj-abcdefgh12345678",
        "sk-ant-api03-abcd...wxyz",
        "abcd1234...wxyz",
        "my-k***********wxyz",
        "'****wxyz'",
        "gsk_abcdefgh12345678wxyz",
        "Bearer abcdefgh12345678wxyz",
        "AIzaSyA-abcdefgh12345678wxyz",
    ],
)
@pytest.mark.parametrize("where", ["Incorrect API key provided: {}. Find yours at x.", "Bad token {} given", "{}"])
def test_keys_are_scrubbed_however_they_are_echoed(echo: str, where: str) -> None:
    said = where.format(echo)
    bodies: list[object] = [
        {"error": {"message": said, "code": said}},
        {"error": said},
        {"detail": said},
        {"detail": [{"msg": said}]},
        {"message": said},
        [{"error": {"message": said}}],
        said.encode(),
    ]
    for body in bodies:
        shown = json.dumps(error(401, body).as_dict())
        assert "wxyz" not in shown
        assert "abcd" not in shown


def test_a_key_without_any_mark_is_scrubbed_where_it_is_called_one() -> None:
    shown = error(401, {"error": "Invalid API key: 0123456789abcdef"}).message
    assert "0123456789" not in shown


@needs_recordings
def test_advice_reaches_the_person() -> None:
    found = recorded_error("openai/chat-completions/401-gpt-4o-mini")
    assert found.message.startswith("The key was refused: Incorrect API key provided: [redacted]")
    assert "platform.openai.com" in found.message


@needs_recordings
def test_waits_as_long_as_the_longer_of_two_headers() -> None:
    azure = "azure/chat-completions/429-with-retry-after-and-retry-after-ms-0-grok-4-1-fast-non-reas"
    assert retry_after(recorded_error(azure)) == 1.0


@needs_recordings
def test_a_reset_in_epoch_milliseconds_is_measured_by_the_answers_own_date() -> None:
    name = "openrouter/chat-completions/429-per-minute-limit-with-x-ratelimit-header-llama-3-2-3b-instruct"
    assert retry_after(recorded_error(name)) == 26.0  # 15:41:00 less 15:40:34


DATE = "Tue, 24 Nov 2026 19:42:37 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after": "Tue, 24 Nov 2026 19:43:07 GMT", "date": DATE}, 30.0),
        ({"retry_after": "Tue, 24 Nov 2026 19:40:00 GMT", "date": DATE}, 0.0),
        ({"retry_after": "Tue, 24 Nov 2026 19:43:07 GMT"}, None),
        ({"retry_after": "soon", "date": DATE}, None),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "nan"}, None),
        ({"x_ratelimit_reset": "12"}, 12.0),
        ({"x_ratelimit_reset": "1795549367", "date": DATE}, 10.0),
        ({"x_ratelimit_reset": "1795549367000", "date": DATE}, 10.0),
        ({"x_ratelimit_reset": "1795549367000"}, None),
        ({"retry_after": "3", "x_ratelimit_reset": "60"}, 3.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    found = error(429, {"error": {"message": "slow down please"}}, **headers)
    assert type(found) is RateLimited
    assert retry_after(found) == seconds


OPENAI_QUOTA = {"error": {"message": "You exceeded your current quota", "type": "x", "code": "insufficient_quota"}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, None, UpstreamRejected),
        (403, {"error": {"message": "verify your organization"}}, UpstreamRejected),
        (402, {"error": {"message": "Insufficient credits", "code": 402}}, NoCredit),
        (429, OPENAI_QUOTA, NoCredit),
        (400, {"type": "error", "error": {"type": "x", "message": "Your credit balance is too low"}}, NoCredit),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, UpstreamOverloaded),
        (529, None, UpstreamOverloaded),
        (500, {"error": {"message": "The server had an error", "type": "server_error"}}, UpstreamFailed),
        (503, {"error": {"message": "The engine is currently overloaded"}}, UpstreamOverloaded),
        (502, b"<html><title>Bad gateway</title></html>", UpstreamFailed),
        (504, b"", UpstreamFailed),
        (408, None, UpstreamTimeout),
        (413, {"error": {"message": "on tokens per minute", "code": "rate_limit_exceeded"}}, RequestTooLarge),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, InvalidRequest),
        (404, {"detail": "Not Found"}, UpstreamError),
        (404, b"404 page not found", UpstreamError),
        (404, {"error": {"message": 'model "llama9" not found, try pulling it first'}}, UnknownModel),
        (400, {"error": {"type": "exceed_context_size_error", "message": "the request is too big"}}, ContextTooLong),
        (400, {"message": "This model's maximum context length is 4096 tokens"}, ContextTooLong),
        (400, [{"error": {"code": 400, "message": "API key not valid.", "status": "x"}}], UpstreamRejected),
        (429, {"error": {"message": "", "status": "RESOURCE_EXHAUSTED"}}, RateLimited),
        (301, b"", UpstreamError),
    ],
)
def test_complaints_without_a_recording(status: int, body: object, expected: type[RouterError]) -> None:
    assert type(error(status, body)) is expected


def test_a_spent_quota_is_not_tried_again() -> None:
    found = error(429, OPENAI_QUOTA)
    assert not found.is_retryable
    assert "no credit or quota" in found.message


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"[1]", b'"x"', b"{}", b'{"error": null}', b'{"error": []}', b"\xff"]
)
def test_nonsense_is_classified_by_its_status(body: bytes) -> None:
    assert type(decode_error(500, {}, body)) is UpstreamFailed


def test_what_stands_behind_a_gateways_own_words_is_shown() -> None:
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "top_k is too high"}}}
    assert error(400, body).message.endswith("Provider returned error: top_k is too high")


def test_a_page_of_html_is_not_shown_and_a_long_text_is_cut() -> None:
    assert error(502, b"<html>secret things</html>").message == "The provider failed (status 502)."
    assert len(error(400, {"error": "x " * 5000}).message) < MAX_MESSAGE_CHARACTERS + 100


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, UpstreamOverloaded),
        ({"type": "error", "error": {"type": "api_error", "message": "Internal server error"}}, UpstreamFailed),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, InvalidRequest),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, RateLimited),
        ({"error": {"code": "server_error", "message": "sorry"}}, UpstreamFailed),
        ({"error": {"code": 502, "message": "bad gateway"}}, UpstreamFailed),
        ({"error": {"code": 429, "message": "later"}}, RateLimited),
        ({"error": {"code": "busy", "message": "later", "status_code": 429}}, RateLimited),
        ({"error": {"code": "429", "message": "later"}}, RateLimited),
        # Python calls these digits, too; they are no status.
        ({"error": {"code": "²", "message": "sorry"}}, UpstreamFailed),
        ({"error": {"code": "4" * 5000, "message": "sorry"}}, UpstreamFailed),
        ({"error": "out of memory"}, UpstreamFailed),
        ({"error": {}}, UpstreamFailed),
    ],
)
def test_complaints_inside_a_stream(payload: dict[str, object], expected: type[RouterError]) -> None:
    assert type(decode_stream_error(payload)) is expected


def test_every_dialect_classifies_alike() -> None:
    for dialect in (openai_chat, openai_responses, anthropic_messages, openai_media):
        assert type(dialect.decode_error(529, {}, b"")) is UpstreamOverloaded
