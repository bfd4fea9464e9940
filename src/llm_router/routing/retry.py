"""Whether and when to try a failed call again. Pure: the dice are handed in."""

from dataclasses import dataclass

from llm_router.domain.errors import RouterError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds. The wait doubles with each try and is drawn at random below that, so that many do not come at once."""

    max_retries: int = 2
    first_delay: float = 0.5
    max_delay: float = 8.0
    max_retry_after: float = 30.0
    """A provider that asks for a longer wait is not waited for: its error says when to come back."""


def retry_delay(policy: RetryPolicy, failures: int, error: RouterError, dice: float) -> float | None:
    """Seconds to wait after the `failures`-th failure (from 1), or None to give up. `dice` is in [0, 1)."""
    if not error.is_retryable or failures > policy.max_retries:
        return None
    backoff = min(policy.max_delay, policy.first_delay * 2.0 ** (failures - 1)) * (0.5 + dice / 2)
    asked = error.retry_after_seconds
    if asked is None:
        return backoff
    return max(asked, backoff) if asked <= policy.max_retry_after else None
