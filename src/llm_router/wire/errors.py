"""Classifies what an upstream complains of, once, for every dialect. Knows no vendor by name and opens no connection.

A complaint comes as the body of a refused call or as an event in a stream that began with 200. Its shapes differ
(`error` an object, a string, absent), its codes lie (401 with code `invalid_request_error`, a wrong key as 400), so the
order of belief is: a specific word in `code` or `type`, then the wording where the status is vague, then the status,
and at last a general word.

What the provider wrote is shown, since it is often the best advice there is, but without the key that it may echo.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

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
    redact,
)
from llm_router.wire.json import count, mapping, mappings, read_json, text

MAX_MESSAGE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class _Verdict:
    error: type[RouterError]
    lead: str
    """What happened, for a person; the provider's own words follow."""


_REJECTED = _Verdict(UpstreamRejected, "The key was refused")
_FORBIDDEN = _Verdict(UpstreamRejected, "The key may not do this")
_NO_CREDIT = _Verdict(NoCredit, "The account has no credit or quota left; trying again will not help")
_UNKNOWN_MODEL = _Verdict(UnknownModel, "The model is not known there")
_WRONG_ADDRESS = _Verdict(UpstreamError, "Nothing answers at this address; check the base URL")
_TOO_LONG = _Verdict(ContextTooLong, "The conversation is too long for this model")
_TOO_LARGE = _Verdict(RequestTooLarge, "The request is too large")
_LIMITED = _Verdict(RateLimited, "Too many requests")
_OVERLOADED = _Verdict(UpstreamOverloaded, "The provider is overloaded")
_FAILED = _Verdict(UpstreamFailed, "The provider failed")
_TIMEOUT = _Verdict(UpstreamTimeout, "The provider took too long")
_INVALID = _Verdict(InvalidRequest, "The request was refused")
_UNEXPECTED = _Verdict(UpstreamError, "The provider answered with something unexpected")

_SPECIFIC_WORDS = {
    "invalid_api_key": _REJECTED,
    "authentication_error": _REJECTED,
    "invalid_authentication": _REJECTED,
    "permission_error": _FORBIDDEN,
    "permission_denied": _FORBIDDEN,
    "insufficient_quota": _NO_CREDIT,
    "billing_error": _NO_CREDIT,
    "billing_not_active": _NO_CREDIT,
    "billing_hard_limit_reached": _NO_CREDIT,
    "model_not_found": _UNKNOWN_MODEL,
    "deploymentnotfound": _UNKNOWN_MODEL,
    "context_length_exceeded": _TOO_LONG,
    "exceed_context_size_error": _TOO_LONG,  # llama.cpp
    "request_too_large": _TOO_LARGE,
    "rate_limit_exceeded": _LIMITED,
    "rate_limit_error": _LIMITED,
    "ratelimitreached": _LIMITED,
    "resource_exhausted": _LIMITED,
    "overloaded_error": _OVERLOADED,
    "overloaded": _OVERLOADED,
    "slow_down": _OVERLOADED,
    "insufficient_system_resource": _OVERLOADED,  # DeepSeek
    "timeout_error": _TIMEOUT,
}

_GENERAL_WORDS = {
    "not_found_error": _UNKNOWN_MODEL,
    "invalid_request_error": _INVALID,
    "invalid_prompt": _INVALID,
}

_WORDINGS = (
    (re.compile(r"(?i)context (?:length|window|size|limit)|(?:prompt|input) (?:is )?too long"), _TOO_LONG),
    (re.compile(r"(?i)(?:incorrect|invalid) api key|api key (?:is )?(?:not valid|invalid)"), _REJECTED),
    (re.compile(r"(?i)credit balance|insufficient (?:balance|credit|funds)"), _NO_CREDIT),
    (re.compile(r"(?i)\bmodel\b.{0,120}(?:does not exist|not found|not exist)|no such model"), _UNKNOWN_MODEL),
)
"""Seen where the status is a plain 400 and no code helps: Ollama, OpenRouter, Anthropic, xAI, Gemini."""

_VAGUE_STATUSES = (None, 400, 404, 422, 500)

_OVERLOAD_WORDING = re.compile(r"(?i)overloaded|at capacity|high demand|temporarily unavailable")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> RouterError:
    """The error that a refused call stands for. Never raises, whatever the body is."""
    value = read_json(body)
    complaint = _complaint(value)
    if value is None and b"<" not in body:
        complaint = _Complaint(message=body.decode("utf-8", "replace").strip())
    return _error(status, complaint, _retry_after_seconds({name.lower(): v for name, v in headers.items()}))


def decode_stream_error(payload: Mapping[str, Any]) -> RouterError:
    """The error that an object in a stream of status 200 stands for."""
    complaint = _complaint(payload)
    inner = mapping(payload.get("error"))
    status = count(inner.get("status_code"))  # Groq
    if status is None and re.fullmatch("[0-9]{3}", complaint.code):  # OpenRouter
        status = int(complaint.code)
    return _error(status if status in range(400, 600) else None, complaint, None)


