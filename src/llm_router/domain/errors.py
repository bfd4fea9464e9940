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
    ├── BudgetExceeded          the owner's own limit on money
    ├── RateLimited             upstream or ours
    ├── UpstreamError
    │   ├── UpstreamRejected    our credential was refused there
    │   ├── NoCredit            nothing is left on the account there
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
    # Starred or dotted out: what is left is a part of it. These begin where a word does, which keeps them linear.
      (?<![^\s'"`(),:*])[^\s'"`(),:*]*\*{3,}[^\s'"`(),:]*
    | (?<![A-Za-z0-9_+/=~\-])[A-Za-z0-9_+/=~\-]{3,}(?<!/)(?:\.{3,}|…)(?!/)[A-Za-z0-9_+/=~\-]{2,}
    # Whole, by a head that no ordinary word has; by another with a digit in it, or very long.
    | \b(?:sk|gsk)[-_][A-Za-z0-9_*\-]{4,}
    | \b(?:pk|rk|xai|pplx|key|csk|hf|nvapi|r8|tgp|fw|glpat|gh[a-z]|github)[-_]
        (?=[A-Za-z_*\-]*[0-9*]|[A-Za-z_\-]{16})[A-Za-z0-9_*\-]{4,}
    | \bAIza[A-Za-z0-9_\-]{10,}
    | \bAKIA[A-Z0-9]{12,}
    | \bbearer\s+[A-Za-z0-9._*~+/=\-]{6,}
    | (?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_.\-]+      # JSON web tokens
    """
)

_NAMED_KEY = re.compile(r"(?i)((?<![a-z])api[ _-]?key(?: provided)?(?: is)?\s*[:=]\s*)[^\s,;]*[^\s,;.]")
"""A key without any mark of one, where the text calls it one."""


def redact(text: str) -> str:
    """`text` with everything that looks like a credential replaced. Providers echo parts of a key in a 401."""
    return _NAMED_KEY.sub(r"\1[redacted]", _SECRET.sub("[redacted]", text))


class RouterError(Exception):
    """The root. `details` is JSON-able and safe to show."""

    error_type: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False
    """Whether the same request may succeed at the same place a little later."""
    is_caller_fault: ClassVar[bool] = False

    def __init__(
        self, message: str, *, details: Mapping[str, Any] | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details) if details else None
        self.retry_after_seconds = retry_after_seconds
        """How long whoever refused asks to wait; shown in `details` too."""

    def as_dict(self) -> dict[str, Any]:
        """`{"type", "message", "details"?}`: the one error shape of the API, of events and of stored messages."""
        body: dict[str, Any] = {"type": self.error_type, "message": self.message}
        details = dict(self.details or {})
        if self.retry_after_seconds is not None:
            details["retry_after_seconds"] = self.retry_after_seconds
        if details:
            body["details"] = details
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


class BudgetExceeded(RouterError):
    """`details` say which budget, how it stands, and when it begins anew."""

    error_type = "budget_exceeded"
    is_caller_fault = True


class RateLimited(RouterError):
    error_type = "rate_limited"
    is_retryable = True


class UpstreamError(RouterError):
    """A provider failed. `details` may hold `provider_status`, `provider_code`, `provider_message`."""

    error_type = "upstream_error"


class UpstreamRejected(UpstreamError):
    error_type = "upstream_auth"


class NoCredit(UpstreamError):
    pass


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
