"""What can go wrong, as one tree. Knows nothing of HTTP: statuses are chosen in `web/errors.py`.

    RouterError
    ├── InvalidRequest          the caller's words are off
    │   ├── RequestTooLarge
    │   ├── UnsupportedMediaType
    │   └── ContextTooLong      the prompt does not fit the model's window
    ├── NotPermitted            a foreign host or origin
    ├── NotFound
    │   └── UnknownModel
    ├── Conflict
    ├── RateLimited             upstream or ours; may carry retry_after_seconds
    ├── UpstreamError
    │   ├── UpstreamRejected    our credential was refused there
    │   ├── UpstreamFailed      5xx, broken stream, nonsense
    │   ├── UpstreamOverloaded
    │   └── UpstreamTimeout
    ├── NoRoute                 no connection can serve the model
    ├── StorageFailed           the database cannot be written
    └── Interrupted             the server stopped while the answer was made

A message is written for the person at the prompt: what happened, what was kept, what to do.
It never holds a credential; upstream texts pass `redact` first.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

_SECRET = re.compile(
    r"""(?xi)
    \b(?:sk|pk|rk|gsk|xai|pplx|key|csk|hf|AIza)[-_][A-Za-z0-9_*\-]{4,}   # provider keys, masked ones too
    | \bAIza[A-Za-z0-9_\-]{10,}
    | \bbearer\s+[A-Za-z0-9._*~+/=\-]{6,}
    | \beyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_.\-]+                         # JSON web tokens
    """
)


def redact(text: str) -> str:
    """`text` with everything that looks like a credential replaced. Providers echo parts of a key in a 401."""
    return _SECRET.sub("[redacted]", text)


class RouterError(Exception):
    """The root. `details` is JSON-able and safe to show."""

    error_type: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False
    """Whether the same request may succeed at the same place a little later."""
    is_caller_fault: ClassVar[bool] = False

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details) if details else None

    def as_dict(self) -> dict[str, Any]:
        """`{"type", "message", "details"?}`: the one error shape of the API, of events and of stored messages."""
        body: dict[str, Any] = {"type": self.error_type, "message": self.message}
        if self.details:
            body["details"] = self.details
        return body


class InvalidRequest(RouterError):
    error_type = "invalid_request"
    is_caller_fault = True


class RequestTooLarge(InvalidRequest):
    error_type = "request_too_large"


class UnsupportedMediaType(InvalidRequest):
    error_type = "unsupported_media_type"


class ContextTooLong(InvalidRequest):
    error_type = "context_length"


class NotPermitted(RouterError):
    error_type = "permission"
    is_caller_fault = True


class NotFound(RouterError):
    error_type = "not_found"
    is_caller_fault = True


class UnknownModel(NotFound):
    pass


class Conflict(RouterError):
    error_type = "conflict"
    is_caller_fault = True


class RateLimited(RouterError):
    error_type = "rate_limited"
    is_retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, details=details)
        self.retry_after_seconds = retry_after_seconds


class UpstreamError(RouterError):
    """A provider failed. `details` may hold `provider_status`, `provider_code`, `provider_message`."""

    error_type = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, details=details)
        self.retry_after_seconds = retry_after_seconds


class UpstreamRejected(UpstreamError):
    error_type = "upstream_auth"


class UpstreamFailed(UpstreamError):
    is_retryable = True


class UpstreamOverloaded(UpstreamError):
    error_type = "overloaded"
    is_retryable = True


class UpstreamTimeout(UpstreamError):
    error_type = "timeout"
    is_retryable = True


class NoRoute(RouterError):
    error_type = "no_route"


class StorageFailed(RouterError):
    error_type = "storage"
    is_retryable = True


class Interrupted(RouterError):
    error_type = "interrupted"
    is_retryable = True