@dataclass(frozen=True, slots=True)
class _Complaint:
    message: str = ""
    code: str = ""
    type: str = ""


def _complaint(value: Any) -> _Complaint:
    """The three words of a complaint, wherever they are."""
    root = mapping(value[0] if isinstance(value, list) and value else value)  # Gemini wraps it in a list
    error = root.get("error")
    if isinstance(error, str):  # xAI
        return _Complaint(error, _word(root.get("code")))
    inner = mapping(error) or root
    message = text(inner.get("message")) or _detail(inner.get("detail"))
    raw = text(mapping(inner.get("metadata")).get("raw"))  # OpenRouter: what stands behind "Provider returned error"
    if raw and raw not in message:
        message = f"{message}: {raw}"
    return _Complaint(message, _word(inner.get("code")), _word(inner.get("type")) or _word(inner.get("status")))


def _detail(detail: Any) -> str:
    """Mistral's and FastAPI's `detail`: a sentence, or a list of `{msg}`."""
    return text(detail) or "; ".join(filter(None, (text(item.get("msg")) for item in mappings(detail))))


def _word(value: Any) -> str:
    """A code may be a number, a number in a string, a word, null or absent."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _verdict(status: int | None, complaint: _Complaint) -> _Verdict:
    words = [word.lower() for word in (complaint.code, complaint.type)]
    if status == 413:  # before its words: Groq calls a prompt beyond the quota of a minute `rate_limit_exceeded`
        return _TOO_LARGE
    for word in words:
        if word in _SPECIFIC_WORDS:
            return _SPECIFIC_WORDS[word]
    if status in _VAGUE_STATUSES:
        for wording, verdict in _WORDINGS:
            if wording.search(complaint.message):
                return verdict
    if status is not None:
        return _verdict_of_status(status, complaint)
    for word in words:
        if word in _GENERAL_WORDS:
            return _GENERAL_WORDS[word]
    return _OVERLOADED if _OVERLOAD_WORDING.search(complaint.message) else _FAILED


def _verdict_of_status(status: int, complaint: _Complaint) -> _Verdict:
    match status:
        case 401:
            return _REJECTED
        case 402:
            return _NO_CREDIT
        case 403:
            return _FORBIDDEN
        case 404:
            names_model = re.search(r"(?i)model|deployment", complaint.message) or complaint.type == "not_found_error"
            return _UNKNOWN_MODEL if names_model else _WRONG_ADDRESS
        case 408:
            return _TIMEOUT
        case 429:
            return _LIMITED
        case 529:
            return _OVERLOADED
    if status >= 500:
        return _OVERLOADED if _OVERLOAD_WORDING.search(complaint.message) else _FAILED
    return _INVALID if status >= 400 else _UNEXPECTED


def _error(status: int | None, complaint: _Complaint, retry_after_seconds: float | None) -> RouterError:
    verdict = _verdict(status, complaint)
    said = _scrub(complaint.message)
    if said:
        message = f"{verdict.lead}: {said}"
    else:
        message = f"{verdict.lead}." if status is None else f"{verdict.lead} (status {status})."
    facts = {
        "provider_status": status,
        "provider_code": _scrub(complaint.code or complaint.type),
        "provider_message": said,
    }
    details = {name: fact for name, fact in facts.items() if fact}
    # Errors of others carry the header too, and there it means nothing.
    asked = retry_after_seconds if issubclass(verdict.error, RateLimited | UpstreamError) else None
    return verdict.error(message, retry_after_seconds=asked, details=details)


def _scrub(said: str) -> str:
    """`said` without anything that may be a part of a key, short enough to read."""
    said = " ".join(redact(said).split())
    return said if len(said) <= MAX_MESSAGE_CHARACTERS else said[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the upstream asks to wait. Points in time are measured against the answer's own `date`."""
    waits = [
        _seconds(headers.get("retry-after-ms"), 1000),
        _seconds(headers.get("retry-after")),
        _seconds_until(_http_date(headers.get("retry-after")), headers),
    ]
    # Azure says `retry-after: 1` beside `retry-after-ms: 0`: the longer one is the one that helps.
    known = [wait for wait in waits if wait is not None] or _reset(headers)
    return max(known, default=None)


def _reset(headers: Mapping[str, str]) -> list[float]:
    """OpenRouter's `x-ratelimit-reset`, in epoch milliseconds; others by this name count seconds from now."""
    reset = _seconds(headers.get("x-ratelimit-reset"))
    if reset is None:
        return []
    if reset < 1e9:
        return [reset]
    wait = _seconds_until(reset / 1000 if reset > 1e11 else reset, headers)
    return [] if wait is None else [wait]


def _seconds(value: str | None, per_second: int = 1) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number / per_second if 0 <= number < float("inf") else None


def _seconds_until(moment: float | None, headers: Mapping[str, str]) -> float | None:
    now = _http_date(headers.get("date"))
    return None if moment is None or now is None else max(0.0, moment - now)


def _http_date(value: str | None) -> float | None:
    if not value:
        return None
    try:
        date: datetime = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date.timestamp()
